"""SigV4A: endpoints, and routes, that stand for several regions at once."""

import unittest

import signatures
from proxy import Proxy, static_keys, to
from sandbox_test import KEY, Sandbox
from wire import Upstream, answer

ACCESS_POINT = "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"
EVENTS = "abc123.456def.endpoint.events.amazonaws.com"
TOKEN = "a/session+token=" * 20


class Regions(unittest.TestCase):
    def setUp(self):
        self.failures = 0
        self.upstream = Upstream(self.respond)
        self.addCleanup(self.upstream.close)

    def respond(self, request, _):
        if self.failures:
            self.failures -= 1
            return answer(503)
        return answer(body=b"ok")

    def test_an_access_point_of_several_regions(self):
        keys = static_keys()
        keys["AWS_SESSION_TOKEN"] = TOKEN
        with Proxy([to(self.upstream.port)], keys) as proxy:
            for text in (f"GET /a%20b/c?versionId=x HTTP/1.1\r\nHost: {ACCESS_POINT}\r\n\r\n",
                         f"PUT /k HTTP/1.1\r\nHost: {ACCESS_POINT}\r\nX-Amz-Region-Set: eu-west-1\r\n"
                         "x-amz-meta-a: b\r\nContent-Length: 4\r\n\r\nbody"):
                self.assertEqual(proxy.ask(text).status, 200)
                self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "*", token=TOKEN, sigv4a=True))
            self.assertEqual(proxy.ask(f"POST / HTTP/1.1\r\nHost: {EVENTS}\r\nX-Amz-Target: AWSEvents.PutEvents\r\n"
                                       "Content-Length: 2\r\n\r\n{}").status, 200)
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "events", "*", token=TOKEN, sigv4a=True))
            proxy.program.until(lambda: "region=* " in proxy.log(), 20, "the region set is logged")

    def test_each_attempt_has_a_signature_of_its_own(self):
        with Proxy([to(self.upstream.port)]) as proxy:
            self.failures = 1
            self.assertEqual(proxy.ask(f"GET /k HTTP/1.1\r\nHost: {ACCESS_POINT}\r\n\r\n").status, 200)
        first, second = self.upstream.requests
        self.assertNotEqual(first.get("authorization"), second.get("authorization"))
        for request in (first, second):
            self.assertIsNone(signatures.complaint(request, "s3", "*", sigv4a=True))

    def test_a_route_names_the_regions(self):
        routes = [to(self.upstream.port, host="s3.us-east-1.amazonaws.com", region=["us-east-1", "eu-*"]),
                  to(self.upstream.port, host="*.s3-global.amazonaws.com", sign="query"),
                  to(self.upstream.port, host=EVENTS, region="us-east-1")]
        with Proxy(routes) as proxy:
            self.assertEqual(proxy.ask("GET /b/k HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\n\r\n").status, 200)
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1,eu-*", sigv4a=True))
            self.assertEqual(proxy.ask(f"GET /k?x=%7e HTTP/1.1\r\nHost: {ACCESS_POINT}\r\n\r\n").status, 200)
            self.assertIsNone(signatures.presigned_v4a_complaint(self.upstream.requests[-1], "s3", "*"))
            # Whoever writes one region means SigV4.
            self.assertEqual(proxy.ask(f"GET / HTTP/1.1\r\nHost: {EVENTS}\r\n\r\n").status, 200)
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "events", "us-east-1"))

    def test_a_policy_for_a_region_holds_for_the_set(self):
        ask = f"GET /k HTTP/1.1\r\nHost: {ACCESS_POINT}\r\n\r\n"
        for policy, status in (({"deny": [{"region": "eu-west-1"}]}, 403), ({"allow": [{"region": "us-*"}]}, 403),
                               ({"allow": [{"service": "s3", "region": "*"}]}, 200)):
            with Proxy([to(self.upstream.port)], policy=policy) as proxy:
                self.assertEqual(proxy.ask(ask).status, status, policy)

    def test_the_sandbox_takes_them(self):
        sandbox = Sandbox()
        self.addCleanup(sandbox.stop)
        keys = {"AWS_ACCESS_KEY_ID": KEY.access_key, "AWS_SECRET_ACCESS_KEY": KEY.secret_key}
        with Proxy([to(sandbox.port, region="*")], keys) as proxy:
            got = proxy.ask("GET /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1\r\n"
                            "Host: sts.us-east-1.amazonaws.com\r\n\r\n")
            self.assertEqual(got.status, 200, got.body)
            self.assertIn(b"user/sandbox", got.body)


if __name__ == "__main__":
    unittest.main()
