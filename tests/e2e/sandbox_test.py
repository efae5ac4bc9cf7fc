#!/usr/bin/python3
"""`countersign sandbox` against clients that are not ours: botocore signs, the sandbox verifies.

Runs the program named by $COUNTERSIGN. Needs Debian's python3-boto3 (run it with /usr/bin/python3).
"""
import datetime
import hashlib
import http.client
import json
import os
import random
import select
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY = Credentials("AKIASANDBOXEXAMPLE00", "sandbox/secret/for/demos/only/not/AWS000")
REGION = "us-east-1"
PROGRAM = os.environ.get("COUNTERSIGN", "countersign")


class Sandbox:
    """The running program: started with port 0, ready when it has said so."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        command = [PROGRAM, "sandbox", "--listen", "127.0.0.1:0", "--make-certificate", self.folder.name, *options]
        self.program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.program.stdout], [], [], 20)
        line = self.program.stdout.readline() if ready else ""
        if "listening on http://" not in line:
            self.stop()
            raise RuntimeError("the sandbox did not start: " + line)
        self.authority = os.path.join(self.folder.name, "ca.pem")
        self.port = int(line.split("http://")[1].split()[0].rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.program.terminate()
        status = self.program.wait(20)
        self.output = self.program.stdout.read()
        self.program.stdout.close()
        self.folder.cleanup()
        return status

    def client(self, service, key=KEY, **settings):
        settings.setdefault("retries", {"max_attempts": 0})
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=key.access_key,
            aws_secret_access_key=key.secret_key,
            aws_session_token=key.token,
            config=botocore.config.Config(proxies={}, **settings),
        )

    def send(self, method, host, target, headers=(), body=b""):
        """The bytes as given: no client library between the signature and the wire."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders(body if body else None)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def journal(self):
        with urllib.request.urlopen(self.url + "/_sandbox/requests", timeout=20) as answer:
            return json.load(answer)


def sign(method, host, target, body=b"", headers=(), key=KEY, service="s3", region=REGION, when=None, query=False):
    """Signs with botocore; returns target and headers as they have to go onto the wire."""
    request = AWSRequest(method, "https://" + host + target, headers=dict(headers), data=body)
    if service == "s3":
        signer = (S3SigV4QueryAuth if query else S3SigV4Auth)(key, service, region)
    else:
        signer = SigV4Auth(key, service, region)
    signer_time = datetime.datetime

    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return when or signer_time.utcnow()

    import botocore.auth

    kept = botocore.auth.datetime.datetime
    botocore.auth.datetime.datetime = Frozen
    try:
        signer.add_auth(request)
    finally:
        botocore.auth.datetime.datetime = kept
    parts = urllib.parse.urlsplit(request.url)
    wire_target = target if not query else parts.path + "?" + parts.query
    return wire_target, [(n, v) for n, v in request.headers.items() if n.lower() != "host"]


class SandboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            os.environ.pop(name, None)
        cls.sandbox = Sandbox()

    @classmethod
    def tearDownClass(cls):
        status = cls.sandbox.stop()
        assert status == 0, f"SIGTERM ended the sandbox with {status}"
        assert KEY.secret_key not in cls.sandbox.output, "a secret was printed"

    S3 = "s3.us-east-1.amazonaws.com"

    def refused(self, code, call, *arguments, **named):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response

    # --- clients that know nothing of us

    def test_boto3_uses_s3(self):
        s3 = self.sandbox.client("s3")
        s3.create_bucket(Bucket="bucket")
        keys = ["plain", "with blank", "plus+", "ümlaut/日本", "a//b", "dots/../x", "%2F", "~!$&'()*,;=:@"]
        for key in keys:
            body = key.encode() * 100
            put = s3.put_object(Bucket="bucket", Key=key, Body=body, ContentType="text/x-test", Metadata={"a": "b"})
            self.assertEqual(put["ETag"], '"' + hashlib.md5(body).hexdigest() + '"')
            got = s3.get_object(Bucket="bucket", Key=key)
            self.assertEqual(got["Body"].read(), body)
            self.assertEqual((got["ContentType"], got["Metadata"]), ("text/x-test", {"a": "b"}))
            self.assertEqual(s3.head_object(Bucket="bucket", Key=key)["ContentLength"], len(body))
        self.assertEqual(s3.get_object(Bucket="bucket", Key="plain", Range="bytes=1-3")["Body"].read(), b"lai")
        self.refused("InvalidRange", s3.get_object, Bucket="bucket", Key="plain", Range="bytes=5000-")
        self.refused("304", s3.get_object, Bucket="bucket", Key="plain", IfNoneMatch=s3.head_object(
            Bucket="bucket", Key="plain")["ETag"])
        listed = [o["Key"] for o in s3.list_objects_v2(Bucket="bucket")["Contents"]]
        self.assertEqual(listed, sorted(keys, key=lambda k: k.encode()))
        for operation in ("list_objects_v2", "list_objects"):
            pages = s3.get_paginator(operation).paginate(Bucket="bucket", PaginationConfig={"PageSize": 3})
            self.assertEqual([o["Key"] for p in pages for o in p["Contents"]], listed, operation)
        folded = s3.list_objects_v2(Bucket="bucket", Delimiter="/")
        self.assertEqual([p["Prefix"] for p in folded["CommonPrefixes"]], ["a/", "dots/", "ümlaut/"])
        self.refused("BucketNotEmpty", s3.delete_bucket, Bucket="bucket")
        self.refused("NoSuchKey", s3.get_object, Bucket="bucket", Key="absent")
        self.refused("NotImplemented", s3.create_multipart_upload, Bucket="bucket", Key="absent")
        for key in keys:
            s3.delete_object(Bucket="bucket", Key=key)
        s3.delete_bucket(Bucket="bucket")
        self.refused("NoSuchBucket", s3.list_objects_v2, Bucket="bucket")

    def test_virtual_hosted_bucket_is_the_path_style_one(self):
        for host, target, body in (
            (self.S3, "/vbucket", b""),
            ("vbucket.s3.us-east-1.amazonaws.com", "/k%20ey", b"hello"),
        ):
            target, headers = sign("PUT", host, target, body)
            self.assertEqual(self.sandbox.send("PUT", host, target, headers, body)[0], 200)
        target, headers = sign("GET", self.S3, "/vbucket/k%20ey")
        self.assertEqual(self.sandbox.send("GET", self.S3, target, headers), (200, b"hello"))

    def test_sts_and_the_keys_it_hands_out(self):
        sts = self.sandbox.client("sts")
        self.assertEqual(sts.get_caller_identity()["Arn"], "arn:aws:iam::000000000000:user/sandbox")
        role = "arn:aws:iam::000000000000:role/some/reader"
        made = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
        key = Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        arn = self.sandbox.client("sts", key).get_caller_identity()["Arn"]
        self.assertEqual(arn, "arn:aws:sts::000000000000:assumed-role/reader/me")
        self.sandbox.client("s3", key).list_buckets()
        wrong = Credentials(key.access_key, key.secret_key, key.token[:-4] + "AAAA")
        self.refused("InvalidClientTokenId", self.sandbox.client("sts", wrong).get_caller_identity)
        none = Credentials(key.access_key, key.secret_key)
        self.refused("InvalidClientTokenId", self.sandbox.client("sts", none).get_caller_identity)
        self.refused("ValidationError", sts.assume_role, RoleArn="nonsense-nonsense-nonsense", RoleSessionName="me")

    def of_profile(self, config, **env):
        """What `countersign credentials` prints for the default profile: standard output and error."""
        with tempfile.TemporaryDirectory() as home:
            os.mkdir(os.path.join(home, ".aws"))
            with open(os.path.join(home, ".aws", "config"), "w") as file:
                file.write(config)
            env = {"HOME": home, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", **env}
            done = subprocess.run([PROGRAM, "credentials"], env=env, capture_output=True, text=True, timeout=40)
        return done.stdout, done.stderr

    def test_roles_of_profiles(self):
        config = (
            "[default]\nrole_arn = arn:aws:iam::000000000000:role/writer\nsource_profile = reader\n"
            "role_session_name = two\nexternal_id = a+b c\nduration_seconds = 900\n{}"
            "[profile reader]\nrole_arn = arn:aws:iam::000000000000:role/reader\nsource_profile = base\n"
            f"[profile base]\naws_access_key_id = {KEY.access_key}\naws_secret_access_key = {{}}\n"
        )
        https = f"https://localhost:{self.sandbox.port}/"
        own_roots = f"ca_bundle = {self.sandbox.authority}\nendpoint_url = {https}\n"
        for good, env in (
            (config.format(own_roots, KEY.secret_key), {}),
            (config.format("", KEY.secret_key), {"AWS_ENDPOINT_URL_STS": self.sandbox.url}),
            (config.format("ca_bundle = /no/such/file\n", KEY.secret_key),
             {"AWS_ENDPOINT_URL": https, "AWS_CA_BUNDLE": self.sandbox.authority}),
        ):
            output, errors = self.of_profile(good, **env)
            self.assertEqual(errors, "")
            made = json.loads(output)
            self.assertEqual(made["AccountId"], "000000000000")
            key = Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
            arn = self.sandbox.client("sts", key).get_caller_identity()["Arn"]
            self.assertEqual(arn, "arn:aws:sts::000000000000:assumed-role/writer/two")
        for bad, env, reason in (
            (config.format(own_roots, "wrong"), {}, "SignatureDoesNotMatch"),
            (config.format(own_roots, KEY.secret_key), {"AWS_CA_BUNDLE": "/no/such/file"}, "trusted certificates"),
            (config.format(f"endpoint_url = {https}\n", KEY.secret_key), {}, "TLS"),
        ):
            output, errors = self.of_profile(bad, **env)
            self.assertEqual(output, "")
            self.assertIn(reason, errors)
            self.assertNotIn(KEY.secret_key, errors)
            self.assertEqual(errors.count("\n"), 1)

    def test_dynamodb(self):
        dynamodb = self.sandbox.client("dynamodb")
        dynamodb.create_table(
            TableName="pets",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.assertEqual(dynamodb.list_tables()["TableNames"], ["pets"])
        dynamodb.put_item(TableName="pets", Item={"id": {"S": "ü"}, "name": {"S": "Rex"}})
        got = dynamodb.get_item(TableName="pets", Key={"id": {"S": "ü"}})
        self.assertEqual(got["Item"]["name"], {"S": "Rex"})
        self.refused("ResourceNotFoundException", dynamodb.get_item, TableName="none", Key={"id": {"S": "1"}})

    def test_any_other_service_says_what_it_verified(self):
        host = "kms.eu-west-1.amazonaws.com"
        target, headers = sign("POST", host, "/a%20b?x=1", b"{}", service="kms", region="eu-west-1")
        status, text = self.sandbox.send("POST", host, target, headers, b"{}")
        self.assertEqual(status, 200)
        expected = {"verified": True, "service": "kms", "region": "eu-west-1", "access_key_id": KEY.access_key}
        self.assertEqual({k: json.loads(text)[k] for k in expected}, expected)

    # --- right and wrong signatures

    def test_random_signatures_of_botocore_are_right_and_tampered_ones_are_not(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        for number in range(300):
            service, host = chance.choice([("s3", self.S3), ("kms", "kms.us-east-1.amazonaws.com")])
            path = "/" + "/".join(self.random_text(chance) for _ in range(chance.randrange(4)))
            pairs = [(self.random_text(chance), self.random_text(chance)) for _ in range(chance.randrange(4))]
            query = "&".join("x" + n + "=" + v for n, v in pairs)
            target = path + ("?" + query if query else "")
            body = chance.randbytes(chance.randrange(200))
            method = "POST" if body else "DELETE"
            extra = {"X-Amz-Meta-A": " two  blanks "} if chance.randrange(2) else {}
            wire, headers = sign(method, host, target, body, extra, service=service)
            with self.subTest(seed=seed, number=number, target=target, service=service):
                self.sandbox.send(method, host, wire, headers, body)
                self.assertEqual(self.sandbox.journal()[-1]["verdict"], "verified")
                what, tampered = self.tamper(chance, method, host, wire, headers, body)
                status, text = self.sandbox.send(*tampered)
                self.assertGreaterEqual(status, 400, what)
                self.assertNotEqual(self.sandbox.journal()[-1]["verdict"], "verified", what)

    @staticmethod
    def random_text(chance):
        """Percent-encoded once, with nothing left that clients spell in two ways."""
        letters = "abzAZ09-._~ üß日/+%&=?#:@!$'()*,;"
        text = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 8)))
        return urllib.parse.quote(text, safe="-._~")

    @staticmethod
    def tamper(chance, method, host, target, headers, body):
        what = chance.choice(["method", "path", "query", "body", "signature", "date", "header"])
        change = lambda name, edit: [(n, edit(v) if n.lower() == name else v) for n, v in headers]
        if what == "method":
            return what, ("PATCH", host, target, headers, body)
        if what == "path":
            path, mark, query = target.partition("?")
            return what, (method, host, path + "x" + mark + query, headers, body)
        if what == "query":
            return what, (method, host, target + ("&" if "?" in target else "?") + "added=1", headers, body)
        if what == "body":
            return what, ("POST", host, target, headers, body + b"x")
        if what == "date":
            edit = lambda v: v[:-3] + ("00Z" if v[-3:] != "00Z" else "01Z")
            return what, (method, host, target, change("x-amz-date", edit), body)
        if what == "header":
            return what, (method, host, target, headers + [("X-Amz-Added", "1")], body)
        edit = lambda v: v[:-1] + ("0" if v[-1] != "0" else "1")
        return what, (method, host, target, change("authorization", edit), body)

    def test_each_kind_of_wrong_request_has_its_own_error(self):
        now = datetime.datetime.utcnow()
        cases = {
            "SignatureDoesNotMatch": dict(key=Credentials(KEY.access_key, "wrong")),
            "InvalidAccessKeyId": dict(key=Credentials("AKIAUNKNOWN000000000", "wrong")),
            "RequestTimeTooSkewed": dict(when=now - datetime.timedelta(minutes=20)),
            "AuthorizationHeaderMalformed": dict(region="eu-west-1"),
        }
        for code, how in cases.items():
            with self.subTest(code):
                target, headers = sign("GET", self.S3, "/", **how)
                status, text = self.sandbox.send("GET", self.S3, target, headers)
                self.assertIn(f"<Code>{code}</Code>".encode(), text)
                self.assertIn(status, (400, 403))
        self.assertIn(b"<Code>AccessDenied</Code>", self.sandbox.send("GET", self.S3, "/")[1])

    def test_wrong_signature_is_explained_as_botocore_sees_it(self):
        request = AWSRequest("GET", f"https://{self.S3}/a%20b?y=2&x=1")
        signer = S3SigV4Auth(Credentials(KEY.access_key, "wrong"), "s3", REGION)
        signer.add_auth(request)
        headers = [(n, v) for n, v in request.headers.items() if n.lower() != "host"]
        status, text = self.sandbox.send("GET", self.S3, "/a%20b?y=2&x=1", headers)
        del request.headers["Authorization"]
        self.assertEqual(status, 403)
        self.assertIn(f"<CanonicalRequest>{signer.canonical_request(request)}</CanonicalRequest>",
                      text.decode().replace("&amp;", "&"))

    def test_presigned_urls(self):
        for name, secret, age, expected in (
            ("right", KEY.secret_key, 0, 200),
            ("wrong secret", "wrong", 0, 403),
            ("expired", KEY.secret_key, 3700, 403),
        ):
            with self.subTest(name):
                when = datetime.datetime.utcnow() - datetime.timedelta(seconds=age)
                key = Credentials(KEY.access_key, secret)
                target, headers = sign("GET", self.S3, "/", key=key, when=when, query=True)
                self.assertEqual(self.sandbox.send("GET", self.S3, target)[0], expected)

    # --- TLS

    def test_tls_shows_a_right_certificate_for_each_aws_host_and_no_other(self):
        context = ssl.create_default_context(cafile=self.sandbox.authority)
        for host in ("s3.us-east-1.amazonaws.com", "b.c.s3.eu-west-3.amazonaws.com", "localhost"):
            with socket.create_connection(("127.0.0.1", self.sandbox.port), 20) as plain:
                with context.wrap_socket(plain, server_hostname=host) as tls:
                    self.assertIn(("DNS", host), tls.getpeercert()["subjectAltName"])
                    tls.sendall(f"GET /_sandbox/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                    self.assertIn(b"200 OK", tls.recv(100))
        with socket.create_connection(("127.0.0.1", self.sandbox.port), 20) as plain:
            with self.assertRaises(ssl.SSLCertVerificationError):
                context.wrap_socket(plain, server_hostname="example.com")

    def test_no_private_key_is_written(self):
        self.assertEqual(os.listdir(self.sandbox.folder.name), ["ca.pem"])
        with open(self.sandbox.authority) as file:
            self.assertNotIn("PRIVATE", file.read())

    # --- faults

    def test_boto3_retries_a_throttled_request(self):
        s3 = self.sandbox.client("s3", retries={"max_attempts": 3, "mode": "standard"})
        s3.meta.events.register("before-sign.s3.ListBuckets", lambda request, **_: request.params.update(
            {"x-fault": "throttle:1"}))
        before = len(self.sandbox.journal())
        s3.list_buckets()
        seen = [(e["status"], e["fault"]) for e in self.sandbox.journal() if e["fault"] == "throttle:1" or e["path"] == "/"]
        self.assertIn((503, "throttle:1"), seen)
        self.assertEqual(seen[-1][0], 200)

    def test_connection_faults(self):
        for fault, error in (
            ("close:1", (http.client.RemoteDisconnected,)),
            ("reset:1", (ConnectionResetError,)),
            ("truncate", (http.client.IncompleteRead,)),
        ):
            with self.subTest(fault):
                target, headers = sign("GET", self.S3, "/?x-fault=" + urllib.parse.quote(fault))
                with self.assertRaises(error):
                    self.sandbox.send("GET", self.S3, target, headers)

    def test_throttling_in_each_protocol(self):
        for host, service, status, code in (
            (self.S3, "s3", 503, b"SlowDown"),
            ("sts.us-east-1.amazonaws.com", "sts", 400, b"Throttling"),
            ("kms.us-east-1.amazonaws.com", "kms", 400, b"ThrottlingException"),
        ):
            with self.subTest(service):
                got = []
                for _ in range(3):
                    target, headers = sign("GET", host, "/?x-fault=throttle%3A2", service=service)
                    got.append(self.sandbox.send("GET", host, target, headers))
                self.assertEqual([s for s, _ in got][:2], [status, status])
                self.assertIn(code, got[0][1])
                self.assertNotIn(code, got[2][1])

    # --- the wire

    def test_limits(self):
        status, _ = self.sandbox.send("GET", "localhost", "/_sandbox/", [("X-Long", "x" * 70000)])
        self.assertEqual(status, 431)
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox.port, timeout=20)
        connection.putrequest("PUT", "/b/k")
        connection.putheader("Content-Length", str(17 * 1024 * 1024))
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()

    def test_nobody_needs_to_read_what_it_prints(self):
        sandbox = Sandbox()
        try:
            for _ in range(40):  # far more than a pipe holds
                sandbox.send("GET", self.S3, "/" + "x" * 3900)
        finally:
            self.assertEqual(sandbox.stop(), 0)
        self.assertIn("missing_signature", sandbox.output)

    def test_rubbish_is_no_request(self):
        with socket.create_connection(("127.0.0.1", self.sandbox.port), 20) as plain:
            plain.sendall(b"what is this\r\n\r\n")
            self.assertIn(b" 400 ", plain.recv(100))

    def test_expect_continue_and_chunked_bodies(self):
        target, headers = sign("PUT", self.S3, "/expected")
        self.sandbox.send("PUT", self.S3, target, headers)
        target, headers = sign("PUT", self.S3, "/expected/key", b"hello")
        head = f"PUT {target} HTTP/1.1\r\nHost: {self.S3}\r\n"
        head += "".join(f"{n}: {v}\r\n" for n, v in headers)
        head += "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.sandbox.port), 20) as plain:
            plain.sendall(head.encode())
            self.assertEqual(plain.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            plain.sendall(b"5\r\nhello\r\n0\r\n\r\n")
            self.assertTrue(plain.recv(100).startswith(b"HTTP/1.1 200 "))


class LifetimeTest(unittest.TestCase):
    def test_metadata_keys_are_accepted_until_they_expire(self):
        sandbox = Sandbox("--credential-lifetime", "1")
        try:
            with urllib.request.urlopen(sandbox.url + "/container/credentials", timeout=20) as answer:
                made = json.load(answer)
            key = Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["Token"])
            expires = datetime.datetime.strptime(made["Expiration"], "%Y-%m-%dT%H:%M:%SZ")
            verdicts = []
            while not verdicts or verdicts[-1] == "verified":
                self.assertLess(datetime.datetime.utcnow(), expires + datetime.timedelta(seconds=5))
                target, headers = sign("GET", SandboxTest.S3, "/", key=key)
                sandbox.send("GET", SandboxTest.S3, target, headers)
                verdicts.append(sandbox.journal()[-1]["verdict"])
            self.assertEqual(verdicts[-1], "expired_token")
            self.assertGreaterEqual(datetime.datetime.utcnow(), expires)
        finally:
            sandbox.stop()
        self.assertNotIn(made["SecretAccessKey"], sandbox.output)
        self.assertNotIn(made["Token"], sandbox.output)

    def test_wrong_usage_is_told_in_one_line(self):
        for options in (["--listen", "nonsense"], ["--listen", "example.com:1"], ["--tls-key", "x"]):
            done = subprocess.run([PROGRAM, "sandbox", *options], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 2, options)
            self.assertRegex(done.stderr, r"\Acountersign( sandbox)?: [^\n]+\n\Z")


if __name__ == "__main__":
    unittest.main()
