"""What is done where nobody knows whether the service has acted, and how long all of it may take."""

import socket
import subprocess
import threading
import time
import unittest

from attacks import HOST
from processes import PATIENCE
from proxy import Proxy, to
from wire import Upstream, answer

LAMBDA = "lambda.us-east-1.amazonaws.com"
INVOKE = (f"POST /2015-03-31/functions/charge/invocations HTTP/1.1\r\nHost: {LAMBDA}\r\n"
          "{}Content-Length: 2\r\n\r\n{{}}")
DYNAMODB = ("POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nX-Amz-Target: DynamoDB_20120810.{}\r\n"
            "Content-Length: {}\r\n\r\n{}")
GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"


def late(request, connection):
    threading.Event().wait(30)


def reset(request, connection):
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


FAULTS = {
    "late": late,
    "reset": reset,
    "closed": lambda request, connection: None,
    "malformed": lambda request, connection: b"GARBAGE\r\n\r\n",
    "cut short in the head": lambda request, connection: connection.sock.sendall(b"HTTP/1.1 200 OK\r\nX-A"),
    "cut short in an error": lambda request, connection: connection.sock.sendall(
        b"HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\nabc"),
}


class UnknownOutcome(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)

    def attempts(self, fault, text, **retry):
        """(answer, how often it came) of a request that meets this fault each time."""
        self.upstream.respond = fault
        self.upstream.requests.clear()
        with Proxy([to(self.upstream.port, response_timeout="300ms")], retry=retry) as proxy:
            got = proxy.ask(text)
            self.log = proxy.log()
        return got, len(self.upstream.requests)

    def test_an_invocation_is_made_once(self):
        for name, fault in FAULTS.items():
            with self.subTest(name):
                got, count = self.attempts(fault, INVOKE.format(""))
                self.assertEqual((got.status, count), (504 if fault is late else 502, 1))
                self.assertIn(b"may have been carried out", got.body)
                self.assertRegex(self.log, f"POST {LAMBDA}: .*not repeated: it may have been carried out")

    def test_what_only_reads_or_has_a_token_is_made_again(self):
        for text in (GET, GET.replace("GET", "DELETE"), DYNAMODB.format("GetItem", 2, "{}"),
                     INVOKE.format("Idempotency-Key: 1\r\n"),
                     DYNAMODB.format("TransactWriteItems", 26, '{"ClientRequestToken":"1"}')):
            for name in ("reset", "malformed"):
                with self.subTest(f"{name}: {text}"):
                    got, count = self.attempts(FAULTS[name], text)
                    self.assertEqual(got.status, 502)
                    self.assertGreaterEqual(count, 3)
                    self.assertNotIn("not repeated", self.log)

    def test_writing_operations_are_made_once(self):
        for text in (DYNAMODB.format("PutItem", 2, "{}"), DYNAMODB.format("TransactWriteItems", 2, "{}"),
                     f"POST /k?uploads HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n",
                     "GET /?Action=RunInstances HTTP/1.1\r\nHost: ec2.us-east-1.amazonaws.com\r\n\r\n"):
            with self.subTest(text):
                self.assertEqual(self.attempts(reset, text)[1], 1)

    def test_throttling_is_an_answer(self):
        for status in ("503 Slow", "429 Slow", "500 x"):
            got, count = self.attempts(lambda r, c, s=status: answer(s), INVOKE.format(""))
            self.assertEqual((got.status, count), (int(status[:3]), 3))

    def test_the_setting(self):
        self.assertEqual(self.attempts(reset, INVOKE.format(""), unknown_outcome="all")[1], 3)
        self.assertEqual(self.attempts(reset, GET, unknown_outcome="never")[1], 1)

    def test_posts_over_connections_that_close_when_idle(self):
        """The service closes each connection behind its answer without saying so: none goes twice, and after one that
        met it just then others do no more."""
        def respond(request, connection):
            connection.sock.sendall(answer(body=b"ok"))
            return None
        self.upstream.respond = respond
        with Proxy([to(self.upstream.port)], listen={"workers": 1}) as proxy, proxy.client() as client:
            got = [client.ask(INVOKE.format("")).status for _ in range(200)]
        self.assertEqual(set(got) - {200, 502}, set())
        self.assertLessEqual(got.count(502), 1)
        self.assertLessEqual(len(self.upstream.requests), 200)


class Time(unittest.TestCase):
    def test_no_attempt_begins_too_late(self):
        upstream = Upstream(lambda r, c: answer("503 x", headers=[("x-amz-retry-after", "1000")]))
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], retry={"max_elapsed": "1500ms", "max_attempts": 20}) as proxy:
            began = time.monotonic()
            self.assertEqual(proxy.ask(GET).status, 503)
            self.assertLess(time.monotonic() - began, 3 * PATIENCE)
        self.assertEqual(len(upstream.requests), 2)

    def test_a_head_that_drips_ends_in_time(self):
        over = threading.Event()
        self.addCleanup(over.set)

        def respond(_, connection):
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Drop: ")
            while not over.wait(0.1):
                connection.sock.sendall(b"x")
        upstream = Upstream(respond)
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], retry={"max_elapsed": "500ms"},
                   upstream={"response_timeout": "1s"}) as proxy:
            began = time.monotonic()
            self.assertEqual(proxy.ask(GET).status, 504)
            self.assertLess(time.monotonic() - began, 3 * PATIENCE)
        self.assertEqual(len(upstream.requests), 1)

    def test_a_dead_peer_is_looked_for(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)]) as proxy:
            proxy.ask(GET)
            shown = subprocess.run(["ss", "-Htno", f"dport = :{upstream.port}"], capture_output=True, text=True)
            self.assertIn("keepalive", shown.stdout)


if __name__ == "__main__":
    unittest.main()
