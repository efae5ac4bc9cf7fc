"""Buckets whose host no certificate covers: over TLS they go into the path, in everything else they are the client's."""

import json
import unittest

import fixtures
import signatures
from proxy import Proxy, command, to
from wire import Upstream, answer

DOTTED = "my.dotted.bucket.s3.us-east-1.amazonaws.com"
CA = {"ca_file": fixtures.authority().certificate}


def get(target, host=DOTTED, method="GET"):
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"


class PathStyle(unittest.TestCase):
    """Beside AWS's own certificate: the endpoint and one label in front of it."""

    @classmethod
    def setUpClass(cls):
        leaf = fixtures.authority().leaf(fixtures.folder(), "s3", [
            name for end in ("s3.us-east-1.amazonaws.com", "s3-fips.dualstack.us-west-2.amazonaws.com",
                             "s3.cn-north-1.amazonaws.com.cn", "s3-eu-west-1.amazonaws.com",
                             "s3.eu-west-1.amazonaws.com", "s3.ap-southeast-2.amazonaws.com", "s3-external-1.amazonaws.com")
            for name in (end, "*." + end)])
        cls.names = []
        cls.upstream = Upstream(lambda request, _: answer(body=b"ok"), tls=leaf)
        cls.addClassCleanup(cls.upstream.close)
        cls.upstream.context.sni_callback = lambda sock, name, context: cls.names.append(name)

    def proxy(self, **more):
        return Proxy([to(self.upstream.port, "https", host="*.amazonaws.com*", max_attempts=1)], upstream=CA, **more)

    def sent(self, proxy, text, region="us-east-1"):
        got = proxy.ask(text, text.split(" ", 1)[0])
        self.assertEqual(got.status, 200, got.body)
        request = self.upstream.requests[-1]
        self.assertIsNone(signatures.complaint(request, "s3", region))
        return request

    def test_every_endpoint(self):
        for bucket in ("my.dotted.bucket", "a.b", "under_score"):
            for endpoint, region in (("s3.us-east-1.amazonaws.com", "us-east-1"),
                                     ("s3-fips.dualstack.us-west-2.amazonaws.com", "us-west-2"),
                                     ("s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
                                     ("s3-eu-west-1.amazonaws.com", "eu-west-1"),
                                     ("s3-external-1.amazonaws.com", "us-east-1")):
                with self.proxy() as proxy:
                    request = self.sent(proxy, get("/k", f"{bucket}.{endpoint}"), region)
                self.assertEqual((request.target, request.get("host"), self.names[-1]), (f"/{bucket}/k", endpoint, endpoint))

    def test_the_global_endpoint(self):
        with self.proxy() as proxy:
            request = self.sent(proxy, get("/k", "my.bucket.s3.amazonaws.com"))
        self.assertEqual((request.target, request.get("host")), ("/my.bucket/k", "s3.us-east-1.amazonaws.com"))

    def test_a_bucket_of_the_global_endpoint_that_is_elsewhere(self):
        answers = {
            "301": (b"<Error><Code>PermanentRedirect</Code><Bucket>my.bucket</Bucket></Error>", "x-amz-bucket-region"),
            "307": (b"<Error><Code>TemporaryRedirect</Code></Error>", "x-amz-bucket-region"),
            "400": (b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>REGION</Region></Error>", "x-nothing")}
        region = "eu-west-1"

        def respond(request, _):
            if request.get("host") == f"s3.{region}.amazonaws.com":
                return answer(body=b"ok")
            return answer(int(status), body.replace(b"REGION", region.encode()), [(field, region)])
        self.addCleanup(setattr, self.upstream, "respond", self.upstream.respond)
        self.upstream.respond = respond
        put = "PUT //k?versionId=1 HTTP/1.1\r\nHost: my.bucket.s3.amazonaws.com\r\nContent-Length: 4\r\n\r\nbody"
        for status, (body, field) in answers.items():
            with self.proxy(listen={"workers": 1}) as proxy:     # each learns for itself
                for region, attempts in (("eu-west-1", 2), ("eu-west-1", 1), ("ap-southeast-2", 2), ("us-east-1", 2)):
                    self.upstream.requests.clear()
                    request = self.sent(proxy, put, region)
                    self.assertEqual(len(self.upstream.requests), attempts, (status, region))
                    self.assertEqual((request.target, request.body), ("/my.bucket//k?versionId=1", b"body"))
                    self.assertEqual(request.get("host"), f"s3.{region}.amazonaws.com")
                proxy.program.until(lambda p=proxy: "region=us-east-1 " in p.log(), 20, "the region is logged")

    def test_paths_stay_as_they_are(self):
        with self.proxy() as proxy:
            for target in ("/", "//k", "/a//b/", "/?list-type=2&prefix=a%2Fb", "/%C3%BC/a%20b?versionId=3"):
                self.assertEqual(self.sent(proxy, get(target)).target, "/my.dotted.bucket" + target)
            before = len(self.upstream.requests)
            got = proxy.ask(get("/a/../../other/key"))
            self.assertEqual((got.status, got.get("x-countersign-error")), (400, "ambiguous-path"))
            self.assertEqual(len(self.upstream.requests), before)

    def test_a_name_that_is_covered_stays_in_the_host(self):
        with self.proxy() as proxy:
            request = self.sent(proxy, get("/k", "bucket.s3.us-east-1.amazonaws.com"))
        self.assertEqual((request.target, request.get("host")), ("/k", "bucket.s3.us-east-1.amazonaws.com"))

    def test_log_and_policy_know_the_host_that_was_asked_for(self):
        with self.proxy(policy={"deny": [{"host": "secret.bucket.s3.*"}]}) as proxy:
            self.assertEqual(proxy.ask(get("/k", "secret.bucket.s3.us-east-1.amazonaws.com")).status, 403)
            self.sent(proxy, get("/k?versionId=1"))
            proxy.program.until(lambda: f"host={DOTTED} path=/k?versionId=*** " in proxy.log(), 20, "the line")

    def test_accelerate_has_no_path_style(self):
        with self.proxy() as proxy:
            got = proxy.ask(get("/k", "my.bucket.s3-accelerate.amazonaws.com"))
        self.assertEqual((got.status, got.get("x-countersign-error")), (421, "bucket-not-accelerated"))
        self.assertIn(b"my.bucket.s3.REGION.amazonaws.com", got.body)

    def test_without_tls_nothing_changes(self):
        plain = Upstream(lambda request, _: answer(body=b"ok"))
        self.addCleanup(plain.close)
        with Proxy([to(plain.port)]) as proxy:
            self.assertEqual(proxy.ask(get("//k")).status, 200)
        request = plain.requests[-1]
        self.assertIsNone(signatures.complaint(request, "s3", "us-east-1"))
        self.assertEqual((request.target, request.get("host")), ("//k", DOTTED))

    def test_scope_says_so(self):
        line = json.loads(command("scope", "--explain", DOTTED).stdout)
        self.assertEqual(line["sent_to"], "s3.us-east-1.amazonaws.com/my.dotted.bucket")
        self.assertIn("no certificate covers", line["rule"])
        self.assertIn("Transfer Acceleration",
                      json.loads(command("scope", "--explain", "a.b.s3-accelerate.amazonaws.com").stdout)["error"])
        self.assertNotIn("sent_to", json.loads(command("scope", "--explain", "b.s3.eu-west-1.amazonaws.com").stdout))


class AtARealServer(unittest.TestCase):
    def test_objects(self):
        with Proxy([to(fixtures.radosgw().https_port, "https")], env=fixtures.S3_KEYS, upstream=CA) as proxy:
            self.assertEqual(proxy.ask(get("/", method="PUT"), "PUT").status, 200)
            for key in ("k", "/k", "a//b/", "%C3%BC/a+b%20c", "..."):
                put = f"PUT /{key} HTTP/1.1\r\nHost: {DOTTED}\r\nContent-Length: {len(key)}\r\n\r\n{key}"
                self.assertEqual(proxy.ask(put, "PUT").status, 200)
                got = proxy.ask(get(f"/{key}"))
                self.assertEqual((got.status, got.body), (200, key.encode()))
            listed = proxy.ask(get("/?list-type=2&encoding-type=url")).body.decode()
            self.assertEqual(listed.count("<Key>"), 5)
            self.assertIn("<Name>my.dotted.bucket</Name>", listed)
            self.assertEqual(proxy.ask(get("/nothing", method="HEAD"), "HEAD").status, 404)
            self.assertEqual(proxy.ask(get("/k", method="DELETE"), "DELETE").status, 204)


if __name__ == "__main__":
    unittest.main()
