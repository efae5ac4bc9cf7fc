"""Bodies on their way: whoever is slower sets the pace, answers that come early are heard, and who leaves ends it all."""

import os
import re
import threading
import time
import unittest

import chunks
from attacks import HOST
from processes import PATIENCE, until
from proxy import SECRET_ACCESS_KEY, Proxy, to
from script import Script
from wire import Message, answer

MIB = 1 << 20
SIZE = 20 * MIB
INVITE = b"HTTP/1.1 100 Continue\r\n\r\n"


def length_of(head: Message):
    return int(head.get("content-length"))


def discard(reader, sock, count):
    """Reads `count` bytes of a body; how many came."""
    seen = min(count, len(reader.buffer))
    while seen < count:
        piece = sock.recv(min(262144, count - seen))
        if not piece:
            break
        seen += len(piece)
    return seen


def drain(sock):
    while sock.recv(262144):
        pass


class Streaming(unittest.TestCase):
    def serve(self, play, route=None, **tables):
        self.script = Script(play)
        self.addCleanup(self.script.close)
        self.proxy = Proxy([to(self.script.port, **(route or {}))], **tables)
        self.addCleanup(self.proxy.program.kill)

    def tearDown(self):
        self.proxy.stop()
        self.assertEqual(self.script.faults, [])

    def begin(self, client, size=SIZE, fields=""):
        client.send(f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: {size}\r\n{fields}\r\n")

    def test_a_refusal_costs_no_byte_of_the_body(self):
        def play(reader, sock, number):
            while head := reader.head():
                self.assertEqual(head.get("expect"), "100-continue")
                if number == 1 and not refused:
                    refused.append(head)
                    sock.sendall(answer("503 Slow Down", headers=[("Connection", "close")]))
                    self.assertEqual(sock.recv(1), b"")
                    return
                sock.sendall(INVITE)
                discard(reader, sock, length_of(head))
                sock.sendall(answer(body=b"ok"))
        refused = []
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client, fields="Expect: 100-continue\r\n")
            self.assertEqual(client.response(interim=True).status, 100)     # asked for once, by the second attempt
            client.send(bytes(SIZE))
            self.assertEqual(client.response(interim=True).status, 200)
        self.assertEqual((len(refused), self.script.connections), (1, 2))

    def test_an_answer_instead_of_an_invitation(self):
        def play(reader, sock, number):
            reader.head()
            sock.sendall(answer("403 Forbidden", b"no"))
            drain(sock)
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client, fields="Expect: 100-continue\r\n")
            got = client.response(interim=True)
            self.assertEqual((got.status, got.body, got.get("connection")), (403, b"no", "close"))

    def test_a_body_that_was_not_wanted_is_not_owed_to_the_next_request(self):
        """The service waits for the body that the head announced: nobody else's request may take its place."""
        def play(reader, sock, number):
            head = reader.head()
            sock.sendall(answer("403 Forbidden", b"no") if head.method == "PUT" else answer(body=b"ok"))
            self.assertEqual(sock.recv(1), b"")
        self.serve(play, listen={"workers": 1})
        with self.proxy.client() as client:
            self.begin(client, fields="Expect: 100-continue\r\n")
            self.assertEqual(client.response(interim=True).status, 403)
        self.assertEqual(self.proxy.ask(f"GET /k HTTP/1.1\r\n{HOST}\r\n").body, b"ok")
        self.assertEqual(self.script.connections, 2)

    def test_a_server_that_invites_nobody(self):
        def play(reader, sock, number):
            discard(reader, sock, length_of(reader.head()))
            sock.sendall(answer(body=b"ok"))
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client)
            client.send(bytes(SIZE))
            self.assertEqual(client.response().status, 200)

    def test_an_answer_while_the_client_pauses(self):
        def play(reader, sock, number):
            reader.head()
            sock.sendall(INVITE)
            discard(reader, sock, 2 * MIB)
            sock.sendall(answer("400 Bad", b"early"))
            drain(sock)
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client)
            client.send(bytes(2 * MIB))
            got = client.response()
            self.assertEqual((got.status, got.body, got.get("connection")), (400, b"early", "close"))

    def test_an_answer_while_the_service_reads_no_more(self):
        def play(reader, sock, number):
            reader.head()
            sock.sendall(INVITE)
            discard(reader, sock, 2 * MIB)
            sock.sendall(answer("400 Bad", b"early"))
            heard.wait(20 * PATIENCE)
        heard = threading.Event()
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client)
            threading.Thread(target=self.pour, args=(client,), daemon=True).start()
            got = client.response()
            self.assertEqual((got.status, got.body, got.get("connection")), (400, b"early", "close"))
        heard.set()

    @staticmethod
    def pour(client):
        try:
            client.send(bytes(SIZE - 2 * MIB))
        except OSError:
            pass

    def test_interim_answers_in_the_middle_are_read_over(self):
        def play(reader, sock, number):
            head = reader.head()
            sock.sendall(INVITE)
            discard(reader, sock, 2 * MIB)
            sock.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
            went_on.wait(10 * PATIENCE)
            discard(reader, sock, length_of(head) - 2 * MIB)
            sock.sendall(answer(body=b"ok"))
        went_on = threading.Event()
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client)
            client.send(bytes(2 * MIB))
            time.sleep(0.3)      # the interim answer finds the proxy waiting for its client
            went_on.set()
            client.send(bytes(SIZE - 2 * MIB))
            self.assertEqual(client.response().status, 200)

    def test_a_service_that_reads_nothing_stops_the_client(self):
        def play(reader, sock, number):
            reader.head()
            sock.sendall(INVITE)
            done.wait(30 * PATIENCE)
        done = threading.Event()
        self.serve(play)
        before = self.proxy.resident()
        with self.proxy.client(timeout=2) as client:
            self.begin(client, 400 * MIB)
            sent = 0
            with self.assertRaises(TimeoutError):
                while sent < 400 * MIB:
                    sent += client.sock.send(bytes(MIB))
            self.assertLess(sent, 64 * MIB)      # what the buffers of two sockets hold
            if not os.environ.get("E2E_SANITIZER"):     # its memory is the sanitizer's
                self.assertLess(self.proxy.resident() - before, 16 * MIB)
        done.set()

    def test_a_client_that_leaves_ends_it_within_a_second(self):
        def play(reader, sock, number):
            head = reader.head()
            sock.sendall(INVITE)
            seen.append(discard(reader, sock, length_of(head)))
            ended.append(time.monotonic())
        seen, ended = [], []
        self.serve(play)
        for leave in ("close", "abort"):
            client = self.proxy.client()
            self.begin(client)
            client.send(bytes(3 * MIB))
            left = time.monotonic()
            getattr(client, leave)()
            until(lambda: len(ended) == 1, 10, "is told")
            self.assertLess(ended.pop() - left, 1.5 * PATIENCE)
            self.assertLess(seen.pop(), SIZE)

    def test_a_client_that_sends_no_more_is_told(self):
        def play(reader, sock, number):
            reader.head()
            sock.sendall(INVITE)
            drain(sock)
        self.serve(play, listen={"body_timeout": "1s"})
        with self.proxy.client() as client:
            self.begin(client)
            client.send(bytes(MIB))
            got = client.response()
            self.assertEqual((got.status, got.get("x-countersign-error")), (408, "slow-request"))

    def test_a_half_sent_body_is_never_sent_again(self):
        def play(reader, sock, number):
            reader.head()
            sock.sendall(INVITE)
            discard(reader, sock, 2 * MIB)
            sock.sendall(answer("503 Slow Down", headers=[("Connection", "close")]))
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client)
            threading.Thread(target=self.pour, args=(client,), daemon=True).start()
            self.assertEqual(client.response().status, 503)
        self.assertEqual(self.script.connections, 1)

    def test_a_server_that_goes_away_in_the_middle(self):
        def play(reader, sock, number):
            reader.head()
            sock.sendall(INVITE)
            discard(reader, sock, 2 * MIB)
        self.serve(play)
        with self.proxy.client() as client:
            self.begin(client)
            threading.Thread(target=self.pour, args=(client,), daemon=True).start()
            self.assertEqual(client.response().status, 502)
        self.assertEqual(self.script.connections, 1)


class Elsewhere(unittest.TestCase):
    def test_a_streamed_body_follows_its_bucket(self):
        """S3 says in place of an invitation which region it wants; the body then goes there whole."""
        def play(reader, sock, number):
            while head := reader.head():
                scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", head.get("authorization"))[1]
                if scope != "eu-west-1":
                    body = (b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>x</Message>"
                            b"<Region>eu-west-1</Region></Error>")
                    sock.sendall(answer("400 Bad Request", body, [("Connection", "close")]))
                    return
                sock.sendall(INVITE)
                head.body = reader.exactly(length_of(head))
                got.append(chunks.content_of(head, SECRET_ACCESS_KEY, region="eu-west-1")[0])
                sock.sendall(answer(body=b"ok"))
        got = []
        script = Script(play)
        self.addCleanup(script.close)
        body = bytes(range(256)) * (9 * MIB // 256)
        with Proxy([to(script.port)]) as proxy, proxy.client() as client:
            client.send(f"PUT /k HTTP/1.1\r\nHost: bucket.s3.amazonaws.com\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            self.assertEqual(client.response().status, 200)
        self.assertEqual((got == [body], script.faults), (True, []))


if __name__ == "__main__":
    unittest.main()
