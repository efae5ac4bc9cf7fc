"""curl through the proxy to servers that verify: Ceph's S3 (HTTP and HTTPS) and DynamoDB behind aws4-express."""

import functools
import html
import json
import subprocess
import unittest
import urllib.parse

import fixtures
from processes import find_program, temporary_folder
from proxy import Proxy, clean_environment, to

S3 = "http://s3.us-east-1.amazonaws.com"
KEYS = ["plain", "a b", "ü/日本", "a+b", "percent%2Fslash", "double//slash", "trailing/", "dots/../and/./dots",
        "!$&'()*,;=:@", "~tilde", "100%", "quo\"te<>", "brackets[]{}|\\^`", "very/" + "long" * 60]


class Curl:
    """curl with the proxy set; status, headers and body of the answer."""

    def __init__(self, proxy, how="http_proxy"):
        self.proxy, self.how = proxy, how
        self.folder = temporary_folder("curl")

    def __call__(self, *args, stdin=None):
        env = clean_environment(self.folder)
        if self.how == "http_proxy":
            env["http_proxy"] = self.proxy.url
        else:      # origin-form: curl believes that the proxy is the server
            args = ("--connect-to", f"::127.0.0.1:{self.proxy.port}", *args)
        done = subprocess.run([find_program("curl"), "-sS", "-i", "--path-as-is", "--max-time", "60", *map(str, args)],
                              input=stdin, capture_output=True, env=env, cwd=self.folder)
        if done.returncode:
            raise AssertionError(f"curl {args}: {done.returncode} {done.stderr.decode()}")
        rest = done.stdout
        while True:
            head, _, rest = rest.partition(b"\r\n\r\n")
            status = int(head.split()[1])
            if status >= 200:
                return status, head.decode("latin-1").lower(), rest


def quoted(key):
    return urllib.parse.quote(key, safe="/")


class S3Tests:
    """Against radosgw; how and scheme are the subclasses'."""

    how, scheme = "http_proxy", "http"
    bucket = "curl-http"

    @classmethod
    def setUpClass(cls):
        ceph = fixtures.radosgw()
        port = ceph.https_port if cls.scheme == "https" else ceph.http_port
        cls.proxy = Proxy([to(port, cls.scheme)], env=fixtures.S3_KEYS,
                          upstream={"ca_file": fixtures.authority().certificate})
        cls.curl = Curl(cls.proxy, cls.how)
        cls.base = f"{S3}/{cls.bucket}"
        status, _, body = cls.curl("-X", "PUT", cls.base)
        assert status == 200, body

    @classmethod
    def tearDownClass(cls):
        cls.proxy.stop()

    def test_keys_of_every_kind(self):
        curl = self.curl
        for key in KEYS:
            with self.subTest(key):
                url, body = f"{self.base}/{quoted(key)}", f"body of {key}".encode()
                self.assertEqual(curl("-X", "PUT", "--data-binary", "@-", "-H", "x-amz-meta-k:  two  blanks ", url,
                                      stdin=body)[0], 200)
                status, head, got = curl(url)
                self.assertEqual((status, got), (200, body))
                self.assertIn("x-amz-meta-k:", head)
                status, head, _ = curl("-I", url)
                self.assertEqual(status, 200)
                self.assertIn(f"content-length: {len(body)}", head)
        listed = self.list_keys()
        self.assertEqual(listed & set(KEYS), set(KEYS))
        for key in KEYS:
            self.assertEqual(curl("-X", "DELETE", f"{self.base}/{quoted(key)}")[0], 204)
        self.assertEqual(curl(f"{self.base}/{quoted(KEYS[0])}")[0], 404)

    def list_keys(self):
        status, _, body = self.curl(f"{self.base}?list-type=2&encoding-type=url&max-keys=1000&prefix=")
        self.assertEqual(status, 200, body)
        return {urllib.parse.unquote_plus(html.unescape(p.split("</Key>")[0])) for p in body.decode().split("<Key>")[1:]}

    def test_other_spellings_of_one_key(self):
        self.assertEqual(self.curl("-X", "PUT", "-d", "x", f"{self.base}/s/a%2Bb%7e(c)")[0], 200)
        for spelling in ("a+b~(c)", "a%2bb~%28c%29", "%61+b%7E(c%29"):
            self.assertEqual(self.curl(f"{self.base}/s/{spelling}")[0], 200, spelling)

    def test_queries(self):
        self.assertEqual(self.curl("-X", "PUT", "-d", "x", f"{self.base}/q/a%20b")[0], 200)
        for query in ("list-type=2&prefix=q/a+b", "list-type=2&prefix=q%2fa%20b", "prefix=q/a%20b&list-type=2&",
                      "list-type=2&&prefix=q/a%20b&delimiter=", "list-type=2&prefix=q/a%20b&max-keys=10"):
            status, _, body = self.curl(f"{self.base}?{query}")
            self.assertEqual((status, b"<Key>q/a b</Key>" in body), (200, True), (query, body))
        for query in ("acl", "acl=", "location", "versioning", "uploads"):
            self.assertEqual(self.curl(f"{self.base}?{query}")[0], 200, query)

    def test_virtual_hosted_buckets(self):
        url = f"http://{self.bucket}.s3.us-east-1.amazonaws.com/virtual%20key"
        self.assertEqual(self.curl("-X", "PUT", "-d", "by host", url)[0], 200)
        self.assertEqual(self.curl(url)[2], b"by host")
        self.assertEqual(self.curl(f"{self.base}/virtual%20key")[2], b"by host")

    def test_uploads_of_every_kind(self):
        body = bytes(n % 253 for n in range(700_000))
        url = f"{self.base}/upload"
        for how in (["-T", "-", "-H", "Transfer-Encoding: chunked"], ["-X", "PUT", "--data-binary", "@-"],
                    ["-X", "PUT", "--data-binary", "@-", "-H", "Expect: 100-continue"],
                    ["-X", "PUT", "--data-binary", "@-", "-H", "Expect:"]):
            self.assertEqual(self.curl(*how, url, stdin=body)[0], 200, how)
            self.assertEqual(self.curl(url)[2] == body, True, how)
        self.assertEqual(self.curl("-r", "10-19", url)[2], body[10:20])
        etag = next(line for line in self.curl("-I", url)[1].splitlines() if line.startswith("etag: "))[6:]
        status, _, left = self.curl("-H", f"If-None-Match: {etag}", url)
        self.assertEqual((status, left), (304, b""))
        self.assertEqual(self.curl("--http1.0", url)[2] == body, True)
        self.assertEqual(self.curl("-X", "PUT", "-H", "x-amz-copy-source: /" + f"{self.bucket}/upload", url + "2")[0], 200)

    def test_an_old_signature_is_replaced(self):
        status, _, body = self.curl("-H", "Authorization: AWS4-HMAC-SHA256 Credential=X/20200101/us-east-1/s3/"
                                    "aws4_request, SignedHeaders=host, Signature=00", "-H", "x-amz-security-token: old",
                                    "-H", "X-Amz-Date: 20200101T000000Z", self.base)
        self.assertEqual(status, 200, body)
        status, _, body = self.curl(f"{self.base}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=X%2F20200101%2Fx"
                                    "&X-Amz-Date=20200101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
                                    f"&X-Amz-Signature={'0' * 64}&list-type=2")
        self.assertEqual(status, 200, body)


class S3OverHttp(S3Tests, unittest.TestCase):
    pass


class S3OverHttps(S3Tests, unittest.TestCase):
    scheme, bucket = "https", "curl-https"


class S3InOriginForm(S3Tests, unittest.TestCase):
    how, scheme, bucket = "origin", "https", "curl-origin"


class TheJudgesJudge(unittest.TestCase):
    """A server that accepts anything would prove nothing."""

    def test_radosgw_refuses_a_wrong_secret(self):
        keys = {**fixtures.S3_KEYS, "AWS_SECRET_ACCESS_KEY": "wrong"}
        with Proxy([to(fixtures.radosgw().http_port)], env=keys) as proxy:
            self.assertEqual(Curl(proxy)(S3 + "/")[0], 403)

    def test_radosgw_refuses_the_unsigned(self):
        with Proxy([{**to(fixtures.radosgw().http_port), "sign": "none"}], env=fixtures.S3_KEYS) as proxy:
            self.assertEqual(Curl(proxy)("-X", "PUT", S3 + "/nobodys-bucket")[0], 403)

    def test_dynamodb_refuses_a_wrong_secret_region_and_token(self):
        good = fixtures.DYNAMODB_KEYS
        for keys, route in (({**good, "AWS_SECRET_ACCESS_KEY": "wrong"}, {}), (good, {"region": "eu-west-1"}),
                            (good, {"service": "s3"}), ({**good, "AWS_SESSION_TOKEN": "superfluous"}, {}),
                            ({**fixtures.DYNAMODB_TEMPORARY, "AWS_SESSION_TOKEN": "wrong"}, {})):
            with Proxy([to(fixtures.dynamodb(), **route)], env=keys) as proxy:
                status, _, body = dynamodb(proxy, "ListTables", {})
                self.assertEqual(status, 403, (keys.keys(), route, body))


def dynamodb(proxy, operation, request, how="http_proxy"):
    status, head, body = Curl(proxy, how)(
        "-X", "POST", "-H", f"X-Amz-Target: DynamoDB_20120810.{operation}", "-H",
        "Content-Type: application/x-amz-json-1.0", "--data-binary", "@-", "http://dynamodb.us-east-1.amazonaws.com/",
        stdin=json.dumps(request).encode())
    return status, head, json.loads(body)


class DynamoDb(unittest.TestCase):
    def exercise(self, keys, table, how):
        with Proxy([to(fixtures.dynamodb())], env=keys) as proxy:
            ask = functools.partial(dynamodb, proxy, how=how)
            status, _, body = ask("CreateTable", {
                "TableName": table, "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]})
            self.assertEqual(status, 200, body)
            item = {"k": {"S": "ü \"key\""}, "v": {"S": "v" * 10000}}
            self.assertEqual(ask("PutItem", {"TableName": table, "Item": item})[0], 200)
            status, head, body = ask("GetItem", {"TableName": table, "Key": {"k": item["k"]}})
            self.assertEqual((status, body["Item"]), (200, item))
            self.assertIn("x-amz-crc32", head)
            self.assertEqual(ask("GetItem", {"TableName": "no-such-table", "Key": {"k": item["k"]}})[0], 400)

    def test_long_lived_keys(self):
        self.exercise(fixtures.DYNAMODB_KEYS, "table-one", "http_proxy")

    def test_a_session_token(self):
        self.exercise(fixtures.DYNAMODB_TEMPORARY, "table-two", "origin")

    def test_paths_and_queries_of_other_services(self):
        """The standard rules: normalised, encoded twice; as aws4-express reads them."""
        with Proxy([to(fixtures.dynamodb())], env=fixtures.DYNAMODB_KEYS) as proxy:
            curl = Curl(proxy)
            for path in ("/", "/a%20b", "/a/../b", "/a//b", "/%C3%BC/x", "/a+b", "/a%2Fb", "/a,b:c@d", "/prod/x?a=1&a=2",
                         "/x?b=2&a=1", "/x?a=b%20c", "/x?a=b+c", "/x?k", "/x?k=", "/x?a=%2F%3D&A=1", "/x/"):
                status, _, body = curl(f"http://api123.execute-api.us-east-1.amazonaws.com{path}")
                self.assertEqual(status, 200, (path, body))
                self.assertTrue(json.loads(body)["verified"])


if __name__ == "__main__":
    unittest.main()
