"""Bodies of every size and coding arrive as the client meant them, signed anew; or the client sees an error."""

import hashlib
import os
import re
import socket
import threading
import unittest

import chunks
import signatures
from attacks import HOST
from processes import until
from proxy import SECRET_ACCESS_KEY, Proxy, to
from wire import Upstream, answer

MIB = 1 << 20


def content(size):
    return os.urandom(min(size, 4096)) * (size // 4096 + 1)


def body_of(size):
    return content(size)[:size]


class Payload(unittest.TestCase):
    service = "s3"
    tables = {}
    route = {}

    def setUp(self):
        self.asked = 0
        self.reply = answer(body=b"ok")
        self.upstream = Upstream(lambda request, connection: self.reply)
        self.addCleanup(self.upstream.close)
        self.proxy = Proxy([to(self.upstream.port, **self.route)], **{k: dict(v) for k, v in self.tables.items()})
        self.addCleanup(self.proxy.program.kill)

    def tearDown(self):
        self.proxy.stop()
        self.assertEqual(self.upstream.errors, [])

    def put(self, body, fields="", coded=None, method="PUT", host=HOST, path="/k"):
        raw = body if coded is None else coded
        length = "" if "Transfer-Encoding" in fields else f"Content-Length: {len(raw)}\r\n"
        self.asked += 1
        return self.proxy.ask(f"{method} {path} HTTP/1.1\r\n{host}{fields}{length}\r\n".encode() + raw)

    def arrived(self, plan, unsigned=False, service="s3"):
        """What the upstream got last: content and trailers, its signature checked; the log names the plan."""
        request = self.upstream.requests[-1]
        self.assertIsNone(signatures.complaint(request, service, "us-east-1", unsigned_payload=unsigned))
        logged = until(lambda: [*re.findall(r" payload=(\S+)", self.proxy.log())][self.asked - 1:], 5, "is logged")
        self.assertEqual(logged, [plan], self.proxy.log()[-300:])
        return chunks.content_of(request, SECRET_ACCESS_KEY)

    def coded(self, body, form=chunks.UNSIGNED, trailers=None, more="", **how):
        """A body as an SDK sends it, with dummy keys where the form is signed."""
        trailers = [("x-amz-checksum-crc32", chunks.crc32(body))] if trailers is None else trailers
        chain = None if form == chunks.UNSIGNED else chunks.Chain("dummy", "20261128T000000Z", "us-east-1", "s3", "0" * 64)
        fields = f"X-Amz-Content-Sha256: {form}\r\nX-Amz-Decoded-Content-Length: {len(body)}\r\n"
        if "ncoding" not in more:
            fields += "Content-Encoding: aws-chunked\r\n"
        if trailers:
            fields += f"X-Amz-Trailer: {trailers[0][0]}\r\n"
        return fields + more, chunks.encode(body, trailers, chain=chain, **how)


class Sizes(Payload):
    def test_every_size_through_s3(self):
        for size, plan in ((0, "none"), (1, "memory"), (MIB, "memory"), (MIB + 1, "memory"), (8 * MIB, "memory"),
                           (8 * MIB + 1, "chunked"), (20 * MIB, "chunked")):
            body = body_of(size)
            self.assertEqual(self.put(body).status, 200, size)
            self.assertEqual(self.arrived(plan)[0] == body, True, size)
            self.assertEqual(self.upstream.requests[-1].get("expect"), "100-continue" if plan == "chunked" else None)

    def test_a_size_that_is_not_known(self):
        for size, plan in ((5, "memory"), (MIB + 1, "spilled"), (10 * MIB, "spilled")):
            body = body_of(size)
            pieces = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[:size // 2], body[size // 2:]))
            self.assertEqual(self.put(body, "Transfer-Encoding: chunked\r\n", pieces + b"0\r\n\r\n").status, 200, size)
            self.assertEqual(self.arrived(plan)[0] == body, True, size)
            self.assertEqual(self.upstream.requests[-1].get("content-length"), str(size))

    def test_trailers_of_chunked_framing(self):
        """S3 takes its checksums from the head; what else came there is dropped."""
        for size in (5, MIB + 1):
            body = body_of(size)
            behind = f"X-Amz-Checksum-CRC32: {chunks.crc32(body)}\r\nX-Other: 1\r\n"
            coded = b"%x\r\n%b\r\n0\r\n%b\r\n" % (size, body, behind.encode())
            self.assertEqual(self.put(body, "Transfer-Encoding: chunked\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n", coded).status, 200)
            request = self.upstream.requests[-1]
            self.assertEqual(self.arrived("memory" if size < MIB else "spilled")[0] == body, True)
            self.assertEqual(request.all("x-amz-checksum-crc32"), [chunks.crc32(body)])
            self.assertEqual(request.all("x-amz-trailer") + request.all("x-other"), [])

    def test_the_connection_goes_on_behind_every_plan(self):
        with self.proxy.client() as client:
            for size in (10, 2 * MIB, 9 * MIB):
                body = body_of(size)
                client.send(f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: {size}\r\n\r\n".encode() + body)
                self.assertEqual(client.response().status, 200)
                client.send(f"PUT /k HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode() + body
                            + f"\r\n0\r\n\r\nGET /next HTTP/1.1\r\n{HOST}\r\n".encode())
                self.assertEqual(client.response().status, 200)
                self.assertEqual(client.response().status, 200)
                self.assertEqual(self.upstream.requests[-1].target, "/next")

    def test_a_hash_of_the_callers(self):
        for size in (3, 9 * MIB):
            body = body_of(size)
            said = f"X-Amz-Content-Sha256: {hashlib.sha256(body).hexdigest()}\r\n"
            self.assertEqual(self.put(body, said).status, 200)
            self.assertEqual(self.arrived("given-hash")[0] == body, True)
            before = len(self.upstream.requests)
            got = self.put(body[:-1] + bytes([body[-1] ^ 1]), said)
            self.assertEqual((got.status, got.get("x-countersign-error")), (400, "payload-hash-mismatch"))
            until(lambda: self.upstream.errors or size == 3, 5, "is cut off")   # it never arrives whole
            self.upstream.errors.clear()
            self.assertEqual(len(self.upstream.requests), before)

    def test_unsigned(self):
        for size in (3, 9 * MIB):
            body = body_of(size)
            self.assertEqual(self.put(body, "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n").status, 200)
            self.assertEqual(self.arrived("unsigned", unsigned=True)[0] == body, True)

    @unittest.skipIf(os.environ.get("E2E_SANITIZER"), "its memory is the sanitizer's")
    def test_memory_stays_flat(self):
        def swallow(listener):
            for _ in range(2):
                sock, _ = listener.accept()
                with sock, sock.makefile("rb") as file:
                    head = b"".join(iter(file.readline, b"\r\n"))
                    sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    left = int(re.search(rb"Content-Length: (\d+)", head)[1])
                    while left:
                        left -= len(file.read(min(left, 65536)))
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=swallow, args=(listener,), daemon=True).start()
        with Proxy([to(listener.getsockname()[1])]) as proxy:
            peaks = []
            for size in (9 * MIB, 200 * MIB):
                with proxy.client() as client:
                    client.send(f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: {size}\r\n\r\n")
                    for _ in range(size // MIB):
                        client.send(bytes(MIB))
                    self.assertEqual(client.response().status, 200)
                peaks.append(proxy.resident(peak=True))
        self.assertLess(peaks[1] - peaks[0], 2 * MIB)


class OtherServices(Payload):
    HOST = "Host: sqs.us-east-1.amazonaws.com\r\n"

    def test_every_size(self):
        for size, plan in ((5, "memory"), (MIB, "memory"), (MIB + 1, "spilled"), (9 * MIB, "spilled")):
            body = body_of(size)
            self.assertEqual(self.put(body, method="POST", host=self.HOST, path="/").status, 200, size)
            request = self.upstream.requests[-1]
            self.assertEqual(self.arrived(plan, service="sqs")[0] == body, True, size)
            self.assertEqual(request.get("content-length"), str(size))

    def test_a_spilled_body_is_sent_again(self):
        body = body_of(3 * MIB)
        replies = [answer("503 Service Unavailable"), answer("500 Oh"), answer(body=b"ok")]
        self.upstream.respond = lambda request, connection: replies.pop(0)
        self.assertEqual(self.put(body, method="POST", host=self.HOST, path="/").status, 200)
        self.assertEqual([r.body == body for r in self.upstream.requests], [True] * 3)

    def test_nothing_is_left_in_the_directory(self):
        self.put(body_of(3 * MIB), method="POST", host=self.HOST, path="/")
        self.assertEqual([f for f in os.listdir("/var/tmp") if "countersign" in f], [])


class Limits(Payload):
    tables = {"payload": {"spill_limit": "2MiB", "spill_directory": "/nonexistent"}}
    HOST = OtherServices.HOST

    def test_what_is_refused(self):
        got = self.put(body_of(3 * MIB), method="POST", host=self.HOST, path="/")
        self.assertEqual((got.status, got.get("x-countersign-error")), (413, "body-too-large"))
        self.assertIn(b"spill_limit", got.body)
        got = self.put(body_of(MIB + 1), method="POST", host=self.HOST, path="/")
        self.assertEqual((got.status, got.get("x-countersign-error")), (500, "spill-failed"))
        self.assertIn(b"spill_directory", got.body)
        self.assertEqual(self.upstream.requests, [])
        self.assertEqual(self.put(body_of(20 * MIB)).status, 200)   # S3 needs no file


class NoRoom(unittest.TestCase):
    def test_a_full_disk(self):
        """A file that may not grow stands for a disk that is full."""
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], file_blocks=4096) as proxy:
            for size, status in ((MIB + 5, 200), (3 * MIB, 507), (MIB + 5, 200)):
                got = proxy.ask(f"POST / HTTP/1.1\r\n{OtherServices.HOST}Content-Length: {size}\r\n\r\n".encode() + bytes(size))
                self.assertEqual(got.status, status)
                if status == 507:
                    self.assertEqual(got.get("x-countersign-error"), "no-room-for-body")
            until(lambda: not self.files_of(proxy), 5, "has closed its files")

    @staticmethod
    def files_of(proxy):
        """Those that have no name."""
        found = []
        for number in os.listdir(f"/proc/{proxy.pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{proxy.pid}/fd/{number}"))
            except FileNotFoundError:
                pass     # closed meanwhile
        return [f for f in found if f.endswith("(deleted)")]


class Coded(Payload):
    """Bodies that an SDK has put into aws-chunked coding."""

    def test_every_form_and_size(self):
        for form in (chunks.UNSIGNED, chunks.SIGNED, chunks.TRAILER):
            for size in (0, 1, 65536, 100_000, MIB, 9 * MIB):
                body = body_of(size)
                trailers = [] if form == chunks.SIGNED else None
                fields, coded = self.coded(body, form, trailers)
                self.assertEqual(self.put(body, fields, coded).status, 200, (form, size))
                got, behind = self.arrived("chunked" if size > 8 * MIB else "memory")
                self.assertEqual(got == body, True, (form, size))
                request = self.upstream.requests[-1]
                if size > 8 * MIB:
                    self.assertEqual(request.get("x-amz-content-sha256"), chunks.SIGNED if trailers == [] else chunks.TRAILER)
                    self.assertEqual(behind, [] if trailers == [] else [("x-amz-checksum-crc32", chunks.crc32(body))])
                else:   # kept whole: its checksum stands in the head
                    self.assertEqual(request.get("x-amz-checksum-crc32"), None if trailers == [] else chunks.crc32(body))
                    for name in ("content-encoding", "x-amz-trailer", "x-amz-decoded-content-length"):
                        self.assertEqual(request.all(name), [], name)

    def test_inside_chunked_transfer_coding(self):
        for size in (10, 3 * MIB, 9 * MIB):
            body = body_of(size)
            fields, coded = self.coded(body)
            pieces = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (coded[:size // 3], coded[size // 3:]) if p)
            got = self.put(body, fields + "Transfer-Encoding: chunked\r\n", pieces + b"0\r\n\r\n")
            self.assertEqual(got.status, 200, got.body)
            self.assertEqual(chunks.content_of(self.upstream.requests[-1], SECRET_ACCESS_KEY)[0] == body, True)

    def test_other_codings_stay(self):
        for size in (10, 9 * MIB):
            for said in ("aws-chunked,gzip", "gzip, aws-chunked"):
                body = body_of(size)
                fields, coded = self.coded(body, more=f"Content-Encoding: {said}\r\n")
                self.assertEqual(self.put(body, fields, coded).status, 200)
                codings = self.upstream.requests[-1].get("content-encoding").split(",")
                self.assertEqual([c for c in codings if c != "aws-chunked"], ["gzip"])
                self.assertEqual("aws-chunked" in codings, size > MIB)

    def test_what_is_wrong_is_refused(self):
        for size in (5000, 9 * MIB):
            body = body_of(size)
            fields, coded = self.coded(body)
            wrong_sum, _ = self.coded(body)
            for name, raw, code, said in (
                    ("a byte", coded[:-200] + bytes([coded[-200] ^ 1]) + coded[-199:], "bad-chunked-payload", b"BadDigest"),
                    ("its end", coded[:-2] + b"xx", "bad-chunked-payload", b""),
                    ("its length", coded.replace(b"0\r\nx-amz", b"1\r\nx\r\n0\r\nx-amz"), "bad-chunked-payload", b"")):
                before = len(self.upstream.requests)
                got = self.put(body, fields, raw)
                self.assertEqual((got.status, got.get("x-countersign-error")), (400, code), name)
                self.assertIn(said, got.body)
                until(lambda: self.upstream.errors or size == 5000, 5, "is cut off")
                self.upstream.errors.clear()
                self.assertEqual(len(self.upstream.requests), before, name)

    def test_forms_that_nobody_knows(self):
        got = self.put(b"x", "X-Amz-Content-Sha256: STREAMING-AWS5-PAYLOAD\r\n")
        self.assertEqual((got.status, got.get("x-countersign-error")), (400, "unknown-payload-form"))
        got = self.put(b"x", f"X-Amz-Content-Sha256: {chunks.UNSIGNED}\r\nX-Amz-Decoded-Content-Length: -1\r\n")
        self.assertEqual((got.status, got.get("x-countersign-error")), (400, "bad-decoded-length"))


class UnsignedRoute(Payload):
    route = {"payload": "unsigned"}

    def test_trailers_go_on(self):
        for size in (10, 9 * MIB):
            body = body_of(size)
            fields, coded = self.coded(body)
            self.assertEqual(self.put(body, fields, coded).status, 200)
            got, behind = self.arrived("unsigned", unsigned=True)
            self.assertEqual(got == body, True)
            if size > MIB:
                self.assertEqual(self.upstream.requests[-1].get("x-amz-content-sha256"), chunks.UNSIGNED)
                self.assertEqual(behind, [("x-amz-checksum-crc32", chunks.crc32(body))])


class StreamingRoute(Payload):
    route = {"payload": "streaming"}

    def test_small_bodies_are_chunked_too(self):
        for size in (1, 100_000, 9 * MIB):
            body = body_of(size)
            self.assertEqual(self.put(body).status, 200)
            self.assertEqual(self.arrived("chunked")[0] == body, True)
            self.assertEqual(self.upstream.requests[-1].get("x-amz-content-sha256"), chunks.SIGNED)


class SignedRoute(Payload):
    route = {"payload": "signed"}

    def test_large_bodies_are_hashed(self):
        body = body_of(9 * MIB)
        self.assertEqual(self.put(body).status, 200)
        self.assertEqual(self.arrived("spilled")[0] == body, True)


class QueryRoute(Payload):
    route = {"sign": "query"}

    def test_bodies(self):
        for size in (10, 9 * MIB):
            body = body_of(size)
            fields, coded = self.coded(body)
            for got in (self.put(body), self.put(body, fields, coded)):
                self.assertEqual(got.status, 200)
                self.assertEqual(self.upstream.requests[-1].body == body, True)


class UntouchedRoute(Payload):
    route = {"sign": "none"}

    def test_bodies(self):
        for size in (10, 9 * MIB):
            body = body_of(size)
            fields, coded = self.coded(body)
            self.assertEqual(self.put(body).status, 200)
            self.assertEqual(self.upstream.requests[-1].body == body, True)
            self.assertEqual(self.put(body, fields, coded).status, 200)
            self.assertEqual(self.upstream.requests[-1].body == coded, True)
            self.assertEqual(self.upstream.requests[-1].all("authorization"), [])


if __name__ == "__main__":
    unittest.main()
