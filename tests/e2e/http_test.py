"""Plain HTTP/1.1 work: every form of request and answer gets through, byte for byte."""

import unittest

import signatures
from attacks import HOST, S3
from processes import until
from proxy import Proxy, to
from wire import Upstream, answer


class Http(unittest.TestCase):
    def setUp(self):
        self.reply = answer(body=b"ok")
        self.upstream = Upstream(lambda request, connection: self.reply)
        self.addCleanup(self.upstream.close)
        self.proxy = Proxy([to(self.upstream.port)])
        self.addCleanup(self.proxy.program.kill)

    def tearDown(self):
        self.proxy.stop()
        self.assertEqual(self.upstream.errors, [])

    def ask(self, text, method="GET"):
        return self.proxy.ask(text, method)

    def test_head_of_the_answer_is_untouched(self):
        fields = [("X-Zebra", "1"), ("x-aPPle", "two  blanks"), ("X-Zebra", "again"), ("Date", "x"), ("ETag", '"a b"'),
                  ("Content-Encoding", "gzip"), ("x-amz-id-2", "/+="), ("Server", "AmazonS3"), ("X-Empty", "")]
        self.reply = answer("206 Partial  Content!", bytes(range(256)), fields)
        got = self.ask(f"GET /k HTTP/1.1\r\n{HOST}\r\n")
        self.assertEqual(got.start, "HTTP/1.1 206 Partial  Content!")
        names = {n for n, _ in fields}
        self.assertEqual([(n, v) for n, v in got.headers if n in names], fields)
        self.assertEqual(got.body, bytes(range(256)))

    def test_chunked_answers(self):
        self.reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
        self.assertEqual(self.ask(f"GET /k HTTP/1.1\r\n{HOST}\r\n").body, b"abcde")

    def test_answers_that_end_with_the_connection(self):
        def respond(request, connection):
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
            return None
        self.upstream.respond = respond
        for _ in range(2):
            self.assertEqual(self.ask(f"GET /k HTTP/1.1\r\n{HOST}\r\n").body, b"until the end")

    def test_answers_without_a_body(self):
        with self.proxy.client() as client:
            for status, method in (("204 No Content", "DELETE"), ("304 Not Modified", "GET")):
                self.reply = answer(status, headers=[("ETag", '"1"')], length=False)
                got = client.ask(f"{method} /k HTTP/1.1\r\n{HOST}\r\n", method)
                self.assertEqual((got.status, got.get("etag")), (int(status[:3]), '"1"'))
            self.reply = answer(headers=[("Content-Length", "12345")], length=False)
            got = client.ask(f"HEAD /k HTTP/1.1\r\n{HOST}\r\n", "HEAD")
            self.assertEqual((got.status, got.get("content-length")), (200, "12345"))
            self.reply = answer(body=b"after")
            self.assertEqual(client.ask(f"GET /k HTTP/1.1\r\n{HOST}\r\n").body, b"after")
        self.assertEqual(self.upstream.connections, 1)

    def test_an_old_client(self):
        with self.proxy.client() as client:
            got = client.ask(f"GET /k HTTP/1.0\r\n{HOST}\r\n")
            self.assertEqual((got.status, got.body), (200, b"ok"))
            self.assertTrue(client.is_closed())
        self.reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        with self.proxy.client() as client:
            got = client.ask(f"GET /k HTTP/1.0\r\n{HOST}\r\n")
            self.assertEqual(got.all("transfer-encoding"), [], "HTTP/1.0 knows no chunks")
            self.assertEqual(got.body, b"abc")
        self.reply = answer(body=b"ok")
        with self.proxy.client() as client:
            for _ in range(2):
                got = client.ask(f"GET /k HTTP/1.0\r\n{HOST}Connection: keep-alive\r\n\r\n")
                self.assertEqual(got.body, b"ok")
                if (got.get("connection") or "close").lower() != "keep-alive":
                    self.assertTrue(client.is_closed())
                    break

    def test_expect_continue(self):
        with self.proxy.client() as client:
            client.send(f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(client.response(interim=True).status, 100)
            self.assertEqual(client.send("hello").response().status, 200)
            self.assertEqual(self.upstream.requests[-1].body, b"hello")
            # A body that will not be taken is refused before it is sent.
            client.send(f"POST / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\nContent-Length: {6 << 30}\r\n"
                        "Expect: 100-continue\r\n\r\n")
            self.assertEqual(client.response(interim=True).status, 413)

    def test_bodies(self):
        for size in (0, 1, 4095, 65536, 1 << 20):
            body = bytes(n % 251 for n in range(size))
            got = self.ask(f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: {size}\r\n\r\n".encode() + body)
            self.assertEqual((got.status, self.upstream.requests[-1].body == body), (200, True), size)
            if size:
                got = self.ask(f"PUT /k HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{size:X}\r\n".encode() + body
                               + b"\r\n0\r\n\r\n")
                self.assertEqual((got.status, self.upstream.requests[-1].body == body), (200, True), size)
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1"))

    def test_large_answers(self):
        size = 64 << 20
        block = bytes(range(256)) * 256

        def respond(request, connection):
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // len(block)):
                connection.sock.sendall(block)
            return b""
        self.upstream.respond = respond
        before = self.proxy.resident(peak=True)
        with self.proxy.client() as client:
            client.send(f"GET /k HTTP/1.1\r\n{HOST}\r\n")
            self.assertEqual(client.reader.head().status, 200)
            for _ in range(size // len(block)):
                self.assertTrue(client.reader.exactly(len(block)) == block)
        self.assertLess(self.proxy.resident(peak=True) - before, 32 << 20)

    def test_errors_speak_the_callers_language(self):
        got = self.ask(f"GET /k HTTP/1.1\r\n{HOST}Origin: https://evil.example\r\n\r\n")
        self.assertEqual((got.get("content-type"), b"<Error><Code>AccessDenied</Code>" in got.body.replace(b"\n", b"")),
                         ("application/xml", True), got.body)
        got = self.ask("POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nOrigin: https://evil.example\r\n"
                       "Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}")
        self.assertIn(b'"__type"', got.body)
        got = self.ask("POST / HTTP/1.1\r\nHost: sts.us-east-1.amazonaws.com\r\nOrigin: https://evil.example\r\n"
                       "Content-Length: 2\r\n\r\n{}")
        self.assertIn(b"<ErrorResponse", got.body)

    def test_routes_choose_service_and_signing(self):
        routes = [{**to(self.upstream.port, host="plain.example"), "sign": "none"},
                  {**to(self.upstream.port, host="*.internal.example"), "service": "execute-api", "region": "eu-west-1"},
                  {"host": "*", "upstream": f"http://localhost:{self.upstream.port}",
                   "connect": f"127.0.0.1:{self.upstream.port}", "service": "es", "region": "eu-west-3"}]
        with Proxy(routes) as proxy:
            proxy.ask("GET /a HTTP/1.1\r\nHost: plain.example\r\n\r\n")
            self.assertEqual(self.upstream.requests[-1].all("authorization"), [])
            proxy.ask("GET /a/../b HTTP/1.1\r\nHost: api.internal.example\r\n\r\n")
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "execute-api", "eu-west-1"))
            proxy.ask("GET /_search?q=a HTTP/1.1\r\nHost: whatever.example\r\n\r\n")
            came = self.upstream.requests[-1]
            self.assertEqual(came.get("host"), f"localhost:{self.upstream.port}")
            self.assertIsNone(signatures.complaint(came, "es", "eu-west-3"))

    def test_signing_in_the_query(self):
        with Proxy([{**to(self.upstream.port), "sign": "query"}]) as proxy:
            proxy.ask(f"GET /a%20b?x=y HTTP/1.1\r\n{HOST}\r\n")
            came = self.upstream.requests[-1]
            self.assertEqual(came.all("authorization"), [])
            self.assertRegex(came.target, r"^/a%20b\?x=y&X-Amz-Algorithm=AWS4-HMAC-SHA256&.*&X-Amz-Signature=[0-9a-f]{64}$")

    def test_upstream_connections_are_kept(self):
        with Proxy([to(self.upstream.port)], listen={"workers": 1}) as proxy:
            before = self.upstream.connections
            for _ in range(20):
                proxy.ask(f"GET /k HTTP/1.1\r\n{HOST}\r\n")
            self.assertEqual(self.upstream.connections - before, 1)
            self.assertEqual(proxy.metric("countersign_requests_total", service="s3", code="200"), 20)
            self.assertEqual(proxy.metric("countersign_attempts_total", service="s3", reason="first"), 20)
            self.assertGreater(proxy.metric("countersign_credentials_expiry_seconds", identity="default"), 0)

    def test_one_line_a_request_in_the_log(self):
        self.ask(f"GET /secret-looking?token=hidden-value HTTP/1.1\r\n{HOST}\r\n")
        until(lambda: "/secret-looking" in self.proxy.log(), what="the access line")
        self.assertNotIn("hidden-value", self.proxy.log())
        self.assertIn(S3, self.proxy.log())


if __name__ == "__main__":
    unittest.main()
