"""What clients have signed with, of every generation, is taken off: nothing of it stands upstream beside our signature."""

import re
import unittest
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
from botocore.config import Config

import fixtures
import signatures
from proxy import Proxy, to
from wire import Upstream, answer

KEYS = botocore.credentials.Credentials("AKIATHECLIENTSEXAMPLE", "the client's worthless secret", "the+clients/token==")
S3, SQS = "bucket.s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"


def wire(method, url, headers=(), body=b""):
    """A request as a client would send it to the proxy, in origin form."""
    to_where = urllib.parse.urlsplit(url)
    fields = {"Host": to_where.netloc, "Content-Length": str(len(body)), **dict(headers)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    target = to_where.path + ("?" + to_where.query if to_where.query else "")
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n" + body.decode()


def signed(auth, method, url, **more):
    """Signed by one of botocore's signers, of any age."""
    request = botocore.awsrequest.AWSRequest(method=method, url=url, **more)
    auth.add_auth(request)
    ready = request.prepare()
    body = ready.body.encode() if isinstance(ready.body, str) else ready.body or b""
    headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in ready.headers.items()}
    headers.pop("Content-Length", None)
    return wire(method, ready.url, headers, body)


class Generations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream(lambda request, _: answer(body=b"ok"))
        cls.addClassCleanup(cls.upstream.close)
        cls.proxy = Proxy([to(cls.upstream.port)])
        cls.addClassCleanup(cls.proxy.stop)

    def sent(self, text, service="s3"):
        """What came upstream: signed once and rightly, without a trace of the client's keys."""
        got = self.proxy.ask(text, text.split(" ", 1)[0])
        self.assertEqual(got.status, 200, got.body)
        request = self.upstream.requests[-1]
        self.assertIsNone(signatures.complaint(request, service, "us-east-1"))
        raw = urllib.parse.unquote((request.head + request.body).decode())
        self.assertNotIn(KEYS.access_key, raw)
        self.assertNotIn(KEYS.token, raw)
        return request

    def test_version_two_in_an_s3_url(self):
        url = boto3.client("s3", region_name="us-east-1", endpoint_url="http://s3.us-east-1.amazonaws.com",
                           aws_access_key_id=KEYS.access_key, aws_secret_access_key=KEYS.secret_key,
                           aws_session_token=KEYS.token, config=Config(signature_version="s3")
                           ).generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "a b",
                                                                   "ResponseExpires": "Thu, 01 Jan 2026 00:00:00 GMT"})
        names = {name for name, _ in urllib.parse.parse_qsl(url.split("?")[1])}
        self.assertEqual(names, {"AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token", "response-expires"})
        target = self.sent(wire("GET", url)).target
        self.assertRegex(target, r"/a%20b\?response-expires=Thu%2C%2001[^&]*$")

    def test_version_two_in_an_s3_header(self):
        request = self.sent(signed(botocore.auth.HmacV1Auth(KEYS), "PUT", f"http://{S3}/k?acl", data=b"<x/>",
                                   headers={"x-amz-meta-a": "b", "Content-Type": "text/xml"}))
        self.assertEqual((request.target, request.body, request.get("x-amz-meta-a")), ("/k?acl", b"<x/>", "b"))
        self.assertEqual(request.all("date"), [])

    def test_version_two_of_a_query_api(self):
        asked = {"Action": "ListQueues", "Version": "2012-11-05", "QueueNamePrefix": "a b&Signature=c"}
        posted = self.sent(signed(botocore.auth.SigV2Auth(KEYS), "POST", f"http://{SQS}/", data=dict(asked),
                                  headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}), "sqs")
        self.assertEqual(dict(urllib.parse.parse_qsl(posted.body.decode(), strict_parsing=True)), asked)
        self.assertEqual(posted.get("content-length"), str(len(posted.body)))
        got = self.sent(signed(botocore.auth.SigV2Auth(KEYS), "GET", f"http://{SQS}/", params=dict(asked)), "sqs")
        self.assertEqual(dict(urllib.parse.parse_qsl(got.target.partition("?")[2])), asked)

    def test_version_three(self):
        request = self.sent(signed(botocore.auth.SigV3Auth(KEYS), "GET", "http://route53.amazonaws.com/2013-04-01/zone"),
                            "route53")
        self.assertEqual((request.all("x-amzn-authorization"), request.all("date")), ([], []))

    def test_version_four(self):
        for auth in (botocore.auth.S3SigV4Auth, botocore.auth.S3SigV4QueryAuth, botocore.auth.S3ExpressAuth,
                     botocore.auth.S3ExpressQueryAuth) if hasattr(botocore.auth, "S3ExpressAuth") else (
                         botocore.auth.S3SigV4Auth, botocore.auth.S3SigV4QueryAuth):
            request = self.sent(signed(auth(KEYS, "s3", "us-east-1"), "GET", f"http://{S3}/k?versionId=3"))
            self.assertEqual(request.target, "/k?versionId=3")

    def test_what_only_looks_like_a_signature_stays(self):
        for query in ("Expires=1&Key-Pair-Id=K&Policy=p&Signature=s", "SignatureVersion=2&Timestamp=t",
                      "x-amz-acl=private", "a=AWSAccessKeyId"):
            self.assertEqual(self.sent(wire("GET", f"http://{S3}/k?{query}")).target, f"/k?{query}")

    def test_names_are_found_as_servers_read_them(self):
        for query in ("X%2DAmz%2DSignature=0&x-amz-credential=c", "%41WSAccessKeyId=A&%53ignature=s&expires=1",
                      "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", "x-amz-s3Session-token=t"):
            self.assertEqual(self.sent(wire("GET", f"http://{S3}/k?{query}&a=b")).target, "/k?a=b")

    def test_a_policy_form_is_the_callers(self):
        body = (b"--b\r\nContent-Disposition: form-data; name=\"AWSAccessKeyId\"\r\n\r\nAKIAOTHER\r\n--b\r\n"
                b"Content-Disposition: form-data; name=\"Signature\"\r\n\r\ns\r\n--b--\r\n")
        request = self.sent(wire("POST", f"http://{S3}/", {"Content-Type": "multipart/form-data; boundary=b"}, body))
        self.assertEqual(request.body, body)


class OldClientsAtARealServer(unittest.TestCase):
    """boto3 with Signature Version 2, whose keys the server does not know."""

    @classmethod
    def setUpClass(cls):
        cls.proxy = Proxy([to(fixtures.radosgw().http_port)], env=fixtures.S3_KEYS)
        cls.addClassCleanup(cls.proxy.stop)
        cls.s3 = boto3.client("s3", region_name="us-east-1", endpoint_url="http://s3.us-east-1.amazonaws.com",
                              aws_access_key_id="WORTHLESS", aws_secret_access_key="worthless",
                              config=Config(signature_version="s3", proxies={"http": cls.proxy.url},
                                            retries={"max_attempts": 0}))
        cls.s3.create_bucket(Bucket="version-two")

    def test_headers(self):
        self.s3.put_object(Bucket="version-two", Key="ü/a b", Body=b"content", Metadata={"k": "v"})
        got = self.s3.get_object(Bucket="version-two", Key="ü/a b", ResponseContentType="text/x-test")
        self.assertEqual((got["Body"].read(), got["Metadata"], got["ContentType"]), (b"content", {"k": "v"}, "text/x-test"))
        self.assertTrue(self.s3.list_objects_v2(Bucket="version-two")["Contents"])

    def test_urls(self):
        put = self.s3.generate_presigned_url("put_object", {"Bucket": "version-two", "Key": "a+b"})
        self.assertEqual(self.proxy.ask(wire("PUT", put, body=b"by url"), "PUT").status, 200)
        get = self.s3.generate_presigned_url("get_object", {"Bucket": "version-two", "Key": "a+b",
                                                            "ResponseContentType": "text/x-test"})
        self.assertTrue(re.search("AWSAccessKeyId=WORTHLESS", get))
        got = self.proxy.ask(wire("GET", get))
        self.assertEqual((got.status, got.body, got.get("content-type")), (200, b"by url", "text/x-test"))


if __name__ == "__main__":
    unittest.main()
