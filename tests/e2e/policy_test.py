"""Routes by path and method, policy by action, rate limits and dry runs, with the real binary before a server that
counts what reaches it."""

import concurrent.futures
import json
import re
import subprocess
import time
import unittest

import signatures
from cli_test import parse
from processes import temporary_folder
from proxy import BINARY, SECRET_ACCESS_KEY, SESSION_TOKEN, Proxy, clean_environment, command, \
    static_keys, to
from wire import Upstream, answer

DYNAMODB, SQS, IAM = "dynamodb.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com", "iam.amazonaws.com"
S3 = "s3.us-east-1.amazonaws.com"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
CBOR = "Smithy-Protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n"


def request(line, host, fields="", body=""):
    length = f"Content-Length: {len(body)}\r\n" if body or line.startswith("P") else ""
    return f"{line} HTTP/1.1\r\nHost: {host}\r\n{fields}{length}\r\n{body}"


def dynamodb(operation, fields="", line="POST /"):
    return request(line, DYNAMODB, f"X-Amz-Target: DynamoDB_20120810.{operation}\r\n{fields}", "{}")


class Policy(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)

    def proxy(self, text="", routes=None, **more):
        """`text`: the rest of [policy], as TOML."""
        proxy = Proxy(routes if routes is not None else [to(self.upstream.port)], ready=False, **more)
        file = proxy.folder / "countersign.toml"
        file.write_text(file.read_text() + "[policy]\n" + text + "\n")
        self.addCleanup(proxy.program.kill)
        reloaded = proxy.log().count("configuration read again")
        proxy.program.child.send_signal(1)
        proxy.program.until(lambda: proxy.log().count("configuration read again") > reloaded, 20, "has read it")
        proxy.program.until(proxy.is_ready, 20, "is ready")
        return proxy

    def refused(self, proxy, raw, code="policy-denied", status=403):
        before = self.upstream.connections, len(self.upstream.requests), self.upstream.bytes
        got = proxy.ask(raw)
        self.assertEqual((got.status, got.get("x-countersign-error")), (status, code), raw)
        self.assertEqual((self.upstream.connections, len(self.upstream.requests), self.upstream.bytes), before)
        return got

    def passed(self, proxy, raw):
        got = proxy.ask(raw)
        self.assertEqual(got.status, 200, (raw, got.head, got.body))
        return self.upstream.requests[-1]

    def test_denied_actions_in_every_protocol(self):
        proxy = self.proxy('deny = [\n  {action = "dynamodb:Delete*"},\n  {action = "sqs:deletequeue"},\n'
                           '  {action = "iam:Create*"}]')
        got = self.refused(proxy, dynamodb("DeleteTable"))
        self.assertEqual(json.loads(got.body)["__type"], "AccessDeniedException")
        self.assertIn("dynamodb:DeleteTable", got.body.decode())
        got = self.refused(proxy, request("POST /", IAM, FORM, "Action=CreateUser&UserName=x"))
        self.assertIn(b"<Code>AccessDenied</Code>", got.body)
        self.refused(proxy, request("GET /?Action=CreateUser&Version=2010-05-08", IAM))
        self.refused(proxy, request("POST /", SQS, "X-Amz-Target: AmazonSQS.DeleteQueue\r\n", "{}"))
        self.refused(proxy, request("POST /service/DynamoDB_20120810/operation/DeleteTable", DYNAMODB, CBOR, "\xa0"))
        self.assertIsNone(signatures.complaint(self.passed(proxy, dynamodb("GetItem")), "dynamodb", "us-east-1"))
        self.passed(proxy, request("POST /", SQS, FORM, "Action=SendMessage&MessageBody=x&QueueUrl=y"))
        self.passed(proxy, request("POST /service/DynamoDB_20120810/operation/GetItem", DYNAMODB, CBOR, "\xa0"))
        self.passed(proxy, request("GET /bucket/key?Action=CreateUser", S3))
        # The log names the entry by its line, and the access log the refusal.
        line = next(n for n, text in enumerate((proxy.folder / "countersign.toml").read_text().splitlines(), 1)
                    if "dynamodb:Delete*" in text)
        self.assertRegex(proxy.log(), rf"POST {re.escape(DYNAMODB)}: policy.deny, line {line}, refuses POST "
                                      r"dynamodb:DeleteTable\. \(.*countersign\.toml\)")
        proxy.program.until(lambda: "refusal=policy-denied route=*.amazonaws.com" in proxy.log(), 10, "has logged it")
        proxy.stop()

    def test_ways_round_a_denied_action(self):
        proxy = self.proxy('deny = [{action = "iam:CreateUser"}, {action = "sqs:DeleteQueue"}, '
                           '{action = "dynamodb:DeleteTable"}]')
        for query in ("%41ction=CreateUser", "Action=Create%55ser", "action=CreateUser", "Action=createuser",
                      "Action=ListUsers&Action=CreateUser", "Action=CreateUser&Action=ListUsers", "Action=CreateUser%00",
                      "Action=%20CreateUser", "Action+=CreateUser", "Action%00=CreateUser", "Action=CreateUser;x=1",
                      "x=1;Action=CreateUser", "Action[]=CreateUser", "Version=1", "",
                      "X-Amz-Signature=1&Action=ListUsers&%61ction=CreateUser"):
            with self.subTest(query):
                self.refused(proxy, request(f"GET /?{query}", IAM))
                self.refused(proxy, request("POST /", IAM, FORM, query))
        for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x",
                     "application/x-www-form-urlencoded; charset=utf-16", "APPLICATION/X-WWW-FORM-URLENCODED"):
            with self.subTest(kind):
                self.refused(proxy, request("POST /?Action=ListUsers", IAM, f"Content-Type: {kind}\r\n",
                                            "Action=CreateUser"))
        self.refused(proxy, request("POST /", IAM, FORM + "Content-Encoding: gzip\r\n", "Action=ListUsers"))
        self.refused(proxy, request("POST /", IAM, FORM + "Content-Type: text/plain\r\n", "Action=ListUsers"))
        chunked = f"POST / HTTP/1.1\r\nHost: {IAM}\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n"
        self.refused(proxy, chunked + "8\r\nAction=C\r\n9\r\nreateUser\r\n0\r\n\r\n")
        # The field that would be believed is one that ends here.
        self.refused(proxy, request("POST /", SQS, "Connection: x-amz-target\r\nX-Amz-Target: AmazonSQS.GetQueueUrl\r\n",
                                    "Action=DeleteQueue&QueueUrl=x"))
        for raw in (dynamodb("DeleteTable", "X-Amz-Target: DynamoDB_20120810.GetItem\r\n"),
                    dynamodb("GetItem", "X-Amz-Target: DynamoDB_20120810.DeleteTable\r\n"),
                    dynamodb("GetItem,DynamoDB_20120810.DeleteTable"), dynamodb("deletetable"),
                    dynamodb("GetItem", line="POST /?Action=DeleteTable"), dynamodb("GetItem", line="GET /"),
                    dynamodb("GetItem", CBOR, "POST /service/D/operation/DeleteTable"),
                    dynamodb("GetItem", CBOR), dynamodb("GetItem", line="POST /service/D/operation/DeleteTable"),
                    dynamodb("GetItem", line="POST //"), dynamodb(""),
                    request("POST /", DYNAMODB, "", "{}"),
                    request("POST /service/D/operation/x/../DeleteTable", DYNAMODB, CBOR)):
            with self.subTest(raw):
                self.refused(proxy, raw)
        self.assertEqual(self.upstream.connections, 0)
        proxy.stop()

    def test_allow_fails_closed_and_binds_routes(self):
        proxy = self.proxy('allow = [{service = "dynamodb", action = "dynamodb:Get*", region = "us-*"}, '
                           '{service = "s3", method = ["GET", "HEAD"]}]')
        self.passed(proxy, dynamodb("GetItem"))
        self.passed(proxy, request("GET /b/k", S3))
        self.refused(proxy, dynamodb("PutItem"))
        self.refused(proxy, request("POST /", DYNAMODB, "", "{}"))
        self.refused(proxy, dynamodb("GetItem").replace("us-east-1", "eu-west-1"))
        self.refused(proxy, request("PUT /b/k", S3, "", "x"))
        self.refused(proxy, request("GET /b/k", S3, "X-HTTP-Method-Override: DELETE\r\n"))
        self.refused(proxy, request("GET /?Action=GetCallerIdentity", "sts.us-east-1.amazonaws.com"))
        proxy.stop()

    def test_a_list_of_hosts_leaves_routes_alone_and_deny_does_not(self):
        proxy = self.proxy('allow = ["nothing.example"]\ndeny = [{service = "sqs"}]')
        self.passed(proxy, request("GET /b/k", S3))
        self.refused(proxy, request("GET /?Action=ListQueues", SQS))
        proxy.stop()

    def test_routes_by_path_and_method(self):
        second = Upstream(lambda request, connection: answer(body=b"second"))
        self.addCleanup(second.close)
        host = "api.example"
        scope = {"service": "execute-api", "region": "us-east-1"}
        routes = [to(second.port, host="*", path="/v2/", method=["GET", "PUT"], name="second", **scope),
                  to(self.upstream.port, host="*", sign="none")]
        with Proxy(routes) as proxy:
            with proxy.client() as client:      # one connection, either destination
                for _ in range(2):
                    self.assertEqual(client.ask(request("GET /v2/x", host)).body, b"second")
                    self.assertEqual(client.ask(request("GET /v2", host)).body, b"ok")
                    self.assertEqual(client.ask(request("POST /v2/x", host)).body, b"ok")
                    self.assertEqual(client.ask(request("GET /%76%32/x", host)).body, b"second")
                for path in ("/v1/../v2/x", "/v2/../v1", "/v2/%2e%2e/v1", "//v2/x", "/v2%2Fx", "/v2\\x", "/x/..;/v2/y"):
                    got = client.ask(request(f"GET {path}", host))
                    self.assertEqual((got.status, got.get("x-countersign-error")), (400, "ambiguous-path"), path)
                    if got.get("connection") == "close":
                        break
            self.assertEqual({r.target for r in second.requests}, {"/v2/x", "/%76%32/x"})
            self.assertIsNone(signatures.complaint(second.requests[0], "execute-api", "us-east-1"))
            self.assertIsNone(self.upstream.requests[0].get("authorization"))
            self.assertEqual((second.connections, self.upstream.connections), (1, 1))
            proxy.program.until(lambda: "route=second" in proxy.log() and "route=*\n" in proxy.log(), 10, "has logged")

    def test_headers_of_a_route(self):
        with Proxy([to(self.upstream.port)], ready=False) as proxy:
            file = proxy.folder / "countersign.toml"
            file.write_text(file.read_text() + 'add_headers = {"X-Tenant" = "a", "X-Amz-Meta-Team" = "b c"}\n'
                                               'remove_headers = ["X-Debug"]\n')
            proxy.program.child.send_signal(1)
            proxy.program.until(lambda: "configuration read again" in proxy.log(), 20, "has read it")
            proxy.ask(request("PUT /b/k", S3, "x-debug: 1\r\nX-TENANT: mine\r\nx-amz-meta-team: mine\r\n", "hi"))
        came = self.upstream.requests[-1]
        self.assertEqual((came.all("x-debug"), came.all("x-tenant"), came.all("x-amz-meta-team")), ([], ["a"], ["b c"]))
        self.assertIsNone(signatures.complaint(came, "s3", "us-east-1"))

    def test_rate_limit_is_one_for_all_workers(self):
        with Proxy([to(self.upstream.port, rate_limit="40/h")], listen={"workers": 4}) as proxy:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                got = list(pool.map(lambda _: proxy.ask(dynamodb("GetItem")), range(80)))
        limited = [g for g in got if g.status != 200]
        self.assertEqual(len(limited), 40)
        self.assertEqual(len(self.upstream.requests), 40)
        for g in limited:
            self.assertEqual((g.status, g.get("x-countersign-error")), (503, "rate-limited"))
            self.assertEqual(json.loads(g.body)["__type"], "ThrottlingException")
            self.assertTrue(0 < int(g.get("retry-after")) <= 90)

    def test_rate_limit_makes_requests_wait(self):
        with Proxy([to(self.upstream.port, rate_limit="10/s")], listen={"workers": 2}) as proxy:
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(15) as pool:
                got = list(pool.map(lambda _: proxy.ask(dynamodb("GetItem")).status, range(30)))
            took = time.monotonic() - began
        self.assertEqual(got, [200] * 30)
        self.assertGreater(took, 1.9)      # ten at once, then ten a second
        with Proxy([to(self.upstream.port, rate_limit="2/s", rate_limit_wait="0s")]) as proxy:
            got = [proxy.ask(dynamodb("GetItem")).status for _ in range(3)]
        self.assertEqual(got, [200, 200, 503])

    def test_dry_run(self):
        asks = "X-Countersign-Dry-Run: sign\r\n"
        proxy = self.proxy("dry_run = true", env=static_keys(token=True))
        got = proxy.ask(request("PUT /b/k%20k", S3, asks, "hello"))
        self.assertEqual((got.status, got.get("content-type"), got.get("cache-control")), (200, "message/http", "no-store"))
        self.assertEqual(self.upstream.connections, 0)
        shown = parse(got.body)
        self.assertIsNone(signatures.complaint(shown, "s3", "us-east-1", token=SESSION_TOKEN))
        self.assertEqual((shown.start, shown.body), ("PUT /b/k%20k HTTP/1.1", b"hello"))
        self.assertEqual(shown.all("x-countersign-dry-run"), [])
        self.assertNotIn(SECRET_ACCESS_KEY.encode(), got.body)
        self.refused(proxy, request("GET /b", S3, asks + "Origin: https://evil.example\r\n"), "browser-request")
        for value in ("send", "SIGN", "", "sign, sign"):
            self.refused(proxy, request("GET /b", S3, f"X-Countersign-Dry-Run: {value}\r\n"), "bad-dry-run", 400)
        proxy.stop()           # looks for live signatures in the log
        with Proxy([to(self.upstream.port)]) as proxy:
            self.refused(proxy, request("GET /b", S3, asks), "dry-run-refused")
            self.refused(proxy, request("GET /b", S3, "X-Countersign-Dry-Run: off\r\n"), "dry-run-refused")


class Commands(unittest.TestCase):
    def test_config_show(self):
        folder = temporary_folder("show")
        file = folder / "c.toml"
        file.write_text('[retry]\nmax_attempts = 5\n[policy]\ndeny = [{action = "iam:Create*"}]\n'
                        '[[route]]\nhost = "*"\npath = "/v1"\nservice = "s3"\n')

        def show(*args):
            done = subprocess.run([BINARY, "config", "show", *args], capture_output=True, timeout=30, text=True,
                                  env=clean_environment(folder, AWS_CA_BUNDLE="/ca.pem"))
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        text = show("--config", str(file), "--listen", "127.0.0.1:9999", "--log-level", "warn")
        for line in (f"max_attempts = 5  # {file}:2", 'address = ["127.0.0.1:9999"]  # --listen',
                     'level = "warn"  # --log-level', 'ca_file = "/ca.pem"  # AWS_CA_BUNDLE', "workers = 0  # default",
                     f'deny = [{{action = "iam:create*"}}]  # {file}:4', f'path = "/v1"  # {file}:7'):
            self.assertIn("\n" + line + "\n", text)
        again = folder / "again.toml"
        again.write_text(text)
        bare = re.compile("  # .*")
        self.assertEqual(bare.sub("", show("--config", str(again))).splitlines()[1:], bare.sub("", text).splitlines()[1:])
        self.assertEqual(command("config", "show", "--config", folder / "none.toml").returncode, 1)
        self.assertEqual(command("config", "show", "--secret-access-key", "x").returncode, 2)

    def test_scope_explains(self):
        folder = temporary_folder("scope")
        file = folder / "c.toml"
        file.write_text('[[route]]\nname = "old"\nhost = "*.amazonaws.com"\npath = "/v1"\nmethod = "GET"\nservice = "es"\n')
        host = "sqs.eu-west-1.amazonaws.com"
        done = command("scope", host, "example.com")
        lines = [json.loads(x) for x in done.stdout.splitlines()]
        self.assertEqual(lines[0], {"host": host, "service": "sqs", "region": "eu-west-1", "partition": "aws"})
        self.assertEqual(set(lines[1]), {"host", "error"})
        done = command("scope", "--explain", host)
        explained, = [json.loads(x) for x in done.stdout.splitlines()]
        self.assertIn("regional", explained["rule"])
        done = command("scope", "--explain", "--config", file, stdin=f"{host}\n".encode())
        first, second = [json.loads(x) for x in done.stdout.splitlines()]
        self.assertEqual((first["service"], first["region"], first["route"], first["path"], first["method"], first["rule"]),
                         ("es", "eu-west-1", "old", "/v1", ["GET"], f"route, {file}:1"))
        self.assertEqual(second["service"], "sqs")
        self.assertEqual(command("scope", "--config", file).returncode, 2)

    def test_scope_explains_policy_sets_and_shared_hosts(self):
        file = temporary_folder("scope") / "c.toml"
        file.write_text('[policy]\ndeny = [{service = "sqs"}]\n'
                        '[identity.audit]\nprofile = "audit"\n'
                        '[[route]]\nhost = "s3.*.amazonaws.com"\nregion = ["eu-west-1", "us-*"]\nidentity = "audit"\n'
                        '[[route]]\nhost = "sns.*.amazonaws.com"\nsign = "none"\n')

        def told(host):
            return [json.loads(x) for x in command("scope", "--explain", "--config", file, host).stdout.splitlines()]

        refused, = told("sqs.eu-west-1.amazonaws.com")
        self.assertIn("policy.deny, line 2, refuses", refused["error"])
        self.assertNotIn("service", refused)
        several, = told("s3.eu-west-1.amazonaws.com")
        self.assertEqual((several["region"], several["algorithm"]), ("eu-west-1,us-*", "AWS4-ECDSA-P256-SHA256"))
        self.assertEqual(several["identity"], "audit")
        untouched, = told("sns.eu-west-1.amazonaws.com")
        self.assertEqual((untouched["sign"], untouched.get("service")), ("none", None))
        newer, older = told("maps.geo.eu-west-1.amazonaws.com")
        self.assertEqual((newer["service"], newer["path"]), ("geo-maps", "/v2/"))
        self.assertEqual((older["service"], older.get("path")), ("geo", None))


if __name__ == "__main__":
    unittest.main()
