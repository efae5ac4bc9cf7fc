"""countersign session against the sandbox's STS: the profile it saves works, here and for botocore; nothing is lost."""

import base64
import json
import os
import pty
import select
import shutil
import stat
import subprocess
import unittest

import botocore.session
from sandbox_test import KEY, REGION, Sandbox
from processes import temporary_folder
from proxy import BINARY, clean_environment

DEVICE = "arn:aws:iam::000000000000:mfa/me"
BASE = f"# mine\r\n[base]\r\naws_access_key_id = {KEY.access_key}\r\naws_secret_access_key={KEY.secret_key} ; of mine"


class Session(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.stop)

    def setUp(self):
        self.home = temporary_folder("session")
        self.addCleanup(shutil.rmtree, self.home)
        self.file = self.home / ".aws/credentials"
        self.file.parent.mkdir()
        self.file.write_text(BASE)
        self.env = clean_environment(self.home, AWS_REGION=REGION, AWS_ENDPOINT_URL_STS=self.sandbox.url)

    def run_it(self, *args):
        return subprocess.run([BINARY, *args], env=self.env, capture_output=True, timeout=40, start_new_session=True)

    def session(self, *args, code="123456", serial=DEVICE, profile="base", save="mfa"):
        flags = [("--serial-number", serial), ("--token-code", code), ("--profile", profile), ("--save", save)]
        return self.run_it("session", *(part for flag in flags if flag[1] for part in flag), *args)

    def fails(self, status, words, *args, **more):
        before = self.file.read_bytes()
        done = self.session(*args, **more)
        self.assertEqual((done.returncode, done.stdout), (status, b""), done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        self.assertIn(words, done.stderr.decode())
        self.assertNotIn(KEY.secret_key.encode(), done.stderr)
        self.assertEqual(self.file.read_bytes(), before)
        self.assertEqual(os.listdir(self.file.parent), ["credentials"])

    def caller(self, profile):
        """Who botocore is with that profile, as the sandbox says."""
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(self.file)
        self.addCleanup(os.environ.pop, "AWS_SHARED_CREDENTIALS_FILE", None)
        keys = botocore.session.Session(profile=profile).get_credentials()
        return keys.token, self.sandbox.client("sts", keys).get_caller_identity()["Arn"]

    def test_a_profile_is_saved_and_works(self):
        done = self.session("--duration-seconds", "900")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout.decode(), rf"^profile mfa of {self.file} has keys until \S+Z\n$")
        text = self.file.read_bytes()
        self.assertTrue(text.startswith(BASE.encode() + b"\r\n\r\n[mfa]\r\naws_access_key_id = ASIA"), text)
        self.assertNotIn(b"\n", text.replace(b"\r\n", b""))
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        token, arn = self.caller("mfa")
        self.assertEqual(arn, "arn:aws:iam::000000000000:user/sandbox")
        ours = json.loads(self.run_it("credentials", "--profile", "mfa").stdout)
        self.assertEqual((ours["SessionToken"], ours["Provider"]), (token, "profile"))
        self.assertEqual(self.session().returncode, 0)
        self.assertNotEqual(self.caller("mfa")[0], token)
        self.assertEqual(len(self.file.read_bytes()), len(text), "the profile was replaced")
        self.fails(1, "long-lived", profile="mfa", save="third")

    def test_links_are_followed_and_a_missing_file_is_made(self):
        os.rename(self.file, self.home / "elsewhere")
        self.file.symlink_to("../elsewhere")
        self.assertEqual(self.session().returncode, 0)
        self.assertTrue(self.file.is_symlink())
        self.assertIn(b"[mfa]", (self.home / "elsewhere").read_bytes())
        self.env.update(AWS_ACCESS_KEY_ID=KEY.access_key, AWS_SECRET_ACCESS_KEY=KEY.secret_key,
                        AWS_SHARED_CREDENTIALS_FILE=str(self.home / "new/credentials"))
        done = self.session(profile=None)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.home / "new/credentials").read_bytes().startswith(b"[mfa]\n"))

    def test_what_is_refused(self):
        self.fails(1, "long-lived keys", save="base")
        self.fails(1, "invalid MFA", code="000000")
        self.fails(2, "six digits", code="12345x")
        self.fails(1, "--serial-number", serial=None)
        self.fails(1, "--token-code", code=None)      # there is no terminal
        self.fails(2, "duration", "--duration-seconds", "899")
        self.fails(2, "--save", save=None)

    def test_the_code_is_asked_for_on_the_terminal(self):
        (self.home / ".aws/config").write_text(f"[profile base]\nmfa_serial = {DEVICE}\n")
        args = [str(BINARY), "session", "--profile", "base", "--save", "mfa"]
        child, terminal = pty.fork()
        if child == 0:
            os.execve(args[0], args, self.env)
        said = b""
        answered = False
        while select.select([terminal], [], [], 30)[0]:
            try:
                piece = os.read(terminal, 4096)
            except OSError:      # the child has closed its side
                break
            said += piece
            if not answered and said.endswith(b"MFA code of " + DEVICE.encode() + b": "):
                os.write(terminal, b" 123456 \n")
                answered = True
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0, said)
        self.assertIn(b"has keys until", said)
        self.assertEqual(self.caller("mfa")[1], "arn:aws:iam::000000000000:user/sandbox")


def identity_token():
    """A JWT that the sandbox takes."""
    parts = ({"alg": "none"}, {"iss": "https://idp.example", "sub": "pod"})
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + ".c2ln"


class SandboxSts(unittest.TestCase):
    """The sandbox's STS as botocore sees it."""

    def test_botocore_gets_sessions_and_roles(self):
        sandbox = Sandbox()
        self.addCleanup(sandbox.stop)
        sts = sandbox.client("sts")
        keys = sts.get_session_token(SerialNumber=DEVICE, TokenCode="123456", DurationSeconds=900)["Credentials"]
        self.assertTrue(keys["AccessKeyId"].startswith("ASIA"))
        with self.assertRaisesRegex(sts.exceptions.ClientError, "AccessDenied.*invalid MFA"):
            sts.get_session_token(SerialNumber=DEVICE, TokenCode="000000")
        made = sts.assume_role_with_web_identity(RoleArn="arn:aws:iam::000000000000:role/web", RoleSessionName="pod",
                                                 WebIdentityToken=identity_token())
        self.assertEqual((made["AssumedRoleUser"]["Arn"], made["SubjectFromWebIdentityToken"], made["Provider"]),
                         ("arn:aws:sts::000000000000:assumed-role/web/pod", "pod", "https://idp.example"))
        with self.assertRaises(sts.exceptions.InvalidIdentityTokenException):
            sts.assume_role_with_web_identity(RoleArn="arn:aws:iam::000000000000:role/web", RoleSessionName="pod",
                                              WebIdentityToken="nothing")


if __name__ == "__main__":
    unittest.main()
