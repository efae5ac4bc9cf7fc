"""Start, credentials, clients that leave, the end: nothing hangs, nothing is sent unsigned, nothing leaks."""

import datetime
import json
import os
import pathlib
import signal
import socket
import threading
import time
import unittest

import signatures
from attacks import HOST
from processes import PATIENCE, answers, free_ports, until
from proxy import SECRET_ACCESS_KEY, SESSION_TOKEN, Proxy, static_keys, to
from wire import Truncated, Upstream, answer

GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"


def keys(seconds, token="a-container-token-of-the-tests", number=1):
    expires = datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)
    return answer(body=json.dumps({
        "AccessKeyId": f"ASIACONTAINERTEST{number:03}", "SecretAccessKey": "container/secret/of/the/tests/00000000",
        "Token": token, "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode(),
        headers=[("Content-Type", "application/json")])


class Credentials(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.endpoint = Upstream()
        self.addCleanup(self.upstream.close)
        self.addCleanup(self.endpoint.close)
        self.env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.endpoint.port}/keys",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "an-authorization-token-of-the-tests"}

    def proxy(self, respond, ready=False):
        self.endpoint.respond = respond
        proxy = Proxy([to(self.upstream.port)], env=self.env, ready=ready)
        self.addCleanup(proxy.program.kill)
        return proxy

    def refuses(self, proxy):
        began = time.monotonic()
        got = proxy.ask(GET, timeout=40)
        self.assertEqual(got.status, 503, got.head)
        self.assertIsNotNone(got.get("retry-after"), got.head)
        self.assertIsNotNone(got.get("x-countersign-error"))
        self.assertLess(time.monotonic() - began, 35 * PATIENCE)
        self.assertEqual((len(self.upstream.requests), self.upstream.bytes), (0, 0))
        self.assertEqual(proxy.admin("/readyz").status, 503)
        self.assertEqual(proxy.admin("/healthz").status, 200)

    def finish(self, proxy):
        proxy.check_log(["a-container-token-of-the-tests", "container/secret/of/the/tests/00000000",
                         "an-authorization-token-of-the-tests"])
        proxy.stop()

    def test_container_keys_are_used(self):
        proxy = self.proxy(lambda r, c: keys(3600), ready=True)
        self.assertEqual(proxy.ask(GET).status, 200)
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1", "ASIACONTAINERTEST001",
                                               "container/secret/of/the/tests/00000000",
                                               "a-container-token-of-the-tests"))
        self.assertEqual(self.endpoint.requests[0].get("authorization"), "an-authorization-token-of-the-tests")
        left = proxy.metric("countersign_credentials_expiry_seconds", identity="default")
        self.assertTrue(3000 < left <= 3600, left)
        self.finish(proxy)

    def test_an_endpoint_that_fails(self):
        for name, reply in (("500", answer("500 x")), ("404", answer("404 x")), ("garbage", answer(body=b"\0{]")),
                            ("empty", answer()), ("wrong types", answer(body=b'{"AccessKeyId":1}')),
                            ("line breaks in the token", keys(3600, token="a\r\nX-Injected: 1")),
                            ("a redirect", answer("302 x", headers=[("Location", "http://169.254.169.254/latest/")])),
                            ("expired keys", keys(-60)), ("closed", None)):
            with self.subTest(name):
                proxy = self.proxy(lambda r, c, reply=reply: reply)
                self.refuses(proxy)
                self.finish(proxy)

    def test_an_endpoint_that_hangs(self):
        released = threading.Event()
        self.addCleanup(released.set)
        proxy = self.proxy(lambda r, c: released.wait(60) and None)
        self.refuses(proxy)
        self.finish(proxy)

    def test_an_endpoint_that_never_ends(self):
        def flood(request, connection):
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
            while True:
                connection.sock.sendall(b" " * 65536)
        proxy = self.proxy(flood)
        self.refuses(proxy)
        self.assertLess(proxy.resident(peak=True), 400 << 20)
        self.finish(proxy)

    def test_an_endpoint_that_recovers(self):
        proxy = self.proxy(lambda r, c: answer("500 x"))
        self.refuses(proxy)
        self.endpoint.respond = lambda r, c: keys(3600)
        until(lambda: proxy.admin("/readyz").status == 200, 20, "recovery is noticed")
        self.assertEqual(proxy.ask(GET).status, 200)
        self.finish(proxy)

    def test_good_keys_are_kept_while_the_endpoint_is_down(self):
        proxy = self.proxy(lambda r, c: keys(400), ready=True)     # so near their end that a refresh is tried at once
        self.endpoint.respond = lambda r, c: answer("500 x")
        for _ in range(20):
            self.assertEqual(proxy.ask(GET).status, 200)
        self.finish(proxy)

    def test_fifty_first_requests_fetch_once(self):
        asked = threading.Event()

        def slow(request, connection):
            asked.wait(0.5)
            return keys(3600)
        proxy = self.proxy(slow)
        clients = [proxy.client() for _ in range(50)]
        for client in clients:
            client.send(GET)
        self.assertEqual({client.response().status for client in clients}, {200})
        self.assertLessEqual(len(self.endpoint.requests), 3)
        self.finish(proxy)

    def test_no_credentials_at_all(self):
        proxy = Proxy([to(self.upstream.port)], env={}, ready=False)
        self.addCleanup(proxy.program.kill)
        self.refuses(proxy)
        proxy.stop()


class Clients(unittest.TestCase):
    def test_a_client_that_leaves_cancels_its_request(self):
        gone = threading.Event()
        came = threading.Event()

        def respond(request, connection):
            came.set()
            try:
                connection.sock.settimeout(30)
                connection.sock.recv(1)
            except OSError:
                pass
            gone.set()
            return None
        upstream = Upstream(respond)
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)]) as proxy:
            for leave in ("close", "abort"):
                gone.clear(), came.clear()
                client = proxy.client()
                client.send(GET)
                self.assertTrue(came.wait(10 * PATIENCE))
                getattr(client, leave)()
                self.assertTrue(gone.wait(10 * PATIENCE), leave)
            self.assertEqual(len(upstream.requests), 2, "a request whose client left was repeated")

    def test_clients_that_leave_inside_the_answer(self):
        def respond(request, connection):
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            for _ in range(1000):
                connection.sock.sendall(b"a" * 100000)
            return b""
        upstream = Upstream(respond)
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)]) as proxy:
            for _ in range(20):
                client = proxy.client()
                client.send(GET)
                client.reader.exactly(1000)
                client.abort()
            until(lambda: not upstream.open, 10, "the upstream connections are closed")
            upstream.respond = lambda r, c: answer(body=b"ok")
            self.assertEqual(proxy.ask(GET).body, b"ok")

    def test_clients_that_leave_at_any_point(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        raw = f"PUT /k HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".encode()
        with Proxy([to(upstream.port)]) as proxy:
            for cut in range(0, len(raw) + 1, 2):
                for leave in ("close", "abort"):
                    client = proxy.client()
                    client.send(raw[:cut])
                    getattr(client, leave)()
            self.assertEqual(proxy.ask(GET).body, b"ok")
            until(lambda: proxy.metric("countersign_connections", side="client") == 0, 10, "all are gone")
        self.assertEqual(upstream.errors, [])

    def test_a_client_that_closes_its_sending_side(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)]) as proxy, proxy.client() as client:
            client.send(GET)
            client.sock.shutdown(socket.SHUT_WR)
            try:      # half-closed clients may be served or taken for gone, but not left hanging
                self.assertEqual(client.response().status, 200)
            except (Truncated, ConnectionError):
                pass


class HalfSentHeads(unittest.TestCase):
    @unittest.skipIf(os.environ.get("E2E_SANITIZER"), "its memory is the sanitizer's")
    def test_they_cost_a_block_each_and_no_more(self):
        with Proxy(listen={"workers": 1, "header_timeout": "60s"}) as proxy:
            proxy.ask(GET.replace("amazonaws.com", "example"))
            before, count = proxy.resident(), 600
            clients = [proxy.client() for _ in range(count)]
            for client in clients:
                client.send(GET[:-2] + "X-More: ")
            until(lambda: proxy.metric("countersign_connections", side="client") == count, 10, "all are there")
            proxy.admin("/healthz")
            self.assertLess((proxy.resident() - before) / count, 12 << 10)
            for client in clients:
                client.close()
            until(lambda: proxy.metric("countersign_connections", side="client") == 0, 10, "all are gone")


class TheEnd(unittest.TestCase):
    def test_sigterm_finishes_what_is_in_flight(self):
        came, go = threading.Event(), threading.Event()

        def respond(request, connection):
            came.set()
            go.wait(30)
            return answer(body=b"finished")
        upstream = Upstream(respond)
        self.addCleanup(upstream.close)
        proxy = Proxy([to(upstream.port)])
        self.addCleanup(proxy.program.kill)
        busy, idle = proxy.client(), proxy.client()
        busy.send(GET)
        self.assertTrue(came.wait(10 * PATIENCE))
        proxy.program.child.send_signal(signal.SIGTERM)
        until(lambda: not answers(proxy.port), 10, "no new clients")
        self.assertTrue(idle.is_closed())
        self.assertTrue(proxy.program.running())
        go.set()
        got = busy.response()
        self.assertEqual((got.status, got.body), (200, b"finished"))
        self.assertTrue(busy.is_closed())
        proxy.stop(seconds=15)

    def drained(self, stopped):
        """Sixty clients are connected, and only then is the proxy told to end. Each is answered."""
        upstream = Upstream()
        self.addCleanup(upstream.close)
        proxy = Proxy([to(upstream.port)])
        self.addCleanup(proxy.program.kill)
        if stopped:      # the kernel goes on with handshakes, the proxy does not accept
            proxy.program.child.send_signal(signal.SIGSTOP)
        clients = [proxy.client() for _ in range(60)]
        halves = clients[::3]
        for client in halves:
            client.send(GET[:20])
        proxy.program.child.send_signal(signal.SIGTERM)
        if stopped:
            proxy.program.child.send_signal(signal.SIGCONT)
        until(lambda: not answers(proxy.port), 10, "no new clients")
        for client in clients:
            got = client.ask(GET[20:] if client in halves else GET)
            self.assertEqual((got.status, got.body, got.get("connection")), (200, b"ok", "close"))
            self.assertTrue(client.is_closed())
        proxy.stop(seconds=15)

    def test_clients_that_are_connected_are_answered(self):
        self.drained(stopped=False)

    def test_clients_that_wait_to_be_accepted_are_answered(self):
        self.drained(stopped=True)

    def test_a_reload_that_needs_a_region(self):
        """A route without region, for a host that names none: the region is looked for at each reload."""
        upstream = Upstream()
        self.addCleanup(upstream.close)
        proxy = Proxy([to(upstream.port, host="api.example", service="execute-api")])
        self.addCleanup(proxy.program.kill)
        for times in (1, 2):
            proxy.program.child.send_signal(signal.SIGHUP)
            proxy.program.until(lambda n=times: proxy.log().count("configuration read again") == n, 10, "has read it")
        self.assertEqual(proxy.ask("GET / HTTP/1.1\r\nHost: api.example\r\n\r\n").status, 200)
        proxy.stop(seconds=15)

    def test_the_drain_ends_by_itself(self):
        hang = threading.Event()
        self.addCleanup(hang.set)
        came = threading.Event()

        def respond(request, connection):
            came.set()
            hang.wait(60)
        upstream = Upstream(respond)
        self.addCleanup(upstream.close)
        proxy = Proxy([to(upstream.port)], listen={"drain_timeout": "1s"})
        self.addCleanup(proxy.program.kill)
        client = proxy.client()
        client.send(GET)
        self.assertTrue(came.wait(10 * PATIENCE))
        began = time.monotonic()
        proxy.stop(seconds=15)
        self.assertLess(time.monotonic() - began, 15 * PATIENCE)

    def test_sigint_ends_too(self):
        proxy = Proxy()
        self.assertEqual(proxy.program.stop(signal.SIGINT), 0)

    def test_a_proxy_variable_that_names_the_proxy_itself(self):
        port, = free_ports(1)
        own = {**static_keys(), "HTTPS_PROXY": f"http://u:a-password-of-the-tests@localhost:{port}/", "http_proxy": f"127.0.0.1:{port}",
               "ALL_PROXY": "http://127.0.0.1:1"}
        with Proxy(listen={"address": f"127.0.0.1:{port}"}, env=own) as proxy:
            self.assertRegex(proxy.log(), " warning http_proxy, HTTPS_PROXY in the environment names this proxy: ")
            proxy.check_log(["a-password-of-the-tests"])
        with Proxy(env={**static_keys(), "HTTPS_PROXY": "http://127.0.0.1:1"}) as proxy:
            self.assertNotIn("in the environment", proxy.log())

    def test_two_of_them_do_not_share_a_port(self):
        with Proxy() as first:
            with self.assertRaisesRegex(AssertionError, "(?i)in use"):
                Proxy(listen={"address": f"127.0.0.1:{first.port}"}, ready=True)


class Leaks(unittest.TestCase):
    def test_secrets_are_nowhere_to_be_seen(self):
        upstream = Upstream(lambda r, c: answer("500 x", b"no"))
        self.addCleanup(upstream.close)
        client_secret = "the-clients-own-authorization-of-the-tests"
        with Proxy([to(upstream.port)], env=static_keys(token=True), log={"level": "debug"}) as proxy:
            seen = b""
            for target in (f"/k?X-Amz-Signature={'a' * 64}&X-Amz-Security-Token={client_secret}", "/k",
                           f"http://user:{client_secret}@s3.us-east-1.amazonaws.com/"):
                got = proxy.ask(f"GET {target} HTTP/1.1\r\n{HOST}Authorization: Bearer {client_secret}\r\n"
                                f"Proxy-Authorization: Basic {client_secret}\r\nX-A: \x80\xff\r\n\r\n")
                seen += got.head + got.body
            seen += proxy.admin("/metrics").text.encode()
            seen += pathlib.Path(f"/proc/{proxy.pid}/cmdline").read_bytes()
            for secret in (SECRET_ACCESS_KEY, SESSION_TOKEN, client_secret):
                self.assertNotIn(secret.encode(), seen)
            proxy.check_log([client_secret])
            limits = pathlib.Path(f"/proc/{proxy.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size\s+0\s+0")
        self.assertTrue(all(client_secret.encode() not in r.head for r in upstream.requests))

    def test_metrics_have_no_series_of_a_clients_making(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)]) as proxy:
            with proxy.client() as client:
                for n in range(400):
                    client.ask(f"GET /k HTTP/1.1\r\nHost: s3.xx-made-{n}.amazonaws.com\r\n\r\n")
                    client.ask(f"GET /k HTTP/1.1\r\nHost: b{n}.s3.us-east-1.amazonaws.com\r\n\r\n")
            self.assertLess(len(proxy.admin("/metrics").text.splitlines()), 2000)
            self.assertNotIn("b399", proxy.admin("/metrics").text)

    def test_no_descriptor_is_left_behind(self):
        upstream = Upstream(lambda r, c: answer(body=b"ok"))
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], upstream={"idle_timeout": "1s"}) as proxy:
            count = lambda: len(list(pathlib.Path(f"/proc/{proxy.pid}/fd").iterdir()))
            proxy.ask(GET)
            before = count()
            for _ in range(50):
                proxy.ask(GET)
                proxy.client().send("GET /k HTTP/1.1\r\nHo").abort()
                proxy.ask("GET / HTTP/1.1\r\nBad : x\r\n\r\n")
            until(lambda: count() <= before, 20, "descriptors are given back")


if __name__ == "__main__":
    unittest.main()
