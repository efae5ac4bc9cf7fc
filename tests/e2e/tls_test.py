"""The upstream's certificate: verified in every respect, and nothing is sent to one that fails."""

import socket
import ssl
import threading
import unittest

import fixtures
import signatures
from attacks import HOST
from certificates import Authority
from processes import temporary_folder, until
from proxy import Proxy, to
from wire import Upstream, answer

GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"
NAMES = ["s3.us-east-1.amazonaws.com"]


class Tls(unittest.TestCase):
    def reaches(self, leaf, status, ca=None, prepare=None, request=GET):
        upstream = Upstream(lambda r, c: answer(body=b"ok"), tls=leaf)
        if prepare:
            prepare(upstream.context)
        try:
            with Proxy([to(upstream.port, "https", max_attempts=1)],
                       upstream={"ca_file": ca or fixtures.authority().certificate}) as proxy:
                got = proxy.ask(request)
                self.assertEqual(got.status, status, got.body)
                if status == 502:
                    self.assertIsNotNone(got.get("x-countersign-error"))
                    self.assertEqual((upstream.bytes, upstream.requests), (0, []))
            return upstream
        finally:
            upstream.close()

    def leaf(self, name, hosts, **more):
        return fixtures.authority().leaf(fixtures.folder(), name, hosts, **more)

    def test_a_good_one(self):
        upstream = self.reaches(self.leaf("good", NAMES), 200)
        self.assertIsNone(signatures.complaint(upstream.requests[-1], "s3", "us-east-1"))

    def test_the_wildcard_of_one_level(self):
        leaf = self.leaf("wild", ["*.s3.us-east-1.amazonaws.com", "*.s3-control.us-east-1.amazonaws.com"])
        for host, status in (("bucket.s3", 200), ("123456789012.s3-control", 200), ("s3", 502), ("a.b.s3-control", 502)):
            self.reaches(leaf, status, request=f"GET / HTTP/1.1\r\nHost: {host}.us-east-1.amazonaws.com\r\n\r\n")

    def test_another_name(self):
        self.reaches(self.leaf("other", ["sqs.us-east-1.amazonaws.com"]), 502)

    def test_the_address_it_is_dialled_at_counts_for_nothing(self):
        self.reaches(self.leaf("address", ["127.0.0.1", "localhost"]), 502)

    def test_a_common_name_is_no_name(self):
        self.reaches(self.leaf("cn", [], common_name=NAMES[0]), 502)

    def test_a_stranger(self):
        other = Authority(temporary_folder("stranger"))
        self.reaches(other.leaf(other.folder, "stranger", NAMES), 502)

    def test_a_certificate_for_clients(self):
        self.reaches(self.leaf("client", NAMES, usage="clientAuth"), 502)

    def test_an_expired_one(self):
        self.reaches(self.leaf("expired", NAMES, dates=("-days", "-1")), 502)

    def test_old_protocols(self):
        def old(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.reaches(self.leaf("old", NAMES), 502, prepare=old)

    def test_a_server_that_speaks_no_tls(self):
        def serve(listener):
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                received.append(sock.recv(5))
                sock.sendall(answer("400 Bad Request"))
                sock.close()
        received = []
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        with Proxy([to(server.getsockname()[1], "https", max_attempts=1)]) as proxy:
            self.assertEqual(proxy.ask(GET).status, 502)
        self.assertEqual({first[:2] for first in received}, {b"\x16\x03"}, "a handshake and nothing else")

    def test_sessions_are_resumed_and_the_name_is_told(self):
        resumed, names = [], []

        def respond(request, connection):
            resumed.append(connection.sock.session_reused)
            return answer(headers=[("Connection", "close")])
        upstream = Upstream(respond, tls=self.leaf("resume", NAMES))
        self.addCleanup(upstream.close)
        upstream.context.sni_callback = lambda sock, name, context: names.append(name)
        with Proxy([to(upstream.port, "https")], upstream={"ca_file": fixtures.authority().certificate},
                   listen={"workers": 1}) as proxy:
            for _ in range(4):
                self.assertEqual(proxy.ask(GET).status, 200)
        self.assertEqual(set(names), set(NAMES))
        self.assertEqual(len(resumed), 4)
        self.assertIn(True, resumed)

    def test_a_second_record_is_nobodys_answer(self):
        """What stands behind an answer in a record of its own, in the same segment or a moment later."""
        poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: 1\r\n\r\npoison"
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for late in (False, True):
                with self.subTest(f"{version.name}, {'late' if late else 'at once'}"):
                    self.second_record(version, late, poison)

    def second_record(self, version, late, poison):
        answered = threading.Event()

        def respond(request, connection):
            self.assertEqual(connection.sock.version(), {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name])
            if request.target != "/first":
                return answer(body=b"ok")
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sock.sendall(answer(body=b"first"))
            if late:
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
                answered.wait(10)
            connection.sock.sendall(poison)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            return b""
        upstream = Upstream(respond, tls=fixtures.leaf())
        self.addCleanup(upstream.close)
        upstream.context.minimum_version = upstream.context.maximum_version = version
        with Proxy([to(upstream.port, "https")], upstream={"ca_file": fixtures.authority().certificate},
                   listen={"workers": 1}) as proxy:
            first = proxy.ask(f"GET /first HTTP/1.1\r\n{HOST}\r\n")
            self.assertEqual((first.status, first.body), (200, b"first"))
            answered.set()
            if late:
                until(lambda: not upstream.open, 20, "the connection that spoke unasked is closed")
            for _ in range(2):
                with proxy.client() as client:
                    for _ in range(2):
                        got = client.ask(GET)
                        self.assertEqual((got.status, got.body, got.get("x-poison")), (200, b"ok", None))

    def test_connections_of_one_name_are_never_used_for_another(self):
        upstream = Upstream(lambda r, c: answer(body=b"ok"), tls=fixtures.leaf())
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port, "https")], upstream={"ca_file": fixtures.authority().certificate},
                   listen={"workers": 1}) as proxy, proxy.client() as client:
            for host in ("a.s3.us-east-1.amazonaws.com", "b.s3.us-east-1.amazonaws.com") * 3:
                self.assertEqual(client.ask(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").status, 200)
        used = {(r.connection, r.get("host")) for r in upstream.requests}
        self.assertEqual((len(used), upstream.connections), (2, 2))


if __name__ == "__main__":
    unittest.main()
