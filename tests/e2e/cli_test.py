"""The command line: exit statuses, outputs that other programs read, and the scope of every service that botocore
knows."""

import json
import socket
import subprocess
import unittest

import signatures
from processes import run, temporary_folder
from proxy import ACCESS_KEY_ID, BINARY, ROOT, SECRET_ACCESS_KEY, SESSION_TOKEN, command, static_keys
from wire import Reader


class CommandLine(unittest.TestCase):
    def fails(self, status, *args, **more):
        done = command(*args, **more)
        self.assertEqual((done.returncode, done.stdout), (status, b""), done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith(b"countersign"), done.stderr)
        return done.stderr.decode()

    def test_help_and_version(self):
        for args in (["--help"], ["serve", "--help"], ["sandbox", "--help"], ["--version"]):
            done = command(*args)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertTrue(done.stdout)

    def test_wrong_usage(self):
        for args in ([], ["no-such-command"], ["serve", "--no-such-flag"], ["sign"], ["credentials", "--output", "xml"],
                     ["serve", "--secret-access-key", SECRET_ACCESS_KEY]):
            self.assertNotIn(SECRET_ACCESS_KEY, self.fails(2, *args))

    def test_a_configuration_that_is_wrong_stops_the_start(self):
        folder = temporary_folder("config")
        for number, (text, words) in enumerate((
                ("[listen]\nadress = \"127.0.0.1:1\"\n", ":2: .*address"),
                ("[listen]\naddress = 5\n", ":2: "),
                ("[lisen]\n", ":1: .*listen"),
                ("[credentials]\nsecret_access_key = \"x\"\n", ":2: "),
                ("[upstream]\nca_file = \"/no/such/file\"\n", "/no/such/file"),
                ("no toml", ":1"))):
            file = folder / f"{number}.toml"
            file.write_text(text)
            self.assertRegex(self.fails(1, "serve", "--config", file), words)
            if "ca_file" not in text:
                self.assertRegex(self.fails(1, "config", "check", file), words)
        self.assertRegex(self.fails(1, "serve", "--config", folder / "none.toml"), "none.toml")

    def test_the_example_configuration_is_right(self):
        done = command("config", "check", ROOT / "deploy/countersign.toml")
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_credentials(self):
        done = command("credentials", "--output", "json", env=static_keys(token=True))
        self.assertEqual(done.returncode, 0, done.stderr)
        got = json.loads(done.stdout)
        self.assertEqual((got["Version"], got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]),
                         (1, ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN))
        self.assertTrue(got["Provider"])
        done = command("credentials", "--output", "explain", env=static_keys(token=True))
        self.assertEqual(done.returncode, 0)
        for secret in (SECRET_ACCESS_KEY, SESSION_TOKEN):
            self.assertNotIn(secret.encode(), done.stdout + done.stderr)
        self.assertIn("no", command("credentials", env={}).stderr.decode().lower())
        self.assertEqual(command("credentials", env={}).returncode, 1)

    def test_scope(self):
        done = command("scope", stdin=("s3.eu-west-1.amazonaws.com\nSQS.us-east-1.amazonaws.com.\nexample.com\n"
                                       "b\u00fccher.s3.amazonaws.com\n").encode())
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(x.get("service"), x.get("region")) for x in lines],
                         [("s3", "eu-west-1"), ("sqs", "us-east-1"), (None, None), (None, None)])
        self.assertIn("not an AWS host", lines[2]["error"])
        self.assertIn("xn--", lines[3]["error"])

    def test_scopes_of_every_service_as_botocore_knows_them(self):
        run(["/usr/bin/python3", "-B", ROOT / "tests/signer/scope_botocore_test.py", BINARY], seconds=300)

    def test_sign(self):
        request = (b"POST /a%20b/../c?x=1&x=0 HTTP/1.1\r\nHost: lambda.us-east-1.amazonaws.com\r\nX-Amz-Meta: a  b\r\n"
                   b"Content-Length: 5\r\n\r\nhello")
        done = command("sign", "--service", "lambda", "--region", "us-east-1", stdin=request,
                       env=static_keys(token=True))
        self.assertEqual(done.returncode, 0, done.stderr)
        message = parse(done.stdout)
        self.assertIsNone(signatures.complaint(message, "lambda", "us-east-1", token=SESSION_TOKEN))
        done = command("sign", "--service", "lambda", "--region", "us-east-1", "--output", "json", stdin=request)
        told = json.loads(done.stdout)
        self.assertEqual(set(told), {"canonical_request", "string_to_sign", "signature", "signed_headers",
                                     "credential_scope", "request"})
        self.assertIn(told["signature"], told["request"])
        self.fails(1, "sign", "--service", "s3", "--region", "us-east-1", stdin=b"nonsense")

    def test_presign_and_inspect(self):
        url = "https://bucket.s3.eu-west-1.amazonaws.com/a%20b?versionId=1"
        done = command("presign", "--expires", "600", url, env=static_keys(token=True))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout.decode(), r"^https://bucket\.s3\.eu-west-1\.amazonaws\.com/a%20b\?versionId=1&X-Amz-Alg"
                         r"\S+&X-Amz-Expires=600&\S+&X-Amz-Signature=[0-9a-f]{64}\n$")
        seen = command("inspect", "--output", "json", stdin=done.stdout)
        told = json.loads(seen.stdout)
        self.assertEqual((told["access_key_id"], told["scope"]["service"], told["scope"]["region"], told["expires"],
                          told["session_token"]), (ACCESS_KEY_ID, "s3", "eu-west-1", 600, True))
        for secret in (SECRET_ACCESS_KEY, SESSION_TOKEN):
            self.assertNotIn(secret.encode(), seen.stdout + seen.stderr)
        expired = command("inspect", "--time", "20380101T000000Z", done.stdout.decode().strip())
        self.assertEqual((expired.returncode, expired.stderr), (1, b""))
        self.assertIn(b"expired", expired.stdout)
        self.fails(2, "presign", "https://example.com/", env=static_keys())
        self.fails(2, "inspect", "--canonical-request", "-")
        self.fails(1, "inspect", "--canonical-request", "/no/such/file", "--server-answer", "-", stdin=b"")

    def test_why_a_server_says_no(self):
        request = b"GET /a%20b HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\n\r\n"
        ours = command("sign", "--service", "sqs", "--region", "us-east-1", "--output", "json", stdin=request,
                       env=static_keys()).stdout
        canonical = json.loads(ours)["canonical_request"]
        file = temporary_folder("mismatch") / "answer.json"
        file.write_text(json.dumps({"message": "The Canonical String for this request should have been\n'"
                                    + canonical.replace("/a%2520b", "/a%20b") + "'\n\n"}))
        done = command("inspect", "--canonical-request", "-", "--server-answer", file, stdin=ours)
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn(b"differs         path\nours            /a%2520b\nthe server's    /a%20b\nat column       5\n", done.stdout)


def parse(raw):
    class Bytes:
        def recv(self, _):
            nonlocal raw
            piece, raw = raw, b""
            return piece
    reader = Reader(Bytes())
    message = reader.head()
    message.body = reader.framed_body(message) or b""
    return message


class Sandbox(unittest.TestCase):
    def test_a_port_that_is_taken(self):

        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = subprocess.run([BINARY, "sandbox", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"],
                                  capture_output=True, timeout=30)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"in use", done.stderr)


if __name__ == "__main__":
    unittest.main()
