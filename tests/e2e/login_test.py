"""Sessions of `aws login`: the published cases of the SDKs' login providers (tests/chain/scenarios/login-*.json) against
the program itself, and against botocore where it knows such sessions."""

import base64
import datetime
import json
import pathlib
import shutil
import subprocess
import time
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from processes import temporary_folder
from proxy import BINARY, clean_environment
from wire import Upstream, answer

SCENARIOS = pathlib.Path(__file__).resolve().parents[1] / "chain/scenarios"
# The system's, and the first of PATH: where one has a newer botocore, that one is asked.
PYTHONS = list(dict.fromkeys(filter(None, ("/usr/bin/python3", shutil.which("python3")))))

# The keys, or "error". botocore leaves the proof's elliptic curve to awscrt, which may be missing or too old: then its
# part is done here.
BOTOCORE = """
import json
import botocore.credentials, botocore.session
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_private_key

class Curve:
    @classmethod
    def new_key_from_der_data(cls, der):
        made = cls()
        made.key = load_der_private_key(der, None)
        return made

    def get_public_coords(self):
        numbers = self.key.public_key().public_numbers()
        return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")

    def sign(self, digest):
        return self.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    @staticmethod
    def decode_der_signature_to_padded_pair(signature, pad_to):
        return b"".join(n.to_bytes(pad_to, "big") for n in utils.decode_dss_signature(signature))

botocore.credentials.EC = botocore.credentials.EC or Curve
try:
    keys = botocore.session.Session().get_credentials().get_frozen_credentials()
    print(json.dumps([keys.access_key, keys.secret_key, keys.token]))
except Exception as e:
    print(json.dumps("error"))
"""


def scenarios():
    return [json.loads(path.read_text()) for path in sorted(SCENARIOS.glob("login-*.json"))]


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Login(unittest.TestCase):
    def machine(self, scenario, address):
        """A home with the scenario's files; the folder and the environment."""
        home = temporary_folder("login")
        self.addCleanup(shutil.rmtree, home)
        for path, text in scenario["files"].items():
            file = home.parent / path.replace("home", home.name, 1)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        env = {**scenario["env"], "AWS_ENDPOINT_URL_SIGNIN": address}
        env.pop("HOME")
        return home, clean_environment(home, **env)

    def endpoint(self, scenario):
        """Answers as it was recorded, and each question once."""
        left = list(scenario["exchanges"])

        def respond(*_):
            if not left:
                return answer("500 Nobody asked for this")
            said = left.pop(0)["response"]
            return answer(f"{said['status']} x", said["body"].encode(), said["headers"].items())

        endpoint = Upstream(respond)
        self.addCleanup(endpoint.close)
        return endpoint

    def check_proof(self, text, key, address):
        head, payload, signature = text.split(".")
        said, claims = json.loads(decoded(head)), json.loads(decoded(payload))
        numbers = key.public_key().public_numbers()
        self.assertEqual((said["typ"], said["alg"]), ("dpop+jwt", "ES256"))
        self.assertEqual([int.from_bytes(decoded(said["jwk"][n]), "big") for n in "xy"], [numbers.x, numbers.y])
        self.assertEqual((claims["htm"], claims["htu"]), ("POST", address + "/v1/token"))
        self.assertLess(abs(claims["iat"] - time.time()), 60)
        raw = decoded(signature)
        der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.public_key().verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))

    def check_questions(self, asked, scenario, address):
        self.assertEqual(len(asked), len(scenario["exchanges"]))
        for request, recorded in zip(asked, (e["request"] for e in scenario["exchanges"])):
            self.assertEqual((request.method, request.target), (recorded["method"], "/v1/token"))
            for name, value in recorded["headers"].items():
                self.assertEqual(request.get(name), value)
            self.assertEqual(json.loads(request.body), recorded["json"])
            cache = next(json.loads(t) for p, t in scenario["files"].items() if "/login/cache/" in p)
            key = load_pem_private_key(cache["dpopKey"].encode(), None)
            self.check_proof(request.get("DPoP"), key, address)

    def check_end(self, text, scenario, wanted):
        """The end of refreshed keys is counted from now, and the recording has a now of its own."""
        if not scenario["exchanges"]:
            self.assertEqual(text, wanted)
            return
        end = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        seconds = json.loads(scenario["exchanges"][0]["response"]["body"])["expiresIn"]
        self.assertLess(abs(end - time.time() - seconds), 60)

    def check_files(self, home, scenario):
        for path, wanted in scenario["expect"].get("files", {}).items():
            got = json.loads((home.parent / path.replace("home", home.name, 1)).read_text())
            for name, value in wanted.items():
                if name == "accessToken":
                    got[name], value = dict(got[name]), dict(value)
                    end, wanted_end = got[name].pop("expiresAt"), value.pop("expiresAt")
                    if "credentials" in scenario["expect"]:
                        self.check_end(end, scenario, wanted_end)
                    else:
                        self.assertEqual(end, wanted_end)
                self.assertEqual(got[name], value, name)

    def test_published_cases(self):
        self.assertEqual(len(scenarios()), 8)
        for scenario in scenarios():
            with self.subTest(scenario["name"]):
                endpoint = self.endpoint(scenario)
                address = f"http://127.0.0.1:{endpoint.port}"
                home, env = self.machine(scenario, address)
                done = subprocess.run([BINARY, "credentials", "--output", "json"], env=env, capture_output=True,
                                      timeout=60)
                wanted = scenario["expect"].get("credentials")
                self.assertEqual(done.returncode, 0 if wanted else 1, done.stderr)
                if wanted:
                    got = json.loads(done.stdout)
                    self.check_end(got["Expiration"], scenario, wanted["Expiration"])
                    for name in wanted.keys() - {"Expiration"}:
                        self.assertEqual(got[name], wanted[name], name)
                else:
                    self.assertEqual(done.stdout, b"")
                self.check_questions(endpoint.requests, scenario, address)
                self.check_files(home, scenario)

    def judge(self):
        """A Python whose botocore knows such sessions."""
        for python in PYTHONS:
            known = "import botocore.credentials, cryptography; botocore.credentials.LoginProvider"
            if subprocess.run([python, "-c", known], capture_output=True, timeout=60).returncode == 0:
                return python
        return self.skipTest("no botocore here knows sessions of `aws login`")

    def test_botocore_takes_the_same(self):
        python = self.judge()
        for scenario in scenarios():
            with self.subTest(scenario["name"]):
                endpoint = self.endpoint(scenario)
                home, env = self.machine(scenario, f"http://127.0.0.1:{endpoint.port}")
                env["AWS_DEFAULT_REGION"] = env["AWS_REGION"]   # it knows the old name only
                theirs = subprocess.run([python, "-c", BOTOCORE], env=env, capture_output=True, timeout=60)
                self.assertEqual(theirs.returncode, 0, theirs.stderr)
                wanted = scenario["expect"].get("credentials")
                keys = [wanted[n] for n in ("AccessKeyId", "SecretAccessKey", "SessionToken")] if wanted else "error"
                self.assertEqual(json.loads(theirs.stdout), keys)
                self.assertEqual(len(endpoint.requests), len(scenario["exchanges"]))
                self.check_files(home, scenario)
