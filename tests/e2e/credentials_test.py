"""countersign credentials: the same keys that botocore takes from the same machine, every source explained, no secret
in what is not meant for it."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest

from lifecycle_test import keys as container_keys
from sandbox_test import KEY, REGION, Sandbox
from session_test import identity_token
from botocore.credentials import Credentials as Keys
from processes import PATIENCE, temporary_folder
from proxy import BINARY, Proxy, clean_environment
from wire import Upstream, answer

ROLE = "arn:aws:iam::000000000000:role/"

# What botocore makes of the machine. Its 1.29 does not know AWS_ENDPOINT_URL_STS, so that is put in here.
BOTOCORE = """
import json, os, sys
import botocore.session
session = botocore.session.Session(profile=sys.argv[1] or None)
create = session.create_client
def create_client(*args, **more):
    return create(*args, **{**more, "endpoint_url": os.environ["AWS_ENDPOINT_URL_STS"], "region_name": "us-east-1"})
session.create_client = create_client
keys = session.get_credentials()
frozen = keys.get_frozen_credentials() if keys else None
print(json.dumps(frozen and [frozen.access_key, frozen.secret_key, frozen.token or None]))
"""


def pair(name):
    """Keys of a profile that say whose they are."""
    return f"aws_access_key_id = AKIA{name.upper():0<16}\naws_secret_access_key = secret/of/{name}+\n"


SANDBOX_KEYS = f"aws_access_key_id = {KEY.access_key}\naws_secret_access_key = {KEY.secret_key}\n"

# why, config file, credentials file, environment, --profile
MACHINES = (
    ("keys of the credentials file", "", f"[default]\n{pair('one')}", {}, None),
    ("keys of the config file", f"[default]\n{pair('one')}", "", {}, None),
    ("the credentials file is stronger", f"[default]\nregion = x\n{pair('one')}", f"[default]\n{pair('two')}", {},
     None),
    ("a token beside them", "", f"[default]\n{pair('one')}aws_session_token = to=ken==\n", {}, None),
    ("a profile of its own in each file", f"[profile a]\n{pair('one')}", f"[b]\n{pair('two')}", {}, "a"),
    ("the same from the other file", f"[profile a]\n{pair('one')}", f"[b]\n{pair('two')}", {}, "b"),
    ("AWS_PROFILE", "", f"[default]\n{pair('one')}[a]\n{pair('two')}", {"AWS_PROFILE": "a"}, None),
    ("keys in the environment beat AWS_PROFILE", "", f"[a]\n{pair('two')}",
     {"AWS_PROFILE": "a", "AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env/secret"}, None),
    ("--profile beats keys in the environment", "", f"[a]\n{pair('two')}",
     {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env/secret"}, "a"),
    ("[profile default]", f"[profile default]\n{pair('two')}", "", {}, None),
    ("comments, blanks, capitals and line ends of Windows", "",
     "; a\r\n\r\n[default]\r\nAWS_Access_Key_ID=AKIAWINDOWS\r\n# b\r\naws_secret_access_key   =   a=b/c \r\n", {},
     None),
    ("nested settings before the keys", f"[default]\ns3 =\n  aws_access_key_id = no\n  max = 1\n{pair('one')}", "", {},
     None),
    ("a role", f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\nrole_session_name = me\n",
     f"[base]\n{SANDBOX_KEYS}", {}, None),
    ("a chain of roles", f"[default]\nrole_arn = {ROLE}a\nsource_profile = mid\nrole_session_name = me\n[profile mid]\n"
     f"role_arn = {ROLE}b\nsource_profile = base\nexternal_id = x y\nduration_seconds = 900\n",
     f"[base]\n{SANDBOX_KEYS}", {}, None),
    ("a role with keys beside it", f"[profile a]\nrole_arn = {ROLE}a\nsource_profile = a\nrole_session_name = me\n",
     f"[a]\n{SANDBOX_KEYS}", {}, "a"),
    ("a role by the environment's keys",
     f"[profile a]\nrole_arn = {ROLE}e\ncredential_source = Environment\nrole_session_name = me\n", "",
     {"AWS_ACCESS_KEY_ID": KEY.access_key, "AWS_SECRET_ACCESS_KEY": KEY.secret_key}, "a"),
    ("a role by a web identity",
     f"[default]\nrole_arn = {ROLE}w\nweb_identity_token_file = TOKEN\nrole_session_name = me\n", "", {}, None),
    ("a web identity in the environment", "", "",
     {"AWS_ROLE_ARN": ROLE + "w", "AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN", "AWS_ROLE_SESSION_NAME": "me"}, None),
    ("a role by that of a web identity", f"[default]\nrole_arn = {ROLE}a\nsource_profile = web\n"
     f"role_session_name = me\n[profile web]\nrole_arn = {ROLE}w\nweb_identity_token_file = TOKEN\n", "", {}, None),
    ("credential_process", "[default]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"AKIAPRINTED\","
     "\"SecretAccessKey\":\"a b\"}'\n".replace("a b", "a/b"), "", {}, None),
    ("credential_process, of which token and end are said to be none", "[default]\ncredential_process = printf '"
     "{\"Version\":1,\"AccessKeyId\":\"AKIAPRINTED\",\"SecretAccessKey\":\"a/b\",\"SessionToken\":null,"
     "\"Expiration\":null,\"AccountId\":null}'\n", "", {}, None),
    ("an empty token in the file", "", f"[default]\n{pair('one')}aws_session_token =\n", {}, None),
    ("an empty token in the environment", "", "",
     {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env/secret", "AWS_SESSION_TOKEN": ""}, None),
    ("a role by a credential_process", f"[default]\nrole_arn = {ROLE}p\nsource_profile = p\nrole_session_name = me\n"
     "[profile p]\ncredential_process = cat KEYS\n", "", {}, None),
    ("no keys anywhere", "[default]\nregion = eu-west-1\n", "", {}, None),
)


class Machine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.stop)

    def setUp(self):
        self.home = temporary_folder("machine")
        self.addCleanup(shutil.rmtree, self.home)
        self.token = identity_token()
        (self.home / "token").write_text(self.token)
        (self.home / "keys.json").write_text(json.dumps(
            {"Version": 1, "AccessKeyId": KEY.access_key, "SecretAccessKey": KEY.secret_key}))

    def here(self, text):
        return text.replace("TOKEN", str(self.home / "token")).replace("KEYS", str(self.home / "keys.json"))

    def build(self, config, credentials_file, env):
        """Writes the files; the environment."""
        folder = self.home / ".aws"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in (("config", config), ("credentials", credentials_file)):
            if text:
                (folder / name).write_text(self.here(text), newline="")
        return clean_environment(self.home, **{"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL_STS": self.sandbox.url,
                                               **{k: self.here(v) for k, v in env.items()}})

    def run_it(self, argv, env):
        return subprocess.run([str(a) for a in argv], env=env, cwd=self.home, capture_output=True, timeout=60)

    def ours(self, env, *args):
        return self.run_it([BINARY, "credentials", *args], env)


class SameAsOthers(Machine):
    def who(self, keys):
        """Keys of the sandbox's STS differ each time, whose they are does not."""
        if not keys or not keys[2] or not keys[2].startswith("Sandbox/"):
            return keys
        return self.sandbox.client("sts", Keys(*keys)).get_caller_identity()["Arn"]

    def test_botocore_finds_the_same(self):
        for why, config, credentials_file, variables, profile in MACHINES:
            with self.subTest(why):
                env = self.build(config, credentials_file, variables)
                theirs = self.run_it(["/usr/bin/python3", "-c", BOTOCORE, profile or ""], env)
                self.assertEqual(theirs.returncode, 0, theirs.stderr)
                done = self.ours(env, *(["--profile", profile] if profile else []))
                expected = json.loads(theirs.stdout)
                self.assertEqual(done.returncode, 0 if expected else 1, done.stderr)
                got = json.loads(done.stdout) if done.stdout else None
                found = got and [got["AccessKeyId"], got["SecretAccessKey"], got.get("SessionToken")]
                self.assertEqual(self.who(found), self.who(expected))

    def test_awscli_exports_the_same(self):
        for why in ("the credentials file is stronger", "AWS_PROFILE", "--profile beats keys in the environment",
                    "a token beside them", "credential_process"):
            _, config, credentials_file, variables, profile = next(m for m in MACHINES if m[0] == why)
            with self.subTest(why):
                env = self.build(config, credentials_file, variables)
                flags = ["--profile", profile] if profile else []
                exported = self.run_it(["/usr/bin/aws", "configure", "export-credentials", *flags], env)
                self.assertEqual(exported.returncode, 0, exported.stderr)
                ours = json.loads(self.ours(env, *flags).stdout)
                self.assertTrue(ours.pop("Provider"))
                self.assertEqual(ours, json.loads(exported.stdout))

    def test_awscli_takes_the_same_of_two_profiles(self):
        """Unlike boto3, which asks AWS_DEFAULT_PROFILE first."""
        env = self.build("", f"[a]\n{pair('one')}[b]\n{pair('two')}", {"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"})
        exported = self.run_it(["/usr/bin/aws", "configure", "export-credentials"], env)
        self.assertEqual(exported.returncode, 0, exported.stderr)
        wanted = json.loads(exported.stdout)["AccessKeyId"]
        self.assertEqual(json.loads(self.ours(env).stdout)["AccessKeyId"], wanted)
        said = b"AWS_DEFAULT_PROFILE = b does not count beside AWS_PROFILE"
        self.assertIn(said, self.ours(env, "--output", "explain").stdout)
        env["AWS_DEFAULT_PROFILE"] = "a"
        self.assertNotIn(b"does not count", self.ours(env, "--output", "explain").stdout)


class Process(Machine):
    def test_a_helper_that_it_leaves_behind_is_not_waited_for_and_lives_on(self):
        command = self.home / "tool"
        command.write_text("#!/bin/sh\nsleep 300 & echo $! > helper\ncat keys.json\n")
        command.chmod(0o755)
        env = self.build(f"[default]\ncredential_process = {command}\n", "", {})
        began = time.monotonic()
        done = self.ours(env)
        helper = int((self.home / "helper").read_text())
        self.addCleanup(os.kill, helper, signal.SIGKILL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["AccessKeyId"], KEY.access_key)
        self.assertLess(time.monotonic() - began, 10 * PATIENCE)
        os.kill(helper, 0)


class Login(Machine):
    def test_a_session_that_outlives_the_clock_keeps_its_end(self):
        """A published case of the SDKs' login providers."""
        end = "3025-09-14T04:05:45Z"
        session = "arn:aws:sts::012345678910:assumed-role/Admin/admin"
        env = self.build(f"[profile signin]\nlogin_session = {session}\n", "", {"AWS_PROFILE": "signin"})
        cache = self.home / ".aws/login/cache"
        cache.mkdir(parents=True)
        (cache / (hashlib.sha256(session.encode()).hexdigest() + ".json")).write_text(json.dumps({
            "accessToken": {"accessKeyId": "AKIALOGIN", "secretAccessKey": "s", "sessionToken": "t",
                            "accountId": "012345678901", "expiresAt": end},
            "clientId": "c", "refreshToken": "r", "dpopKey": "k"}))
        got = json.loads(self.ours(env).stdout)
        self.assertEqual((got["AccessKeyId"], got["Expiration"], got["AccountId"]), ("AKIALOGIN", end, "012345678901"))
        self.assertIn(end.encode(), self.ours(env, "--output", "explain").stdout)


class Metadata(Machine):
    def test_a_token_request_that_nobody_answers_names_the_hop_limit(self):
        never = threading.Event()
        endpoint = Upstream(lambda *_: never.wait(30) and None)
        self.addCleanup(endpoint.close)
        self.addCleanup(never.set)
        env = self.build("", "", {"AWS_EC2_METADATA_DISABLED": "false",
                                  "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{endpoint.port}"})
        for output in ("json", "explain"):
            done = self.ours(env, "--output", output)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"HttpPutResponseHopLimit", done.stdout + done.stderr)
        env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:9"
        self.assertNotIn(b"HttpPutResponseHopLimit", self.ours(env).stderr)


class Throttled(Machine):
    """Each endpoint's first answer to each question is one that passes: the load goes on, and waits as it is told."""

    def sources(self, url):
        cache = json.dumps({"accessToken": "a-token", "expiresAt": "2036-01-01T00:00:00Z"})
        name = hashlib.sha1(b"http://start").hexdigest()
        (self.home / ".aws/sso/cache").mkdir(parents=True, exist_ok=True)
        (self.home / f".aws/sso/cache/{name}.json").write_text(cache)
        return {
            "container": ("", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/container"}),
            "imds": ("", {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}),
            "sts": ("", {"AWS_ROLE_ARN": ROLE + "w", "AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN",
                         "AWS_ENDPOINT_URL_STS": url}),
            "sso": ("[default]\nsso_start_url = http://start\nsso_region = us-east-1\nsso_account_id = 1\n"
                    "sso_role_name = r\n", {"AWS_ENDPOINT_URL_SSO": url}),
        }

    def reply(self, request):
        path = request.target.partition("?")[0]
        if path == "/container" or path.endswith("/role"):
            return container_keys(3000)
        if path == "/federation/credentials":
            return answer(body=json.dumps({"roleCredentials": {
                "accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t",
                "expiration": 2082758400000}}).encode())
        if request.method == "POST":
            fields = "".join(f"<{n}>{v}</{n}>" for n, v in (
                ("AccessKeyId", "ASIASTS"), ("SecretAccessKey", "s"), ("SessionToken", "t"),
                ("Expiration", "2036-01-01T00:00:00Z")))
            action = "AssumeRoleWithWebIdentity"
            return answer(body=f"<{action}Response><{action}Result><Credentials>{fields}</Credentials></{action}Result>"
                               f"</{action}Response>".encode())
        return answer(body=b"role" if path.endswith("/") else b"a-metadata-token")

    def test_what_passes_is_repeated(self):
        for status in ("429 x", "503 x"):
            asked = {}

            def respond(request, connection, status=status, asked=asked):
                asked.setdefault((request.method, request.target), []).append(time.monotonic())
                first = len(asked[request.method, request.target]) == 1
                return answer(status, headers=[("Retry-After", "1")]) if first else self.reply(request)

            endpoint = Upstream(respond)
            self.addCleanup(endpoint.close)
            for name in ("container", "imds", "sts", "sso"):
                with self.subTest(name, status=status):
                    asked.clear()
                    env = self.build("", "", {})
                    config, variables = self.sources(f"http://127.0.0.1:{endpoint.port}")[name]
                    (self.home / ".aws/config").write_text(config)
                    env.update({k: self.here(v) for k, v in variables.items()})
                    done = self.ours(env)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertTrue(asked)
                    for times in asked.values():
                        self.assertEqual(len(times), 2)
                        self.assertGreater(times[1] - times[0], 0.9)


class Secrets(Machine):
    """Every source: json holds its keys, and nothing else any secret of it; nor does an error."""

    def sources(self):
        endpoint = Upstream(lambda *_: container_keys(3000))
        self.addCleanup(endpoint.close)
        metadata = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.sandbox.url}
        base = f"[base]\n{SANDBOX_KEYS}"
        return {
            "environment": ("", "", {"AWS_ACCESS_KEY_ID": KEY.access_key, "AWS_SECRET_ACCESS_KEY": KEY.secret_key,
                                     "AWS_SESSION_TOKEN": "env-session-token-of-tests"}),
            "profile": ("", f"[default]\n{SANDBOX_KEYS}aws_session_token = file-session-token-of-tests\n", {}),
            "profile, role": (f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n", base, {}),
            "profile, process": ("[default]\ncredential_process = cat KEYS # argument-secret-of-tests\n", "", {}),
            "profile, web identity": (f"[default]\nrole_arn = {ROLE}w\nweb_identity_token_file = TOKEN\n", "", {}),
            "web_identity": ("", "", {"AWS_ROLE_ARN": ROLE + "w", "AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN"}),
            "container": ("", "", {"AWS_CONTAINER_CREDENTIALS_FULL_URI":
                                   f"http://127.0.0.1:{endpoint.port}/path-secret-of-tests?query-secret-of-tests",
                                   "AWS_CONTAINER_AUTHORIZATION_TOKEN": "authorization-token-of-tests"}),
            "imds": ("", "", metadata),
        }

    SECRETS = {KEY.secret_key, "env-session-token-of-tests", "file-session-token-of-tests", "argument-secret-of-tests",
               "path-secret-of-tests", "query-secret-of-tests", "authorization-token-of-tests",
               "a-container-token-of-the-tests", "container/secret/of/the/tests/00000000"}

    def check(self, text, *more):
        for secret in {*self.SECRETS, self.token, self.token.split(".")[1], *more}:
            self.assertNotIn(secret.encode(), text)

    def test_every_source_is_used_and_explained_without_a_secret(self):
        for name, (config, credentials_file, variables) in self.sources().items():
            with self.subTest(name):
                env = self.build(config, credentials_file, variables)
                done = self.ours(env)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                got = json.loads(done.stdout)
                self.assertEqual((got["Version"], got["Provider"]), (1, name.split(",")[0]))
                told = self.ours(env, "--output", "explain")
                self.assertEqual((told.returncode, told.stderr), (0, b""))
                self.assertRegex(told.stdout.decode(), rf"(?m)^\d  {got['Provider']} +used ")
                self.check(told.stdout, got["SecretAccessKey"], *filter(None, [got.get("SessionToken")]))

    def test_no_secret_stands_in_the_log_of_the_proxy(self):
        for name, (config, credentials_file, variables) in self.sources().items():
            with self.subTest(name):
                env = self.build(config, credentials_file, variables)
                with Proxy(env=env, log={"level": "debug"}) as proxy:
                    proxy.program.child.send_signal(signal.SIGHUP)    # it reads and asks again
                    proxy.program.until_says("configuration read again")
                    self.check((proxy.log() + proxy.admin("/metrics").text).encode())

    def test_no_secret_stands_in_an_error(self):
        dead = {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"}
        for name, (config, credentials_file, variables) in self.sources().items():
            for what, change in (("dead", lambda v: dead),
                                 ("cut", lambda v: {k: t + "\x01" for k, t in v.items() if "TOKEN" in k or "URI" in k
                                                    or "SECRET" in k})):
                with self.subTest(name, change=what):
                    (self.home / "keys.json").write_text(f"{KEY.secret_key} is no JSON")
                    env = self.build(config, credentials_file.replace("of-tests", "of-tests \x01"), variables)
                    env.update({k: self.here(v) for k, v in change(variables).items()})
                    for output in ("json", "explain"):
                        done = self.ours(env, "--output", output)
                        if output == "json" and done.returncode == 0:
                            continue        # what was broken is not needed by this source
                        self.check(done.stdout + done.stderr)
                        self.assertLessEqual(done.stderr.count(b"\n"), 1)

    def test_commands_that_have_keys_leave_no_core(self):
        request = b"GET / HTTP/1.1\r\nHost: iam.amazonaws.com\r\n\r\n"
        for args in (["credentials"], ["sign", "--service", "iam", "--region", "us-east-1"],
                     ["presign", "https://b.s3.eu-west-1.amazonaws.com/k"],
                     ["session", "--serial-number", "arn:aws:iam::1:mfa/me", "--token-code", "000000", "--save", "x"]):
            with self.subTest(args[0]):
                env = self.build("[default]\ncredential_process = ulimit -c > core; cat KEYS\n", "", {})
                (self.home / "core").unlink(missing_ok=True)
                subprocess.run(["/bin/sh", "-c", 'ulimit -S -c 1; exec "$@"', "sh", BINARY, *args], env=env,
                               input=request, cwd=self.home, capture_output=True, timeout=40)
                self.assertEqual((self.home / "core").read_text(), "0\n")


if __name__ == "__main__":
    unittest.main()
