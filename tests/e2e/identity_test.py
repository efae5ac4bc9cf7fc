"""Several identities in one process: which keys sign is the route's choice, and one without keys stops nobody else."""

import json
import re
import signal
import unittest

import signatures
from processes import temporary_folder
from proxy import ACCESS_KEY_ID, Proxy, configuration, static_keys, to
from sandbox_test import KEY, Sandbox
from wire import Upstream

AUDIT = ("AKIAAUDITEXAMPLE0001", "audit/secret/of/the/end-to-end/tests/123")
HOSTS = {name: f"{name}.us-east-1.amazonaws.com" for name in ("sqs", "sns", "dynamodb", "s3")}


def get(host):
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"


class Identities(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.folder = temporary_folder("identities")
        self.files = self.folder / "credentials"
        self.files.write_text(f"[audit]\naws_access_key_id = {AUDIT[0]}\naws_secret_access_key = {AUDIT[1]}\n")

    def environment(self, **more):
        return {**static_keys(), "AWS_SHARED_CREDENTIALS_FILE": str(self.files), **more}

    def route(self, host, **more):
        return to(self.upstream.port, host=host, **more)

    def test_the_route_chooses_the_keys(self):
        routes = [self.route(HOSTS["sqs"], identity="audit"), self.route(HOSTS["sns"], identity="default"),
                  self.route("*.amazonaws.com")]
        with Proxy(routes, self.environment(), **{"identity.audit": {"profile": "audit"}}) as proxy:
            for service, (key, secret) in {"sqs": AUDIT, "sns": (ACCESS_KEY_ID, None), "dynamodb": (ACCESS_KEY_ID, None)}.items():
                for _ in range(3):
                    self.assertEqual(proxy.ask(get(HOSTS[service])).status, 200)
                    self.assertIsNone(signatures.complaint(self.upstream.requests[-1], service, "us-east-1", key, secret))
            for words in (r"host=sqs\S+ .* identity=audit ", r"host=sns\S+ .* identity=default "):
                proxy.program.until(lambda w=words: re.search(w, proxy.log()), 20, words)   # the log is written by the tick
            text = proxy.admin("/metrics").text
            for name, provider in (("default", "environment"), ("audit", "profile")):
                self.assertRegex(text, rf'countersign_credentials_expiry_seconds{{identity="{name}",provider="{provider}"}} ')

    def test_an_identity_without_keys_stops_nobody_else(self):
        routes = [self.route(HOSTS["sqs"], identity="audit"), self.route("*.amazonaws.com")]
        self.files.write_text("[other]\nregion = us-east-1\n")
        with Proxy(routes, self.environment(), ready=False, **{"identity.audit": {"profile": "audit"}}) as proxy:
            self.assertEqual(proxy.ask(get(HOSTS["sns"])).status, 200)
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "sns", "us-east-1"))
            before = len(self.upstream.requests)
            got = proxy.ask(get(HOSTS["sqs"]))
            self.assertEqual((got.status, got.get("x-countersign-error")), (503, "no-credentials"))
            self.assertIn("identity audit", got.body.decode())
            self.assertEqual(len(self.upstream.requests), before)
            ready = proxy.admin("/readyz")
            self.assertEqual(ready.status, 503)
            self.assertIn("identity audit: ", json.loads(ready.text)["last_error"])
            # Its keys come later: noticed without a restart.
            self.files.write_text(f"[audit]\naws_access_key_id = {AUDIT[0]}\naws_secret_access_key = {AUDIT[1]}\n")
            proxy.program.child.send_signal(signal.SIGHUP)
            proxy.program.until(proxy.is_ready, 20, "is ready")
            self.assertEqual(proxy.ask(get(HOSTS["sqs"])).status, 200)
            self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "sqs", "us-east-1", *AUDIT))

    def test_what_is_left_out_of_the_files_is_logged_once(self):
        files = self.files.parent / "config-with-a-name-in-blanks"
        files.write_text("[profile My Mac]\nregion = x\n[profile audit]\nnonsense\n")
        with Proxy((), self.environment(AWS_CONFIG_FILE=str(files)),
                   **{"identity.a": {"profile": "other"}, "identity.b": {"profile": "other"}}) as proxy:
            proxy.program.child.send_signal(signal.SIGHUP)    # every identity reads them again
            proxy.program.until_says("configuration read again")
            for line in (f"credentials: {files}:1: section [profile My Mac] is left out",
                         f"credentials: {files}:4: expected `name = value`"):
                proxy.program.until_says(line)
                self.assertEqual(proxy.log().count(line), 1, line)

    def test_a_role_is_assumed_with_the_keys_of_the_chain(self):
        sandbox = Sandbox()
        self.addCleanup(sandbox.stop)
        role = {"role_arn": "arn:aws:iam::123456789012:role/audit", "role_session_name": "me", "external_id": "x"}
        keys = {"AWS_ACCESS_KEY_ID": KEY.access_key, "AWS_SECRET_ACCESS_KEY": KEY.secret_key,
                "AWS_ENDPOINT_URL_STS": sandbox.url}
        routes = [{**to(sandbox.port, host="sts.us-east-1.amazonaws.com"), "identity": "role"},
                  to(sandbox.port, host="sts.eu-west-1.amazonaws.com")]
        with Proxy(routes, keys, **{"identity.role": role}) as proxy:
            ask = "GET /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1\r\nHost: {}\r\n\r\n"
            got = proxy.ask(ask.format("sts.us-east-1.amazonaws.com"))
            self.assertEqual(got.status, 200, got.body)
            self.assertIn("assumed-role/audit/me", got.body.decode())
            got = proxy.ask(ask.format("sts.eu-west-1.amazonaws.com"))
            self.assertEqual(got.status, 200, got.body)
            self.assertIn("user/sandbox", got.body.decode())
            self.assertIn('identity="role",provider="assumed_role"', proxy.admin("/metrics").text)

    def test_identities_come_and_go_with_a_reload(self):
        other = ("AKIAOTHEREXAMPLE0001", "other/secret/of/the/end-to-end/tests/123")
        with self.files.open("a") as files:
            files.write(f"[other]\naws_access_key_id = {other[0]}\naws_secret_access_key = {other[1]}\n")
        routes = [self.route(HOSTS["sqs"], identity="audit"), self.route("*.amazonaws.com")]
        with Proxy(routes, self.environment(), listen={"drain_timeout": "100ms"},
                   **{"identity.audit": {"profile": "audit"}}) as proxy:
            file = proxy.folder / "countersign.toml"
            old = file.read_text()

            def reload(text, words):
                file.write_text(text)
                seen = proxy.log().count(words)
                proxy.program.child.send_signal(signal.SIGHUP)
                proxy.program.until(lambda: proxy.log().count(words) > seen, 20, f"says {words!r}")

            def signed_by(key, secret=None):
                self.assertEqual(proxy.ask(get(HOSTS["sqs"])).status, 200)
                self.assertIsNone(signatures.complaint(self.upstream.requests[-1], "sqs", "us-east-1", key, secret))

            reload(old.replace('identity = "audit"', 'identity = "new"'), "the configuration stays as it was")
            self.assertIn("there is no [identity.new]", proxy.log())
            signed_by(*AUDIT)
            new = configuration({"identity.new": {"profile": "other"}}, []) + old
            reload(new.replace('identity = "audit"', 'identity = "new"'), "configuration read again")
            signed_by(*other)
            reload(old, "configuration read again")
            signed_by(*AUDIT)
            # The same name for another profile.
            reload(old.replace('profile = "audit"', 'profile = "other"'), "configuration read again")
            signed_by(*other)
            proxy.program.until(lambda: proxy.admin("/metrics").text.count('{identity="audit"') == 1, 20, "the old one is gone")
            reload(old.replace('identity = "audit"', 'identity = "default"'), "configuration read again")
            signed_by(ACCESS_KEY_ID)
            proxy.program.until(proxy.is_ready, 20, "is ready")


if __name__ == "__main__":
    unittest.main()
