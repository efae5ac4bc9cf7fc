"""Ambiguous framing and malformed heads never reach the upstream."""

import unittest

from attacked import Attacked
from attacks import CHUNKED, CODINGS, FRAMING, HEADS, HELLO, HOST, get, post
from wire import answer


class Framing(Attacked):
    def test_ambiguous_framing(self):
        for name, raw in FRAMING.items():
            self.refused(name, raw)

    def test_transfer_codings(self):
        for name, raw in CODINGS.items():
            self.refused(name, raw, {400, 501})

    def test_malformed_heads(self):
        for name, raw in HEADS.items():
            self.refused(name, raw, {400, 421, 403, 501} if "stars" in name else {400})

    def test_versions(self):
        for version in ("HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/1.10", "HTTP/11", "HTTP/1", "HTTP/1.1x", "HTTPS/1.1"):
            self.refused(version, get(line=f"GET /b/k {version}"), {400, 505})

    def test_every_byte_around_transfer_encoding(self):
        """The matrix of smuggler's "exhaustive" configuration: a byte at each of four places, with a length too."""
        for byte in [*range(0x00, 0x21), *range(0x7f, 0x100)]:
            b = chr(byte)
            for place, field in enumerate((f"{b}Transfer-Encoding: chunked", f"Transfer-Encoding{b}: chunked",
                                           f"Transfer-Encoding:{b}chunked", f"Transfer-Encoding: chunked{b}")):
                self.refused(f"0x{byte:02x} at place {place}", post(f"Content-Length: 5\r\n{field}\r\n", HELLO),
                             {400, 501})

    def test_every_byte_around_transfer_encoding_without_length(self):
        for byte in [*range(0x00, 0x20), *range(0x7f, 0x100)]:
            b = chr(byte)
            for place, field in enumerate((f"{b}Transfer-Encoding: chunked", f"Transfer-Encoding{b}: chunked",
                                           f"Transfer-Encoding:{b}chunked", f"Transfer-Encoding: chunked{b}")):
                if b != "\t" or place < 2:      # a tab may stand before and after a value
                    self.refused(f"0x{byte:02x} at place {place}", post(f"{field}\r\n", HELLO), {400, 501})

    def test_every_byte_in_a_name_and_value(self):
        token = set(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        for byte in range(256):
            if byte not in token and byte != ord(":"):
                self.refused(f"name 0x{byte:02x}", get(f"X{chr(byte)}A: b\r\n"))
            if (byte < 32 and byte != 9) or byte == 127:
                self.refused(f"value 0x{byte:02x}", get(f"X-A: a{chr(byte)}b\r\n"))

    def test_limits_of_the_head(self):
        self.refused("a long target", get(target="/" + "a" * 20000), {414})
        self.refused("a long field", get("X-A: " + "a" * 20000 + "\r\n"), {431})
        self.refused("many fields", get("".join(f"X-{i}: b\r\n" for i in range(250))), {400, 431})
        self.refused("a long head", get("".join(f"X-{i}: {'b' * 1000}\r\n" for i in range(80))), {431})
        self.refused("an endless line", b"GET /" + b"a" * 200000, {400, 414, 431}, huge=True)
        self.refused("an endless method", b"A" * 200000, {400, 414, 431}, huge=True)
        self.refused("many chunk extensions", post(CHUNKED, "5;" + "a" * 100000 + "\r\nhello\r\n0\r\n\r\n"), huge=True)
        self.refused("many trailers", post(CHUNKED, "5\r\nhello\r\n0\r\n" + "a: b\r\n" * 30000 + "\r\n"), {400, 431}, huge=True)
        for name, raw in (("fields", get("".join(f"X-{i}: b\r\n" for i in range(150)))),
                          ("target", get(target="/" + "a" * 8000)), ("field", get("X-A: " + "a" * 8000 + "\r\n"))):
            with self.subTest(f"{name} within the limits"):
                self.assertEqual(self.proxy.ask(raw).status, 200)

    def test_a_request_that_trickles_in(self):
        """Cut at every byte: read the same."""
        raw = post(CHUNKED + "X-Amz-Meta-A: b\r\n", "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-Trailer: t\r\n\r\n").encode()
        for cut in range(1, len(raw), 3):
            before = len(self.upstream.requests)
            with self.proxy.client() as client:
                client.sock.setsockopt(6, 1, 1)
                got = client.send(raw[:cut]).send(raw[cut:]).response()
            self.assertEqual((cut, got.status), (cut, 200))
            came = self.upstream.requests[before]
            self.assertEqual(came.body, b"hello!")
            self.assertEqual(came.all("x-trailer"), [], "a trailer became a header")

    def test_pipelined_requests_keep_their_order(self):
        count = 50
        with self.proxy.client() as client:
            self.upstream.respond = lambda request, connection: answer(body=request.target.encode())
            try:
                client.send("".join(f"POST /n/{n} HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\nabc" for n in range(count)))
                self.assertEqual([client.response().body for _ in range(count)],
                                 [f"/n/{n}".encode() for n in range(count)])
            finally:
                self.upstream.respond = lambda request, connection: answer(body=b"ok")

    def test_an_unfinished_upload_never_arrives(self):
        for raw in (post("Content-Length: 100\r\n", "hello"), post(CHUNKED, "5\r\nhello\r\n")):
            before = len(self.upstream.requests)
            with self.proxy.client() as client:
                client.send(raw)
                client.sock.shutdown(1)
                client.rest()
            self.assertEqual(len(self.upstream.requests), before)
            self.assertEqual(self.upstream.errors, [])


if __name__ == "__main__":
    unittest.main()
