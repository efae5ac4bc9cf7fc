"""Upstreams that break every rule: the client gets a clean error or a visibly broken answer, the next one is well."""

import socket
import threading
import time
import unittest

import fixtures
from attacks import HOST
from processes import PATIENCE, until
from proxy import Proxy, to
from wire import Malformed, Truncated, Upstream, answer

GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"

MALFORMED = {
    "garbage": b"GARBAGE\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "status 000": b"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n",
    "status 99": b"HTTP/1.1 99 x\r\nContent-Length: 0\r\n\r\n",
    "status 2000": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status of letters": b"HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "LF alone": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a folded field": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nnothing\r\nContent-Length: 0\r\n\r\n",
    "an empty name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n",
    "CR in a value": b"HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "a length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "a length beyond 64 bit": b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nhello",
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20000,
    "an endless line": b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 200000,
    "an endless status line": b"HTTP/1.1 200 " + b"b" * 200000,
    "unasked upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "endless interim answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 2000,
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Len",
}

BROKEN_BODIES = {
    "short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
    "without its last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "inside a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
    "inside the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "a bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\nhello\r\n0\r\n\r\n",
    "a chunk beyond 64 bit": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10000000000000005\r\nhello",
    "a chunk without CRLF": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
}

# What leaves something behind in the connection, which nobody may ever take for an answer.
SURPLUS = {
    "after the length": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "after the last chunk": ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "a body to HEAD": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
    "a body of 204": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "a body of 304": ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
}
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: 1\r\n\r\npoison"


class UpstreamFaults(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.proxy = Proxy([to(self.upstream.port, max_attempts=1)], listen={"workers": 1},
                           upstream={"response_timeout": "2s", "connect_timeout": "2s"})
        self.addCleanup(self.proxy.program.kill)

    def tearDown(self):
        self.proxy.stop()

    def once(self, raw, then=None):
        """The next connection answers these bytes (then does what `then` says, or closes); later ones are well."""
        def respond(request, connection):
            self.upstream.respond = lambda request, connection: answer(body=b"ok")
            connection.sock.sendall(raw)
            return then(connection) if then else None
        self.upstream.respond = respond

    def is_well(self):
        got = self.proxy.ask(GET)
        self.assertEqual((got.status, got.body), (200, b"ok"))

    def test_malformed_heads(self):
        for name, raw in MALFORMED.items():
            with self.subTest(name):
                self.once(raw)
                with self.proxy.client() as client:
                    got = client.ask(GET)
                    self.assertEqual(got.status, 502, got.head)
                    self.assertIsNotNone(got.get("x-countersign-error"))
                self.is_well()

    def test_a_connection_that_ends_without_an_answer(self):
        self.once(b"")
        self.assertEqual(self.proxy.ask(GET).status, 502)
        self.is_well()

    def test_broken_bodies_are_visibly_broken(self):
        for name, raw in BROKEN_BODIES.items():
            with self.subTest(name):
                self.once(raw)
                with self.proxy.client() as client:
                    with self.assertRaises((Truncated, Malformed, ConnectionError)):
                        client.ask(GET)
                self.is_well()

    def test_a_reset_inside_the_body(self):
        def reset(connection):
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sock.close()
        self.once(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", reset)
        with self.proxy.client() as client, self.assertRaises((Truncated, ConnectionError)):
            client.ask(GET)
        self.is_well()

    def test_surplus_bytes_are_nobodys_answer(self):
        for name, (method, raw) in SURPLUS.items():
            for late in (False, True):
                with self.subTest(f"{name}, {'late' if late else 'at once'}"):
                    arrived = threading.Event()

                    def then(connection):
                        if late:
                            arrived.wait(10)
                            connection.sock.sendall(POISON)
                        time.sleep(0.05)
                        return b""
                    self.once(raw + (b"" if late else POISON), then)
                    with self.proxy.client() as client:
                        first = client.ask(f"{method} /k HTTP/1.1\r\n{HOST}\r\n", method)
                        arrived.set()
                        self.assertLess(first.status, 400)
                        self.assertNotIn(b"poison", first.body)
                        time.sleep(0.1)      # let the poison arrive before the connection is wanted again
                        for _ in range(2):
                            got = client.ask(GET)
                            self.assertEqual((got.status, got.body, got.get("x-poison")), (200, b"ok", None))

    def test_interim_answers_are_passed_or_dropped(self):
        self.once(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + answer(body=b"ok"),
                  lambda connection: b"")
        got = self.proxy.ask(GET)
        self.assertEqual((got.status, got.body), (200, b"ok"))

    def test_an_upstream_that_says_nothing(self):
        released = threading.Event()
        self.addCleanup(released.set)
        self.once(b"", lambda connection: released.wait(30) and None)
        began = time.monotonic()
        got = self.proxy.ask(GET)
        self.assertEqual(got.status, 504, got.head)
        self.assertLess(time.monotonic() - began, 10 * PATIENCE)
        self.is_well()

    def test_a_redirect_is_not_followed(self):
        self.once(answer("307 Temporary Redirect", headers=[("Location", "http://169.254.169.254/")]),
                  lambda connection: b"")
        got = self.proxy.ask(GET)
        self.assertEqual((got.status, got.get("location")), (307, "http://169.254.169.254/"))

    def test_nobody_listens(self):
        self.upstream.close()
        got = self.proxy.ask(GET)
        self.assertEqual(got.status, 502)
        self.assertIsNotNone(got.get("x-countersign-error"))

    def test_an_upstream_that_comes_back(self):
        self.is_well()
        port = self.upstream.port
        self.upstream.close()
        self.assertEqual(self.proxy.ask(GET).status, 502)
        second = Upstream(lambda request, connection: answer(body=b"ok"), port=port)
        self.addCleanup(second.close)
        self.is_well()

    def test_kept_connections_that_the_upstream_closed(self):
        for _ in range(5):
            self.is_well()
            self.upstream.close_connections()
        # A proxy that finds its kept connection closed opens another one, whatever max_attempts says.

    def test_early_answers(self):
        """An upstream that answers before it has read the request's body."""
        def listen(sock):
            while True:
                try:
                    connection, _ = sock.accept()
                except OSError:
                    return
                connection.recv(1000)
                connection.sendall(answer("403 Forbidden", b"no"))
                connection.close()
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        threading.Thread(target=listen, args=(server,), daemon=True).start()
        with Proxy([to(server.getsockname()[1], max_attempts=1)]) as proxy:
            for _ in range(5):
                got = proxy.ask(f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: 1000000\r\n\r\n".encode() + b"a" * 1000000)
                self.assertIn(got.status, (403, 502))


class SlowPeers(unittest.TestCase):
    def test_a_client_that_does_not_read(self):
        sent = [0]

        def respond(request, connection):
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (128 << 20))
            for _ in range(128 << 4):
                connection.sock.sendall(b"a" * 65536)
                sent[0] += 65536
            return b""
        upstream = Upstream(respond)
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], listen={"body_timeout": "3s"}) as proxy:
            before = proxy.resident()
            with proxy.client(receive_buffer=4096) as client:
                client.send(GET)
                seen = [-1]

                def stuck():
                    same, seen[0] = sent[0] > 0 and sent[0] == seen[0], sent[0]
                    time.sleep(0.3)
                    return same
                until(stuck, 20, "the upstream is held back")
                self.assertLess(sent[0], 64 << 20)
                self.assertLess(proxy.resident(peak=True) - before, 32 << 20)
                # …and such a client does not stay for ever.
                until(lambda: not upstream.open, 20, "the stuck client was given up")

    def test_a_head_that_drips(self):
        with Proxy(listen={"header_timeout": "1s", "idle_timeout": "1s"}) as proxy:
            with proxy.client() as client:
                client.send("GET / HTTP/1.1\r\nHost:")
                began = time.monotonic()
                left = client.rest()
                self.assertTrue(left == b"" or left.startswith(b"HTTP/1.1 408 "), left)
                self.assertLess(time.monotonic() - began, 10 * PATIENCE)
            with proxy.client() as client:      # one that never says anything
                self.assertTrue(client.is_closed())

    def test_a_body_that_stops(self):
        with Proxy(listen={"body_timeout": "1s"}) as proxy, proxy.client() as client:
            client.send(f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nhello")
            left = client.rest()
            self.assertTrue(left == b"" or left.startswith(b"HTTP/1.1 408 "), left)

    def test_many_idle_and_dripping_clients_do_not_stop_a_normal_one(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)]) as proxy:
            clients = [proxy.client() for _ in range(300)]
            for number, client in enumerate(clients):
                if number % 2:
                    client.send("GET /k HT")
            self.assertEqual(proxy.ask(GET).status, 200)
            for client in clients:
                client.close()
            until(lambda: proxy.metric("countersign_connections", side="client") <= 1, 10, "they are gone")

    def test_more_clients_than_allowed(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], listen={"max_connections": 20, "workers": 1}) as proxy:
            clients = [proxy.client() for _ in range(40)]
            for client in clients:
                client.abort()

            def served():
                try:
                    return proxy.ask(GET).status == 200
                except (ConnectionError, Truncated):
                    return False
            until(served, 10, "served again")


class TlsTruncation(unittest.TestCase):
    def test_a_body_that_ends_without_close_notify(self):
        def respond(request, connection):
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)      # TCP's end, not TLS's
            return None
        upstream = Upstream(respond, tls=fixtures.leaf())
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port, "https", max_attempts=1)],
                   upstream={"ca_file": fixtures.authority().certificate}) as proxy:
            with proxy.client() as client, self.assertRaises((Truncated, ConnectionError)):
                got = client.ask(GET)
                self.assertEqual(got.status, 502)      # nothing of it was passed on: as good
                raise Truncated


if __name__ == "__main__":
    unittest.main()
