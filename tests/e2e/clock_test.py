"""A machine whose clock is wrong: what a service's Date says is signed with instead, learned once for each place."""

import email.utils
import threading
import time
import unittest
import urllib.parse

import signatures
from attacks import HOST
from proxy import Proxy, to
from wire import Upstream, answer

MINUTES = 60
GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"
HEAD = f"HEAD /k HTTP/1.1\r\n{HOST}\r\n"
PUT = f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello"
SQS = ("POST / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\nContent-Type: application/x-amz-json-1.0\r\n"
       "X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 2\r\n\r\n{}")


def error(code):
    return b"<?xml version=\"1.0\"?><Error><Code>%b</Code></Error>" % code.encode()


def signed_time(request):
    query = urllib.parse.parse_qs(request.target.partition("?")[2])
    text = request.get("x-amz-date") or query["X-Amz-Date"][0]
    return time.mktime(time.strptime(text, "%Y%m%dT%H%M%SZ")) - time.timezone


class WrongClock(unittest.TestCase):
    def begin(self, **route):
        self.ahead = 20 * MINUTES         # the service's clock
        self.tolerance = 5 * MINUTES
        self.status, self.body = "403 Forbidden", error("RequestTimeTooSkewed")
        self.date = True
        self.gate = None
        self.upstream = Upstream(self.respond)
        self.addCleanup(self.upstream.close)
        self.proxy = Proxy([to(self.upstream.port, **route)], listen={"workers": 1})
        self.addCleanup(self.proxy.program.kill)

    def end(self):
        self.proxy.stop()
        self.assertEqual(self.upstream.errors, [])

    def respond(self, request, connection):
        now = time.time() + self.ahead
        date = [("Date", email.utils.formatdate(now, usegmt=True))] if self.date else []
        if abs(signed_time(request) - now) <= self.tolerance:
            return answer(body=b"" if request.method == "HEAD" else b"fine", headers=date)
        if self.gate:
            self.gate.wait()
        return answer(self.status, b"" if request.method == "HEAD" else self.body, date)

    def ask(self, text=PUT, method="PUT"):
        """The answer, and what came upstream for it."""
        before = len(self.upstream.requests)
        got = self.proxy.ask(text, method)
        return got, self.upstream.requests[before:]

    def offset(self, service="s3"):
        return self.proxy.metric("countersign_clock_offset_seconds", service=service, region="us-east-1")

    def test_it_is_learned_once(self):
        self.begin()
        got, came = self.ask()
        self.assertEqual((got.status, got.body, len(came)), (200, b"fine", 2))
        self.assertIsNone(signatures.complaint(came[0], "s3", "us-east-1"))
        for _ in range(2):
            self.assertIsNone(signatures.complaint(came[-1], "s3", "us-east-1", ahead=self.ahead))
            self.assertEqual(came[-1].body, b"hello")
            got, came = self.ask()
            self.assertEqual((got.status, len(came)), (200, 1))
        self.assertAlmostEqual(self.offset(), self.ahead, delta=5)
        self.assertEqual(self.proxy.metric("countersign_attempts_total", service="s3", reason="clock_skew"), 1)
        self.assertRegex(self.proxy.log(), r"warn\w*.*this machine's clock is 1(19[5-9]|20[0-5]) s behind that of .*NTP")
        self.end()

    def test_a_clock_that_runs_ahead(self):
        self.begin()
        self.ahead = -3 * 60 * MINUTES
        for attempts in (2, 1):
            got, came = self.ask()
            self.assertEqual((got.status, len(came)), (200, attempts))
        self.assertIn("s ahead of that of", self.proxy.log())
        self.end()

    def test_two_requests_at_once(self):
        self.begin()
        self.gate = threading.Barrier(2)       # both are signed before either is answered
        got = [None, None]

        def ask(n):
            got[n] = self.proxy.ask(PUT)
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([g.status for g in got], [200, 200])
        self.assertEqual(len(self.upstream.requests), 4)
        self.gate = None
        answered, came = self.ask()
        self.assertEqual((answered.status, len(came)), (200, 1))
        self.assertEqual(self.proxy.log().count("check NTP"), 1)
        self.end()

    def test_codes_that_may_mean_it(self):
        for text, method, status, body, service in (
                (PUT, "PUT", "403 Forbidden", error("SignatureDoesNotMatch"), "s3"),
                (SQS, "POST", "400 Bad Request", b'{"__type":"x#InvalidSignatureException","message":"expired"}', "sqs"),
                (HEAD, "HEAD", "403 Forbidden", b"", "s3"),
                (HEAD, "HEAD", "400 Bad Request", b"", "s3")):
            with self.subTest(status=status, body=body):
                self.begin()
                self.status, self.body = status, body
                for attempts in (2, 1):
                    got, came = self.ask(text, method)
                    self.assertEqual((got.status, len(came)), (200, attempts))
                self.assertAlmostEqual(self.offset(service), self.ahead, delta=5)
                self.end()

    def test_a_presigned_request(self):
        self.begin(sign="query")
        self.status, self.body = "403 Forbidden", error("AccessDenied")
        for attempts in (2, 1):
            got, came = self.ask(GET, "GET")
            self.assertEqual((got.status, len(came)), (200, attempts))
        self.end()

    def test_a_clock_that_is_set_right_again(self):
        self.begin()
        self.ask()
        self.ahead = 0
        got, came = self.ask()              # refused for being dated in the future
        self.assertEqual((got.status, len(came)), (200, 2))
        self.assertEqual(self.offset(), 0)
        got, came = self.ask()
        self.assertEqual((got.status, len(came)), (200, 1))
        self.assertIn("agrees with that of", self.proxy.log())
        self.end()

    def test_an_answer_that_speaks_against_it(self):
        self.begin()
        self.ask()
        self.ahead, self.tolerance = 0, 60 * MINUTES     # accepted all the same
        got, came = self.ask()
        self.assertEqual((got.status, len(came)), (200, 1))
        got, came = self.ask()
        self.assertIsNone(signatures.complaint(came[0], "s3", "us-east-1"))
        self.assertEqual(self.offset(), 0)
        self.end()

    def test_what_is_not_believed(self):
        self.begin()
        for ahead, date, body in ((25 * 60 * MINUTES, True, self.body), (20 * MINUTES, False, self.body),
                                  (20 * MINUTES, True, error("AccessDenied")),
                                  (3 * MINUTES, True, error("SignatureDoesNotMatch"))):
            with self.subTest(ahead=ahead, date=date, body=body):
                self.ahead, self.date, self.body, self.tolerance = ahead, date, body, 1 * MINUTES
                got, came = self.ask()
                self.assertEqual((got.status, got.body, len(came)), (403, body, 1))
        self.end()

    def test_it_is_tried_once(self):
        self.begin()
        self.tolerance = -1                 # nothing is right
        got, came = self.ask()
        self.assertEqual((got.status, got.body, len(came)), (403, self.body, 2))
        self.end()


if __name__ == "__main__":
    unittest.main()
