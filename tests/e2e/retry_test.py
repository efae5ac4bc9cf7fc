"""Retries: which answers, how often, each attempt signed anew, never after the client saw a byte."""

import concurrent.futures
import shutil
import threading
import time
import unittest

import signatures
from attacks import HOST
from processes import PATIENCE, temporary_folder, until
from proxy import Proxy, command, static_keys, to
from wire import Truncated, Upstream, answer

SLOW_DOWN = answer("503 Slow Down", b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>x</Message></Error>",
                   [("Content-Type", "application/xml")])
THROTTLED = answer("400 Bad Request", b'{"__type":"com.amazon.coral.service#ThrottlingException","message":"x"}',
                   [("Content-Type", "application/x-amz-json-1.0")])
INVALID = answer("400 Bad Request", b'{"__type":"com.amazon.coral.service#ValidationException","message":"x"}')
HALF_A_HEAD = b"HTTP/1.1 200 O"
INTERNAL = answer("500 Internal Server Error", b"")
PUT = f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello"
JSON = ("POST / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\nContent-Type: application/x-amz-json-1.0\r\n"
        "X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 2\r\n\r\n{}")


class Retries(unittest.TestCase):
    def setUp(self):
        self.script = []      # what the next requests get; None closes the connection; afterwards all is well
        self.upstream = Upstream(self.respond)
        self.addCleanup(self.upstream.close)
        self.proxy = Proxy([to(self.upstream.port)], listen={"workers": 1})
        self.addCleanup(self.proxy.program.kill)

    def tearDown(self):
        self.proxy.stop()
        self.assertEqual(self.upstream.errors, [])

    def respond(self, request, connection):
        out = self.script.pop(0) if self.script else answer(body=b"fine")
        if out == HALF_A_HEAD:
            connection.sock.sendall(out)
            return None
        return out

    def attempts(self, script, text=PUT, service="s3"):
        """(answer, what arrived): every attempt must be signed and whole."""
        before = len(self.upstream.requests)
        self.script[:] = script
        got = self.proxy.ask(text)
        came = self.upstream.requests[before:]
        for request in came:
            self.assertIsNone(signatures.complaint(request, service, "us-east-1"))
            self.assertEqual(request.body, text.encode().split(b"\r\n\r\n")[1])
        return got, came

    def test_throttling_twice_then_well(self):
        got, came = self.attempts([SLOW_DOWN, SLOW_DOWN])
        self.assertEqual((got.status, got.body, len(came)), (200, b"fine", 3))
        self.assertEqual(self.proxy.metric("countersign_throttled_total", service="s3", region="us-east-1"), 2)

    def test_throttling_inside_a_400(self):
        got, came = self.attempts([THROTTLED, THROTTLED], JSON, "sqs")
        self.assertEqual((got.status, got.body, len(came)), (200, b"fine", 3))

    def test_each_attempt_is_signed_with_its_own_time(self):
        slow = answer("503 Service Unavailable", b"", [("x-amz-retry-after", "1500")])
        got, came = self.attempts([slow])
        self.assertEqual((got.status, len(came)), (200, 2))
        self.assertNotEqual(came[0].get("x-amz-date"), came[1].get("x-amz-date"))

    def test_attempts_are_counted_where_the_client_counts(self):
        text = PUT.replace("Content-Length", "amz-sdk-request: ttl=20261128T120000Z; attempt=2; max=3\r\nContent-Length")
        got, came = self.attempts([INTERNAL, INTERNAL], text)
        self.assertEqual([r.all("amz-sdk-request") for r in came], [
            [f"ttl=20261128T120000Z; attempt={n}; max={max(n, 3)}"] for n in (2, 3, 4)])
        got, came = self.attempts([INTERNAL])
        self.assertEqual([r.all("amz-sdk-request") for r in came], [[], []])

    def test_the_last_failure_is_the_answer(self):
        for failure in (INTERNAL, SLOW_DOWN):
            got, came = self.attempts([failure] * 5)
            self.assertEqual(len(came), 3)
            self.assertEqual(got.status, int(failure.split()[1]))
            self.assertTrue(failure.endswith(got.body))

    def test_every_transient_status(self):
        for status in (500, 502, 503, 504):
            got, came = self.attempts([answer(f"{status} x")])
            self.assertEqual((status, got.status, len(came)), (status, 200, 2))

    def test_what_is_never_repeated(self):
        for failure in (INVALID, answer("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>"),
                        answer("404 Not Found"), answer("409 Conflict"), answer("501 Not Implemented"),
                        answer("412 Precondition Failed"), answer("302 Found", headers=[("Location", "/x")])):
            got, came = self.attempts([failure])
            self.assertEqual((got.status, len(came)), (int(failure.split()[1]), 1), failure)

    def test_connections_that_break_before_the_answer(self):
        got, came = self.attempts([None, HALF_A_HEAD])
        self.assertEqual((got.status, len(came)), (200, 3), "half an answer counts as none")

    def test_a_code_in_a_body_that_ends_with_the_connection(self):
        bodies = [b"<Error><Code>RequestTimeout</Code></Error>", b"<Error><Code>AccessDenied</Code></Error>"]

        def respond(request, connection):
            connection.sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            time.sleep(0.1)             # in a later packet than the head
            body = bodies.pop(0)
            connection.sock.sendall(body[:20])
            time.sleep(0.1)
            connection.sock.sendall(body[20:])
        self.upstream.respond = respond
        got, came = self.attempts([])
        self.assertEqual((got.status, len(came)), (400, 2))
        self.assertEqual(got.body, b"<Error><Code>AccessDenied</Code></Error>")

    def test_dynamodb_has_four_attempts(self):
        text = JSON.replace("sqs", "dynamodb").replace("AmazonSQS.ListQueues", "DynamoDB_20120810.ListTables")
        got, came = self.attempts([INTERNAL] * 9, text, "dynamodb")
        self.assertEqual((got.status, len(came)), (500, 4))

    def test_no_retry_after_the_first_byte(self):
        before = len(self.upstream.requests)
        self.script[:] = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"]

        def respond(request, connection):
            connection.sock.sendall(self.script.pop(0))
            return None
        self.upstream.respond = respond
        with self.proxy.client() as client, self.assertRaises((Truncated, ConnectionError)):
            client.ask(PUT)
        self.assertEqual(len(self.upstream.requests) - before, 1)

    def test_a_long_retry_after_does_not_hold_the_client(self):
        began = time.monotonic()
        got, came = self.attempts([answer("503 x", headers=[("Retry-After", "3600")])])
        self.assertLess(time.monotonic() - began, 10 * PATIENCE)
        self.assertIn((got.status, len(came)), ((200, 2), (503, 1)))

    def test_an_outage_is_not_multiplied(self):
        self.upstream.respond = lambda request, connection: INTERNAL
        before = len(self.upstream.requests)
        with self.proxy.client(timeout=60) as client:
            for _ in range(100):
                self.assertEqual(client.ask(PUT).status, 500)
        self.assertLessEqual(len(self.upstream.requests) - before, 200)
        retries = self.proxy.metric("countersign_attempts_total", service="s3", reason="transient")
        self.assertEqual(100 + retries, len(self.upstream.requests) - before)

    def test_large_error_bodies_come_through_whole(self):
        body = b"<Error><Code>AccessDenied</Code><M>" + b"m" * (1 << 20) + b"</M></Error>"
        got, came = self.attempts([answer("403 Forbidden", body)])
        self.assertEqual((got.status, got.body == body, len(came)), (403, True, 1))

    def test_a_client_that_leaves_ends_the_retries(self):
        self.upstream.respond = lambda request, connection: answer("503 x", headers=[("x-amz-retry-after", "3000")])
        before = len(self.upstream.requests)
        client = self.proxy.client()
        client.send(PUT)
        until(lambda: len(self.upstream.requests) > before, what="the first attempt")
        client.abort()
        until(lambda: self.proxy.metric("countersign_connections", side="client") == 0, 10, "the client is gone")
        self.assertEqual(len(self.upstream.requests) - before, 1)


class Adaptive(unittest.TestCase):
    """A service that takes ten requests a second and throttles the others."""

    def setUp(self):
        self.lock = threading.Lock()
        self.tokens, self.filled = 5.0, time.monotonic()
        self.throttled = 0
        self.upstream = Upstream(self.respond)
        self.addCleanup(self.upstream.close)

    def respond(self, request, connection):
        with self.lock:
            now = time.monotonic()
            self.tokens = min(5.0, self.tokens + 10 * (now - self.filled))
            self.filled = now
            if self.tokens >= 1:
                self.tokens -= 1
                return answer(body=b"fine")
            self.throttled += 1
            return SLOW_DOWN

    def run_with(self, **retry):
        """(good answers, others, answers that were throttled) of eight clients within five seconds."""
        self.tokens, self.throttled = 5.0, 0
        with Proxy([to(self.upstream.port)], listen={"workers": 1}, retry=retry) as proxy:
            end = time.monotonic() + 5

            def ask(_):
                statuses = []
                with proxy.client(timeout=60) as client:
                    while time.monotonic() < end:
                        statuses.append(client.ask(PUT).status)
                return statuses
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                statuses = [s for each in pool.map(ask, range(8)) for s in each]
        good = statuses.count(200)
        return good, len(statuses) - good, self.throttled

    def test_sends_less_once_it_is_throttled(self):
        good, bad, throttled = self.run_with(mode="adaptive")
        plain_good, plain_bad, plain_throttled = self.run_with(mode="standard")
        print(f"\nadaptive: {good} well, {bad} not, {throttled} throttled; "
              f"standard: {plain_good}, {plain_bad}, {plain_throttled}")
        self.assertGreaterEqual(good, 8)
        self.assertLess(throttled, plain_throttled)
        self.assertEqual(bad, 0)

    def test_a_turn_that_would_come_too_late(self):
        self.upstream.respond = lambda request, connection: SLOW_DOWN
        retry = {"mode": "adaptive", "max_elapsed": "1s", "max_attempts": 1}
        with Proxy([to(self.upstream.port)], listen={"workers": 1}, retry=retry) as proxy:
            self.assertEqual(proxy.ask(PUT).get("x-countersign-error"), None)
            got = proxy.ask(PUT)
        self.assertEqual((got.status, got.get("x-countersign-error"), got.get("retry-after")),
                         (503, "upstream-throttled", "2"))
        self.assertIn(b"<Code>SlowDown</Code>", got.body)
        self.assertEqual(len(self.upstream.requests), 1)


class Settings(unittest.TestCase):
    def count(self, route=None, **tables):
        upstream = Upstream(lambda request, connection: INTERNAL)
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port, **(route or {}))], **tables) as proxy:
            self.assertEqual(proxy.ask(PUT).status, 500)
        return len(upstream.requests)

    def test_off(self):
        self.assertEqual(self.count(retry={"mode": "off"}), 1)

    def test_max_attempts(self):
        self.assertEqual(self.count(retry={"max_attempts": 2}), 2)
        self.assertEqual(self.count(route={"max_attempts": 1}, retry={"max_attempts": 5}), 1)

    def test_what_the_profile_says(self):
        folder = temporary_folder("profile")
        self.addCleanup(shutil.rmtree, folder)
        profiles = folder / "config"
        profiles.write_text("[default]\nmax_attempts = 2\nretry_mode = adaptive\n")
        env = {**static_keys(), "AWS_CONFIG_FILE": str(profiles)}
        self.assertEqual(self.count(env=env), 2)
        self.assertEqual(self.count(env={**env, "AWS_MAX_ATTEMPTS": "1"}), 1)
        self.assertEqual(self.count(env=env, retry={"max_attempts": 3}), 3)
        shown = command("config", "show", env=env).stdout.decode()
        self.assertIn(f'mode = "adaptive"  # profile default ({profiles}:3)\n', shown)
        self.assertIn(f"max_attempts = 2  # profile default ({profiles}:2)\n", shown)
        profiles.write_text("[default]\nmax_attempts = 0\n")
        wrong = command("serve", "--listen", "127.0.0.1:0", env=env)
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn(f"profile default ({profiles}:2): max_attempts: expected a whole number from 1 to 100",
                      wrong.stderr.decode())


if __name__ == "__main__":
    unittest.main()
