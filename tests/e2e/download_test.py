"""Downloads: parts of objects, unchanged ones, coded ones, streams that come piece by piece, and those that break off."""

import gzip
import hashlib
import threading
import unittest

import fixtures
import signatures
from attacks import HOST
from proxy import Proxy, to
from wire import Truncated, Upstream, answer

OBJECT = hashlib.shake_128(b"an object").digest(200_000)
ETAG = '"5f4dcc3b"'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def get(fields="", path="/k", version="HTTP/1.1"):
    return f"GET {path} {version}\r\n{HOST}{fields}\r\n"


def chunk(piece):
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def serve_object(request, connection=None):
    """As S3 does."""
    fields = [("ETag", ETAG), ("Accept-Ranges", "bytes"), ("Content-Type", "binary/octet-stream")]
    if request.get("if-none-match") == ETAG:
        return answer("304 Not Modified", headers=fields, length=False)
    asked = request.get("range")
    if asked is None:
        return answer(body=OBJECT, headers=fields)
    first, last = asked.removeprefix("bytes=").split("-")
    if not first:
        first, last = len(OBJECT) - int(last), ""
    first, last = int(first), min(int(last or len(OBJECT)), len(OBJECT) - 1)
    if first >= len(OBJECT):
        body = b"<Error><Code>InvalidRange</Code></Error>"
        return answer("416 Requested Range Not Satisfiable", body, [("Content-Range", f"bytes */{len(OBJECT)}")])
    return answer("206 Partial Content", OBJECT[first:last + 1],
                  [*fields, ("Content-Range", f"bytes {first}-{last}/{len(OBJECT)}")])


class Downloads(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream(serve_object)
        self.addCleanup(self.upstream.close)
        self.proxy = Proxy([to(self.upstream.port)])
        self.addCleanup(self.proxy.program.kill)

    def tearDown(self):
        self.proxy.stop()
        self.assertEqual(self.upstream.errors, [])

    def ask(self, text, method="GET"):
        got = self.proxy.ask(text, method)
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1"))
        return got

    def test_parts_of_an_object(self):
        for asked, first, last in (("0-0", 0, 0), ("100-199", 100, 199), ("199990-", 199990, 199999),
                                   ("-5", 199995, 199999), ("65536-1000000", 65536, 199999)):
            got = self.ask(get(f"Range: bytes={asked}\r\n"))
            self.assertEqual((got.start, got.get("content-range")),
                             ("HTTP/1.1 206 Partial Content", f"bytes {first}-{last}/200000"))
            self.assertEqual((got.body, got.get("etag")), (OBJECT[first:last + 1], ETAG))
            self.assertEqual(self.upstream.requests[-1].get("range"), f"bytes={asked}")

    def test_a_part_that_is_not_there(self):
        with self.proxy.client() as client:
            for _ in range(2):
                got = client.ask(get("Range: bytes=200000-\r\n"))
                self.assertEqual((got.status, got.get("content-range"), got.body),
                                 (416, "bytes */200000", b"<Error><Code>InvalidRange</Code></Error>"))
        self.assertEqual((len(self.upstream.requests), self.upstream.connections), (2, 1))

    def test_several_parts(self):
        body = (b"--x\r\nContent-Range: bytes 0-0/2\r\n\r\na\r\n--x\r\nContent-Range: bytes 1-1/2\r\n\r\nb\r\n--x--\r\n")
        self.upstream.respond = lambda request, connection: answer(
            "206 Partial Content", body, [("Content-Type", "multipart/byteranges; boundary=x")])
        got = self.ask(get("Range: bytes=0-0,1-1\r\n"))
        self.assertEqual((got.status, got.body, self.upstream.requests[-1].get("range")), (206, body, "bytes=0-0,1-1"))

    def test_an_object_that_has_not_changed(self):
        with self.proxy.client() as client:
            for _ in range(2):
                got = client.ask(get(f"If-None-Match: {ETAG}\r\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n"))
                self.assertEqual((got.status, got.get("etag"), got.body), (304, ETAG, b""))
            sent = self.upstream.requests[-1]
            self.assertEqual((sent.get("if-none-match"), sent.get("if-modified-since")),
                             (ETAG, "Tue, 14 Nov 2023 22:13:20 GMT"))
            got = client.ask(get('If-None-Match: "another"\r\n'))
            self.assertEqual((got.status, got.body == OBJECT), (200, True))
        self.assertEqual(self.upstream.connections, 1)

    def test_coded_bodies_are_not_touched(self):
        body = gzip.compress(OBJECT[:5000] * 20)
        for raw in (answer(body=body, headers=[("Content-Encoding", "gzip")]),
                    CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunk(body[:1000]) + chunk(body[1000:]) + chunk(b"")):
            self.upstream.respond = lambda request, connection: raw
            got = self.ask(get("Accept-Encoding: gzip, br;q=0.5\r\n"))
            self.assertEqual((got.body, got.get("content-encoding")), (body, "gzip"))
            self.assertEqual(self.upstream.requests[-1].all("accept-encoding"), ["gzip, br;q=0.5"])
        self.ask(get())
        self.assertEqual(self.upstream.requests[-1].all("accept-encoding"), [], "nobody asked for a coding")

    def test_a_download_goes_on_where_it_broke_off(self):
        def break_off(request, connection):
            whole = serve_object(request)
            connection.sock.sendall(whole[:len(whole) - left])
            self.upstream.respond = serve_object

        for left in (1, 70_000, 199_999):
            self.upstream.respond = break_off
            with self.proxy.client() as client:
                head = client.send(get()).reader.head()
                self.assertEqual((head.status, head.get("content-length")), (200, "200000"))
                with self.assertRaises((Truncated, ConnectionError)):
                    client.reader.exactly(200_000)
                have = client.reader.buffer
                self.assertEqual(len(have), 200_000 - left)
            got = self.ask(get(f"Range: bytes={len(have)}-\r\nIf-Match: {ETAG}\r\n"))
            self.assertEqual((got.status, have + got.body == OBJECT), (206, True))
            self.assertEqual(self.upstream.requests[-1].get("if-match"), ETAG)

    def test_trailers_are_for_those_who_take_them(self):
        trailers = b"x-amz-checksum-crc32: AAAAAA==\r\nContent-Length: 3\r\nConnection: close\r\nX-Sum: 1\r\n"
        self.upstream.respond = lambda request, connection: (
            CHUNKED + b"Trailer: X-Sum\r\n\r\n" + chunk(b"hello") + b"0\r\n" + trailers + b"\r\n")
        with self.proxy.client() as client:
            for fields, kept, named in (("TE: trailers\r\nConnection: TE\r\n", [("x-amz-checksum-crc32", "AAAAAA=="), ("X-Sum", "1")], ["X-Sum"]),
                                        ("TE: gzip\r\n", [], []), ("", [], [])):
                got = client.ask(get(fields))
                self.assertEqual((got.body, got.trailers, got.all("trailer")), (b"hello", kept, named))
                self.assertEqual(self.upstream.requests[-1].all("te"), [])
        self.assertEqual(self.upstream.connections, 1)
        with self.proxy.client() as client:
            got = client.ask(get("TE: trailers\r\n", version="HTTP/1.0"))
            self.assertEqual((got.body, got.all("trailer")), (b"hello", []))

    def test_trailers_have_bounds(self):
        with self.proxy.client() as client:
            self.upstream.respond = lambda request, connection: CHUNKED + b"\r\n0\r\n" + b"X-T: %b\r\n" % (b"v" * 90) * 100 + b"\r\n"
            with self.assertRaises((Truncated, ConnectionError)):
                client.ask(get("TE: trailers\r\n"))


class Streams(unittest.TestCase):
    """Each piece reaches the client before the service sends the next one."""

    PIECES = [b"data: {\"n\": %d}\n\n" % n for n in range(5)] + [bytes(range(256)), b"x", b"\0" * 20_000, b"end"]

    def stream(self, head, frame, last, text, read, **proxy):
        took = threading.Semaphore(0)
        late = []

        def respond(request, connection):
            connection.sock.sendall(head)
            for piece in self.PIECES:
                if not took.acquire(timeout=20):
                    late.append(piece)
                    return None
                connection.sock.sendall(frame(piece))
            took.acquire(timeout=20)
            return last
        upstream = Upstream(respond, tls=fixtures.leaf() if proxy else None)
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port, "https" if proxy else "http")], **proxy) as running, running.client() as client:
            answered = client.send(text).reader.head()
            self.assertEqual(answered.status, 200)
            took.release()
            for piece in self.PIECES:
                self.assertEqual(read(client, piece), piece)
                took.release()
            self.assertEqual(late, [])

    @staticmethod
    def plain(client, piece):
        return client.reader.exactly(len(piece))

    @staticmethod
    def framed(client, piece):
        size = int(client.reader.line(), 16)
        got = client.reader.exactly(size)
        while len(got) < len(piece):         # an answer without a length comes as it was read
            client.reader.exactly(2)
            got += client.reader.exactly(int(client.reader.line(), 16))
        return got if client.reader.exactly(2) == b"\r\n" else None

    def test_events_in_chunks(self):
        events = CHUNKED + b"Content-Type: text/event-stream\r\n\r\n"
        self.stream(events, chunk, chunk(b""), get(), self.framed)

    def test_events_over_tls(self):
        events = CHUNKED + b"Content-Type: text/event-stream\r\n\r\n"
        self.stream(events, chunk, chunk(b""), get(), self.framed,
                    upstream={"ca_file": fixtures.authority().certificate})

    def test_an_event_stream_of_a_model(self):
        text = ("POST /model/m/invoke-with-response-stream HTTP/1.1\r\nHost: bedrock-runtime.us-east-1.amazonaws.com\r\n"
                "Content-Type: application/json\r\nAccept: application/vnd.amazon.eventstream\r\nContent-Length: 2\r\n\r\n{}")
        head = CHUNKED + b"Content-Type: application/vnd.amazon.eventstream\r\n\r\n"
        self.stream(head, chunk, chunk(b""), text, self.framed)

    def test_a_known_length(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % sum(map(len, self.PIECES))
        self.stream(head, bytes, b"", get(), self.plain)

    def test_what_only_the_connection_ends(self):
        self.stream(b"HTTP/1.1 200 OK\r\n\r\n", bytes, None, get(), self.framed)

    def test_an_old_client(self):
        head = CHUNKED + b"\r\n"
        self.stream(head, chunk, chunk(b""), get(version="HTTP/1.0"), self.plain)


if __name__ == "__main__":
    unittest.main()
