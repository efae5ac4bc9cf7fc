"""S3 hosts that do not name the bucket's region: S3's first answer does, and the request goes out again for it."""

import re
import threading
import unittest

import signatures
from processes import PATIENCE
from proxy import Proxy, to
from wire import Upstream, answer

OLD, FAST = "old.bucket.s3.amazonaws.com", "bucket.s3-accelerate.dualstack.amazonaws.com"
MALFORMED = ("<Error><Code>{}</Code><Message>the region '{}' is wrong; expecting '{}'</Message><Region>{}</Region>"
             "<RequestId>x</RequestId></Error>")
REDIRECT = "<Error><Code>TemporaryRedirect</Code><Endpoint>{}</Endpoint></Error>"


class BucketRegion(unittest.TestCase):
    def setUp(self):
        self.region = "eu-west-1"
        self.upstream = Upstream(self.respond)
        self.addCleanup(self.upstream.close)

    def respond(self, request, _):
        in_query = "X-Amz-Credential=" in request.target
        found = re.search(r"Credential=\w+(?:/|%2F)\d+(?:/|%2F)([a-z0-9-]+)", request.target if in_query
                          else request.get("authorization", ""))
        if found[1] == self.region:
            return answer(body=b"" if request.method == "HEAD" else b"an object")
        if request.method == "HEAD":
            return answer(400, headers=[("x-amz-bucket-region", self.region)])
        code = "AuthorizationQueryParametersError" if in_query else "AuthorizationHeaderMalformed"
        return answer(400, body=MALFORMED.format(code, found[1], self.region, self.region).encode(),
                      headers=[("Content-Type", "application/xml")])

    def proxy(self, **more):
        return Proxy([to(self.upstream.port, **more.pop("route", {}))], listen={"workers": 1}, **more)

    def signed_for(self, region, count):
        """The last `count` requests: the last one is right, and for this region."""
        self.assertEqual(len(self.upstream.requests), count)
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", region))
        self.upstream.requests.clear()

    def test_the_second_attempt_and_all_later_ones_are_right(self):
        for host in (OLD, FAST):
            with self.proxy() as proxy:
                self.assertEqual(proxy.ask(f"GET /k HTTP/1.1\r\nHost: {host}\r\n\r\n").body, b"an object")
                self.signed_for("eu-west-1", 2)
                got = proxy.ask(f"PUT /k HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n\r\nbody")
                self.assertEqual(got.status, 200)
                self.assertEqual(self.upstream.requests[-1].body, b"body")
                self.signed_for("eu-west-1", 1)
                # The bucket was made anew elsewhere.
                self.region = "ap-southeast-2"
                self.assertEqual(proxy.ask(f"GET /k HTTP/1.1\r\nHost: {host}\r\n\r\n").status, 200)
                self.signed_for("ap-southeast-2", 2)
                self.region = "eu-west-1"
                metrics = proxy.admin("/metrics").text
                self.assertRegex(metrics, r'countersign_attempts_total\{service="s3",reason="wrong_region"\} 2')
                proxy.program.until(lambda p=proxy: "region=ap-southeast-2 " in p.log(), 20, "the region is logged")

    def test_a_body_is_sent_again(self):
        with self.proxy() as proxy:
            got = proxy.ask(f"PUT /k HTTP/1.1\r\nHost: {OLD}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
            self.assertEqual(got.status, 200)
            self.assertEqual([r.body for r in self.upstream.requests], [b"body"] * 2)
            self.signed_for("eu-west-1", 2)

    def test_first_requests_at_the_same_time_all_learn(self):
        together = threading.Barrier(8)

        def respond(request, connection):
            if "/us-east-1/" in request.get("authorization"):
                together.wait(20 * PATIENCE)     # nobody is answered before all are signed
            return self.respond(request, connection)
        self.upstream.respond = respond
        with self.proxy() as proxy:
            got = []
            ask = f"GET /k HTTP/1.1\r\nHost: {OLD}\r\n\r\n"
            threads = [threading.Thread(target=lambda: got.append(proxy.ask(ask).status)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20 * PATIENCE)
            self.assertEqual(got, [200] * 8)
            self.signed_for("eu-west-1", 16)

    def test_a_young_bucket_is_asked_where_it_is(self):
        def respond(request, connection):
            if request.get("host") == OLD:
                place = f"old.bucket.s3.{self.region}.amazonaws.com"
                return answer("307 Temporary Redirect", b"" if request.method == "HEAD" else REDIRECT.format(place).encode(),
                              [("Location", f"https://{place}/k"), ("x-amz-bucket-region", self.region)])
            return answer(body=b"" if request.method == "HEAD" else b"an object")
        self.upstream.respond = respond
        with self.proxy() as proxy:
            for method, body, attempts in (("GET", "", 2), ("PUT", "body", 1), ("HEAD", "", 1)):
                got = proxy.ask(f"{method} /k HTTP/1.1\r\nHost: {OLD}\r\nContent-Length: {len(body)}\r\n\r\n{body}", method)
                self.assertEqual(got.status, 200)
                self.assertEqual(self.upstream.requests[-1].get("host"), "old.bucket.s3.eu-west-1.amazonaws.com")
                self.assertEqual(self.upstream.requests[-1].body, body.encode())
                self.signed_for("eu-west-1", attempts)
            # Made, it is where the request says, and gone there, the host is asked again.
            self.assertEqual(proxy.ask(f"PUT / HTTP/1.1\r\nHost: {OLD}\r\nContent-Length: 0\r\n\r\n").status, 200)
            self.signed_for("eu-west-1", 2)
            self.upstream.respond = lambda *_: answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            self.assertEqual(proxy.ask(f"GET /k HTTP/1.1\r\nHost: {OLD}\r\n\r\n").status, 404)
            self.assertEqual([r.get("host") for r in self.upstream.requests], ["old.bucket.s3.eu-west-1.amazonaws.com"])
            self.upstream.requests.clear()
            self.assertEqual(proxy.ask(f"GET /k HTTP/1.1\r\nHost: {OLD}\r\n\r\n").status, 404)
            self.assertEqual([r.get("host") for r in self.upstream.requests], [OLD])

    def test_no_location_leads_elsewhere(self):
        for place, region in (("169.254.169.254", "eu-west-1"), ("example.com", "eu-west-1"),
                              ("old.bucket.s3.cn-north-1.amazonaws.com.cn", "cn-north-1")):
            self.upstream.respond = lambda request, connection, p=place, r=region: answer(
                "307 Temporary Redirect", b"", [("Location", f"http://{p}/k"), ("x-amz-bucket-region", r)])
            with self.proxy() as proxy:
                got = proxy.ask(f"GET /k HTTP/1.1\r\nHost: {OLD}\r\n\r\n")
                self.assertEqual((got.status, got.get("location")), (307, f"http://{place}/k"))
        self.assertEqual(len(self.upstream.requests), 3)

    def test_head_and_presigned_requests(self):
        with self.proxy() as proxy:
            self.assertEqual(proxy.ask(f"HEAD /k HTTP/1.1\r\nHost: {OLD}\r\n\r\n", "HEAD").status, 200)
            self.signed_for("eu-west-1", 2)
        with self.proxy(route={"sign": "query"}) as proxy:
            self.assertEqual(proxy.ask(f"GET /k HTTP/1.1\r\nHost: {OLD}\r\n\r\n").status, 200)
            self.assertEqual(len(self.upstream.requests), 2)
            self.assertIn("eu-west-1%2Fs3", self.upstream.requests[-1].target)

    def test_what_is_no_answer_to_learn_from_is_passed_on(self):
        for region in ("us-gov-west-1", "cn-north-1", "nowhere", "eu-west-1/s3", ""):
            self.region = region
            self.upstream.requests.clear()
            with self.proxy() as proxy:
                got = proxy.ask(f"GET /k HTTP/1.1\r\nHost: {OLD}\r\n\r\n")
                self.assertEqual((got.status, len(self.upstream.requests)), (400, 1), region)
                self.assertIn(b"AuthorizationHeaderMalformed", got.body)

    def test_a_region_that_is_named_stays(self):
        ask = "GET /k HTTP/1.1\r\nHost: {}\r\n\r\n"
        with self.proxy() as proxy:
            self.assertEqual(proxy.ask(ask.format("b.s3.us-east-1.amazonaws.com")).status, 400)
            self.assertEqual(proxy.ask(ask.format("s3.amazonaws.com")).status, 400)   # the bucket stands in the path
        with self.proxy(route={"region": "us-west-2"}) as proxy:
            self.assertEqual(proxy.ask(ask.format(OLD)).status, 400)
        for rule in ({"allow": [{"service": "s3", "region": "us-*"}]}, {"deny": [{"region": "ap-*"}]}):
            with self.proxy(policy=rule) as proxy:
                self.assertEqual(proxy.ask(ask.format(OLD)).status, 400)
        self.assertEqual(len(self.upstream.requests), 5)


if __name__ == "__main__":
    unittest.main()
