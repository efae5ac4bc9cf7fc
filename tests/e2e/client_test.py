"""Tenants by dummy keys: who signs with a configured key pair is signed for by its identity, nobody else at all."""

import datetime
import re
import signal
import types
import unittest
import unittest.mock

import awscrt.auth
import awscrt.http
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session

import proxy as proxies
import signatures
from processes import temporary_folder
from proxy import ACCESS_KEY_ID, Proxy, static_keys, to
from wire import Upstream, answer

AUDIT = ("AKIAAUDITEXAMPLE0001", "audit/secret/of/the/end-to-end/tests/123")
ONE = ("AKIADUMMYTENANTONE00", "the-dummy+secret/of/tenant/one")
TWO = ("AKIADUMMYTENANTTWO00", "the-dummy+secret/of/tenant/two")
NOBODY = ("AKIADUMMYTENANTTHREE", "the-dummy+secret/of/nobody")
proxies.SECRETS.update(secret for _, secret in (AUDIT, ONE, TWO, NOBODY))

ACCESS_POINT = "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"
SNS, S3 = "sns.us-east-1.amazonaws.com", "bucket.s3.us-east-1.amazonaws.com"
LISTS = b"<ListBucketResult><Name>bucket</Name></ListBucketResult>"


def clock_at(moment):
    """What botocore.auth asks for the time: a function of its own since 1.40, the module datetime before."""
    if hasattr(botocore.auth, "get_current_datetime"):
        return unittest.mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment)
    clock = types.SimpleNamespace(utcnow=lambda: moment, strptime=datetime.datetime.strptime)
    return unittest.mock.patch.object(botocore.auth, "datetime", types.SimpleNamespace(datetime=clock))


def respond(request, _):
    if request.get("host").startswith("dynamodb"):
        return answer(body=b'{"TableNames":[]}', headers=[("Content-Type", "application/x-amz-json-1.0")])
    return answer(body=LISTS if request.method == "GET" else b"")


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream(respond)
        cls.addClassCleanup(cls.upstream.close)
        folder = temporary_folder("clients")
        files = folder / "credentials"
        files.write_text(f"[audit]\naws_access_key_id = {AUDIT[0]}\naws_secret_access_key = {AUDIT[1]}\n")
        cls.secrets = {}
        for key, secret in (ONE, TWO):
            cls.secrets[key] = folder / key
            cls.secrets[key].write_text(secret + "\n")
            cls.secrets[key].chmod(0o600 if key == ONE[0] else 0o644)
        clients = [{"access_key_id": key, "secret_access_key_file": file} for key, file in cls.secrets.items()]
        clients[0]["identity"] = "audit"
        # The route says "default"; the client decides.
        routes = [to(cls.upstream.port, host="*.amazonaws.com", identity="default")]
        cls.proxy = Proxy(routes, {**static_keys(), "AWS_SHARED_CREDENTIALS_FILE": str(files)},
                          **{"identity.audit": {"profile": "audit"}, "client": clients})
        cls.addClassCleanup(cls.proxy.stop)

    def sdk(self, service, keys):
        session = botocore.session.Session()
        session.set_credentials(*keys)
        settings = botocore.config.Config(proxies={"http": self.proxy.url}, retries={"max_attempts": 0},
                                          signature_version="s3v4" if service == "s3" else "v4")
        return session.create_client(service, region_name="us-east-1", config=settings,
                                     endpoint_url=f"http://{service}.us-east-1.amazonaws.com")

    def signed(self, keys=ONE, method="POST", path="/q?a=b", body=b"Action=ListTopics", headers=(), age=0, service="sns",
               region="us-east-1", host=SNS):
        """Head fields and body of a request as botocore signs it."""
        request = botocore.awsrequest.AWSRequest(method, f"http://{host}{path}", dict(headers), body)
        auth = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
        signing = auth(botocore.credentials.Credentials(*keys), service, region)
        moment = datetime.datetime.utcnow() - datetime.timedelta(seconds=age)
        with clock_at(moment):
            signing.add_auth(request)
        fields = {"Host": host, **dict(request.headers.items())}
        return method, path, fields, body

    def send(self, method, path, fields, body, proxy=None):
        lines = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        head = f"{method} {path} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        return (proxy or self.proxy).ask(head + body.decode())

    def refused(self, request, code):
        before = len(self.upstream.requests)
        got = self.send(*request)
        self.assertEqual((got.status, got.get("x-countersign-error")), (403, "client-refused"), got.body)
        self.assertIn(f"<Code>{code}</Code>", got.body.decode())
        self.assertEqual(len(self.upstream.requests), before)

    def test_two_sdks_reach_two_accounts_through_one_listener(self):
        for keys, real in ((ONE, AUDIT), (TWO, (ACCESS_KEY_ID, None)), (ONE, AUDIT)):
            self.sdk("dynamodb", keys).list_tables()
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "dynamodb", "us-east-1", *real))
            store = self.sdk("s3", keys)
            store.put_object(Bucket="bucket", Key="a b/ü+%.txt", Body=b"a body")
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1", *real))
            self.assertEqual(self.upstream.requests[-1].body, b"a body")
            store.list_objects_v2(Bucket="bucket", Prefix="ü /")
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1", *real))
            self.assertNotIn(keys[0].encode(), self.upstream.requests[-1].head)
        for words in (r"host=dynamodb\S+ .* identity=audit ", r"host=dynamodb\S+ .* identity=default "):
            self.proxy.program.until(lambda w=words: re.search(w, self.proxy.log()), 20, words)

    def test_a_presigned_url_is_signed_again(self):
        url = self.sdk("s3", ONE).generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "k"})
        target = url.split("amazonaws.com", 1)[1]
        host = url.split("/")[2]
        self.assertEqual(self.proxy.ask(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").status, 200)
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "us-east-1", *AUDIT))
        before = len(self.upstream.requests)
        self.assertEqual(self.proxy.ask(f"GET {target}0 HTTP/1.1\r\nHost: {host}\r\n\r\n").status, 403)
        self.assertEqual(len(self.upstream.requests), before)

    def test_the_client_knows_the_region_where_the_host_leaves_it_open(self):
        for host in ("bucket.s3-accelerate.amazonaws.com", "bucket.s3.amazonaws.com"):
            for region, status in (("eu-west-1", 200), ("us-east-1", 200), ("cn-north-1", 403), ("", 403)):
                request = self.signed(service="s3", host=host, region=region, method="GET", path="/k", body=b"")
                self.assertEqual(self.send(*request).status, status, (host, region))

    def test_clients_may_sign_for_several_regions(self):
        def status(service, host, region_set, keys=ONE):
            config = awscrt.auth.AwsSigningConfig(
                algorithm=awscrt.auth.AwsSigningAlgorithm.V4_ASYMMETRIC, region=region_set, service=service,
                signature_type=awscrt.auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
                credentials_provider=awscrt.auth.AwsCredentialsProvider.new_static(*keys),
                use_double_uri_encode=service != "s3", should_normalize_uri_path=service != "s3",
                signed_body_header_type=awscrt.auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256)
            request = awscrt.http.HttpRequest("GET", "/k", awscrt.http.HttpHeaders([("Host", host)]))
            signed = awscrt.auth.aws_sign_request(request, config).result(20)
            return self.send("GET", "/k", dict(signed.headers), b"").status

        self.assertEqual(status("s3", ACCESS_POINT, "*"), 200)
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "s3", "*", *AUDIT, sigv4a=True))
        self.assertEqual(status("s3", ACCESS_POINT, "us-east-1"), 403)
        self.assertEqual(status("s3", ACCESS_POINT, "*", NOBODY), 403)
        # For one region a set that covers it will do.
        self.assertEqual(status("sns", SNS, "us-*"), 200)
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "sns", "us-east-1", *AUDIT))
        self.assertEqual(status("sns", SNS, "eu-*"), 403)

    def test_sdks_understand_the_refusal(self):
        for service, call, code in (("dynamodb", "list_tables", "UnrecognizedClientException"),
                                    ("s3", "list_buckets", "InvalidAccessKeyId")):
            before = len(self.upstream.requests)
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                getattr(self.sdk(service, NOBODY), call)()
            self.assertEqual(caught.exception.response["Error"]["Code"], code)
            self.assertEqual(len(self.upstream.requests), before)
        self.proxy.program.until(lambda: "unknown_access_key" in self.proxy.log(), 20, "the reason is logged")

    def test_a_good_request_passes_and_each_change_is_refused(self):
        headers = {"Content-Type": "text/plain", "x-amz-meta": "v"}
        good = self.signed(headers=headers)
        self.assertEqual(self.send(*good).status, 200)
        self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "sns", "us-east-1", *AUDIT))
        method, path, fields, body = good
        wrong = "SignatureDoesNotMatch"
        self.refused((method, path, fields, body.replace(b"List", b"Lost")), wrong)
        self.refused((method, "/p?a=b", fields, body), wrong)
        self.refused((method, "/./q?a=b", fields, body), wrong)
        self.refused((method, "//q?a=b", fields, body), wrong)
        self.refused((method, "/x/../q?a=b", fields, body), wrong)
        self.refused((method, path, {**fields, "X-HTTP-Method-Override": "DELETE"}, body), wrong)
        self.refused((method, "/q?a=c", fields, body), wrong)
        self.refused((method, "/q?a=b&c=d", fields, body), wrong)
        self.refused(("PUT", path, fields, body), wrong)
        self.refused((method, path, {**fields, "x-amz-meta": "w"}, body), wrong)
        self.refused((method, path, {**fields, "Content-Type": "text/html"}, body), wrong)
        self.refused((method, path, {**fields, "X-Amz-Target": "unsigned"}, body), wrong)
        self.refused((method, path, {**fields, "Connection": "x-amz-meta"}, body), wrong)
        self.refused((method, path, {**fields, "Host": "sns.eu-west-1.amazonaws.com"}, body), wrong)

    def test_the_wish_for_a_dry_run_may_be_signed(self):
        got = self.send(*self.signed(headers={"X-Countersign-Dry-Run": "sign"}))
        self.assertEqual((got.status, got.get("x-countersign-error")), (403, "dry-run-refused"))   # off by default

    def test_others_and_the_unsigned_are_refused(self):
        before = self.proxy.metric("countersign_requests_total", service="sns", code="403")
        self.refused(self.signed(NOBODY), "InvalidClientTokenId")
        counted = self.proxy.metric("countersign_requests_total", service="sns", code="403")
        self.assertEqual(counted, before + 1)   # it is known where it would have gone
        self.refused(self.signed((ONE[0], TWO[1])), "SignatureDoesNotMatch")
        self.refused(("POST", "/", {"Host": SNS}, b""), "MissingAuthenticationToken")
        self.refused(self.signed(region="eu-west-1"), "SignatureDoesNotMatch")
        self.refused(self.signed(service="sqs"), "SignatureDoesNotMatch")

    def test_secrets_that_everybody_may_read_are_named(self):
        self.assertRegex(self.proxy.log(), f"{TWO[0]}: every user of this machine may read")
        self.assertNotIn(f"{ONE[0]}: every user", self.proxy.log())

    def test_age_counts(self):
        self.assertEqual(self.send(*self.signed(age=13 * 60)).status, 200)
        self.refused(self.signed(age=16 * 60), "RequestExpired")
        self.refused(self.signed(age=-16 * 60), "RequestExpired")
        self.refused(self.signed(age=16 * 60, service="s3", host=S3, method="GET", body=b""), "RequestTimeTooSkewed")

    def test_a_body_is_what_its_hash_says(self):
        method, path, fields, body = self.signed(service="s3", host=S3, method="PUT", body=b"a body")
        self.assertEqual(self.send(method, path, fields, body).status, 200)
        self.refused((method, path, fields, b"A body"), "XAmzContentSHA256Mismatch")
        # Only S3 knows bodies that nobody vouches for.
        self.refused(self.signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}), "SignatureDoesNotMatch")

    def test_strangers_do_not_use_up_a_rate(self):
        clients = [{"access_key_id": ONE[0], "secret_access_key_file": self.secrets[ONE[0]]}]
        with Proxy([to(self.upstream.port, rate_limit="2/h")], client=clients) as proxy:
            def status(keys):
                return self.send(*self.signed(keys), proxy=proxy).status

            self.assertEqual([status((ONE[0], TWO[1])) for _ in range(4)], [403] * 4)
            self.assertEqual([status(ONE) for _ in range(3)], [200, 200, 503])

    def test_a_reload_without_clients_is_not_silent(self):
        clients = [{"access_key_id": ONE[0], "secret_access_key_file": self.secrets[ONE[0]]}]
        with Proxy([to(self.upstream.port)], client=clients) as proxy:
            file = proxy.folder / "countersign.toml"
            text = file.read_text()
            file.write_text(text[:text.index("[[client]]")] + text[text.index("[[route]]"):])
            proxy.program.child.send_signal(signal.SIGHUP)
            proxy.program.until(lambda: "no [[client]] any more" in proxy.log(), 20, "warns")
            self.assertEqual(proxy.ask(f"GET / HTTP/1.1\r\nHost: {SNS}\r\n\r\n").status, 200)

    def test_a_reload_changes_secrets(self):
        file = self.secrets[TWO[0]]

        def reload(secret):
            file.write_text(secret)
            seen = self.proxy.log().count("configuration ")
            self.proxy.program.child.send_signal(signal.SIGHUP)
            self.proxy.program.until(lambda: self.proxy.log().count("configuration ") > seen, 20, "has reloaded")

        try:
            reload("another-dummy-secret\n")
            self.refused(self.signed(TWO), "SignatureDoesNotMatch")
            self.assertEqual(self.send(*self.signed((TWO[0], "another-dummy-secret"))).status, 200)
            reload("two\nlines\n")   # the configuration stays as it was
            self.assertEqual(self.send(*self.signed((TWO[0], "another-dummy-secret"))).status, 200)
        finally:
            reload(TWO[1] + "\n")
        self.assertEqual(self.send(*self.signed(TWO)).status, 200)


if __name__ == "__main__":
    unittest.main()
