"""What a signing proxy must not do for others: browsers, foreign hosts, private addresses, loops."""

import subprocess
import unittest

import signatures
from attacked import Attacked
from attacks import BROWSERS, FOREIGN, FOREIGN_MAY_PASS, HOP_BY_HOP, HOST, S3, get, post
from processes import Program, find_program, free_ports, temporary_folder
from proxy import BINARY, Proxy, clean_environment, configuration, port_in_log, static_keys, to
from wire import Client, Upstream


class Requests(Attacked):
    def test_browsers(self):
        for name, headers in BROWSERS.items():
            for target in ("/b/k", f"http://{S3}/b/k"):
                for method in ("GET", "POST", "OPTIONS"):
                    raw = get(headers + "Content-Length: 0\r\n", line=f"{method} {target} HTTP/1.1")
                    self.refused(f"{name} {method} {target}", raw, {403}, closed=False)
                    got = self.proxy.ask(raw)
                    granted = [n for n, _ in got.headers if n.lower().startswith("access-control-")]
                    self.assertEqual(granted, [])

    def test_trace_and_connect(self):
        for form in ("/b/k", f"http://{S3}/b/k"):
            self.refused("TRACE", get(line=f"TRACE {form} HTTP/1.1"), {400, 403, 405, 501}, closed=False)
        for authority in (f"{S3}:443", f"{S3}:22", "127.0.0.1:443", "evil.example:443", S3, ""):
            self.refused("CONNECT", f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n",
                         {400, 403, 405, 421, 501}, closed=False)

    def test_loops(self):
        self.proxy.ask(get())
        ours = self.upstream.requests[-1].get("via")
        self.assertIsNotNone(ours)
        for via in (ours, f"1.0 fred, {ours}", f"{ours}, 1.1 other (comment)", f"1.1 a\r\nVia: {ours}"):
            self.refused(via, get(f"Via: {via}\r\n"), {508}, closed=False)
        self.assertEqual(self.proxy.ask(get("Via: 1.1 somebody-else\r\n")).status, 200)

    def test_hop_by_hop_fields_end_here(self):
        got = self.proxy.ask(f"PUT /b/k HTTP/1.1\r\n{HOST}{HOP_BY_HOP}x-amz-meta-a: b\r\nContent-Length: 2\r\n\r\nhi")
        self.assertEqual(got.status, 200, got.body)
        came = self.upstream.requests[-1]
        for gone in ("x-listed", "keep-alive", "proxy-authorization", "proxy-connection", "proxy-foo", "te", "trailer",
                     "upgrade", "http2-settings"):
            self.assertEqual(came.all(gone), [], gone)
        self.assertNotIn("x-listed", came.get("connection", "").lower())
        self.assertEqual((came.body, came.get("content-length")), (b"hi", "2"))
        self.assertIsNone(signatures.complaint(came, "s3", "us-east-1"))

    def test_named_in_connection(self):
        """What is signed, or says what the body is, cannot be named away."""
        came = len(self.upstream.requests)
        got = self.proxy.ask(f"PUT /b/k HTTP/1.1\r\n{HOST}Connection: x-amz-acl, content-type, X-AMZ-DATE, transfer-encoding\r\n"
                             "Connection: via, Range, X-Gone\r\nx-amz-acl: private\r\nContent-Type: text/x\r\nX-Gone: 1\r\n"
                             "Range: bytes=0-1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
        self.assertEqual((got.status, len(self.upstream.requests)), (200, came + 1), got.body)
        there = self.upstream.requests[-1]
        self.assertEqual([there.get(n) for n in ("x-amz-acl", "content-type", "range", "x-gone")],
                         ["private", "text/x", "bytes=0-1", None])
        self.assertEqual((there.body, there.get("content-length")), (b"hi", "2"))
        self.assertIsNone(signatures.complaint(there, "s3", "us-east-1"))

    def test_upgrades(self):
        """A WebSocket handshake cannot go on as a plain request; an offer of HTTP/2 can."""
        handshake = "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
        for upgrade in ("websocket", "WebSocket", "h2c, websocket"):
            self.refused(upgrade, get(f"{handshake}Upgrade: {upgrade}\r\n"), {501})
        got = self.proxy.ask(get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"))
        self.assertEqual((got.status, got.start[:8]), (200, "HTTP/1.1"))
        self.assertEqual((self.upstream.requests[-1].all("upgrade"), self.upstream.requests[-1].all("connection")), ([], []))

    def test_empty_targets(self):
        for line in ("GET  HTTP/1.1", "POST  HTTP/1.1", "GET   HTTP/1.1", "GET HTTP/1.1", "  HTTP/1.1", "GET  HTTP/1.0"):
            self.refused(line, get(line=line), {400})

    def test_signed_headers_are_ascii(self):
        value = "gr\xc3\xbc\xc3\x9fe"
        with Proxy() as proxy:
            got = proxy.ask(get(f"x-amz-meta-name: {value}\r\n"))
            self.assertEqual((got.status, got.get("x-countersign-error")), (400, "non-ascii-header"))
            self.assertIn(b"x-amz-meta-name", got.body)
            self.assertNotIn(b"\xc3", got.body)
        self.assertEqual(self.proxy.ask(get(f"x-amz-meta-name: {value}\r\n")).status, 200)  # of a route's own server
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1"))
        self.assertEqual(self.proxy.ask(get(f"X-Unsigned: {value}\r\n")).status, 200)
        self.assertEqual(self.upstream.requests[-1].get("x-unsigned"), value)

    def test_expectations(self):
        self.refused("another expectation", post("Expect: the-impossible\r\nContent-Length: 2\r\n", "hi"), {400, 417})

    def test_authority_of_the_absolute_form_decides(self):
        with self.proxy.client() as client:
            got = client.ask(f"GET http://{S3}/b/k HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\n\r\n")
        if got.status == 200:
            self.assertEqual(self.upstream.requests[-1].get("host"), S3)
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1"))
        else:
            self.assertEqual(got.status, 400)


class Destinations(unittest.TestCase):
    def test_hosts_that_are_not_ours_to_sign_for(self):
        with Proxy() as proxy:
            for host in FOREIGN:
                for raw in (f"GET http://{host}/x HTTP/1.1\r\nHost: {host}\r\n\r\n",
                            f"GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n"):
                    if host in FOREIGN_MAY_PASS:
                        continue
                    with self.subTest(host):
                        got = proxy.ask(raw)
                        self.assertIn(got.status, {400, 403, 421}, got.body)
                        self.assertIsNotNone(got.get("x-countersign-error"))

    def test_ports_that_aws_does_not_have(self):
        with Proxy() as proxy:
            for port in (22, 8080, 8443, 0):
                for raw in (get(target=f"http://{S3}:{port}/b/k", host=f"Host: {S3}:{port}\r\n"),
                            get(host=f"Host: {S3}:{port}\r\n")):
                    with self.subTest(port):
                        got = proxy.ask(raw)
                        self.assertIn(got.status, {400, 403, 421}, got.body)

    def test_policy_allow_narrows(self):
        with Proxy(policy={"allow": ["s3.*.amazonaws.com"]}, retry={"mode": "off"},
                   upstream={"connect_timeout": "1s", "tls_timeout": "1s", "response_timeout": "1s"}) as proxy:
            got = proxy.ask(get(host="Host: sqs.us-east-1.amazonaws.com\r\n"))
            self.assertEqual(got.status, 403)
            # Allowed: what comes of it depends on this machine's network, but the policy does not refuse it.
            self.assertNotEqual(proxy.ask(get()).get("x-countersign-error"), got.get("x-countersign-error"))

    def test_a_name_that_resolves_to_loopback_is_not_dialled(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        # No `connect`: the address comes from name resolution, and that one is never a private one.
        with Proxy([{"host": "localhost", "service": "s3", "region": "us-east-1", "scheme": "http"}]) as proxy:
            for host in ("localhost", f"localhost:{upstream.port}"):
                got = proxy.ask(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
                self.assertIn(got.status, {400, 403, 421, 502}, got.body)
        self.assertEqual(upstream.connections, 0)

    def test_aws_names_that_resolve_to_private_addresses_are_not_dialled(self):
        """Name resolution says 127.0.0.1, IMDS, … for AWS names: a hosts file of the test's own, in a mount
        name space (root only, for want of another way to lie to the resolver)."""
        unshare = [find_program("unshare"), "--mount"]
        if subprocess.run([*unshare, "true"], capture_output=True).returncode:
            self.skipTest("needs the right to make a mount name space (unshare --mount)")
        upstream = Upstream()
        self.addCleanup(upstream.close)
        addresses = ["127.0.0.1", "169.254.169.254", "10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.0.1", "0.0.0.0",
                     "::1", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
        hosts = {f"b{n}.s3.us-east-1.amazonaws.com": a for n, a in enumerate(addresses)}
        with Proxy([], listen={"workers": 1}) as outer:
            folder = outer.folder
            (folder / "hosts").write_text("".join(f"{a} {h}\n" for h, a in hosts.items()))
            program = Program([*unshare, "sh", "-c", 'mount --bind "$1" /etc/hosts && exec "$2" serve --config "$3"',
                               "sh", folder / "hosts", BINARY, folder / "countersign.toml"], folder, "inside",
                              clean_environment(folder, **static_keys()))
            port = port_in_log(program)
            for host, address in hosts.items():
                with self.subTest(address), Client(port, timeout=15) as client:
                    got = client.ask(f"GET /k HTTP/1.1\r\nHost: {host}\r\n\r\n")
                    self.assertIn(got.status, {403, 421, 502}, got.body)
                    self.assertIsNotNone(got.get("x-countersign-error"))
            self.assertEqual(program.stop(), 0)

    def test_allowed_web_pages(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], listen={"allow_origin": ["https://ok.example"]}) as proxy:
            self.assertEqual(proxy.ask(get("Origin: https://ok.example\r\n")).status, 200)
            for other in ("https://evil.example", "https://ok.example.evil.example", "http://ok.example"):
                self.assertEqual(proxy.ask(get(f"Origin: {other}\r\n")).status, 403)
        self.assertEqual(len(upstream.requests), 1)

    def test_listeners_are_loopback(self):
        folder, ports = temporary_folder("remote"), free_ports(2)
        for listen in ({"address": f"0.0.0.0:{ports[0]}"}, {"address": f"[::]:{ports[0]}"}):
            file = folder / "c.toml"
            file.write_text(configuration({"listen": listen, "admin": {"address": "off"}}, []))
            done = subprocess.run([BINARY, "serve", "--config", file], capture_output=True, timeout=30,
                                  env=clean_environment(folder, **static_keys()))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(b"allow_remote", done.stderr)


class Admin(unittest.TestCase):
    def test_answers_its_own_host_only(self):
        with Proxy() as proxy:
            self.assertEqual(proxy.admin("/healthz").status, 200)
            for host in ("evil.example", "s3.us-east-1.amazonaws.com", "169.254.169.254"):
                got = proxy.admin("/metrics", headers={"Host": host})
                self.assertIn(got.status, {400, 403, 421}, host)
            for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
                self.assertIn(proxy.admin("/healthz", method).status, {400, 403, 405, 501}, method)
            self.assertEqual(proxy.admin("/no-such-page").status, 404)
            self.assertIn(proxy.admin(f"http://{S3}/b").status, {400, 403, 404, 421})
            self.assertIn(proxy.admin("/healthz", headers={"Origin": "https://evil.example"}).status, {200, 403})
            self.assertEqual(proxy.admin("/healthz", "HEAD").status, 200)


if __name__ == "__main__":
    unittest.main()
