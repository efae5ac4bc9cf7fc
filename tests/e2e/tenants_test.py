"""Two tenants with dummy keys, one listener, and the two accounts of a real S3 server (radosgw) that they end up in."""

import unittest

import botocore.config
import botocore.exceptions
import botocore.session

import fixtures
import proxy as proxies
from processes import temporary_folder
from proxy import Proxy, to

ACCOUNTS = {"blue": ("AKIABLUEACCOUNT00001", "blue/secret/of/the/end-to-end/tests/123456"),
            "red": ("AKIAREDACCOUNT000001", "red/secret/of/the/end-to-end/tests/1234567")}
DUMMIES = {"blue": ("AKIADUMMYTENANTBLUE0", "dummy/of/blue"), "red": ("AKIADUMMYTENANTRED00", "dummy/of/red")}
proxies.SECRETS.update(secret for _, secret in (*ACCOUNTS.values(), *DUMMIES.values()))


class Tenants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ceph = fixtures.radosgw()
        folder = temporary_folder("tenants")
        profiles, clients = "", []
        for name, keys in ACCOUNTS.items():
            ceph.make_account(name, *keys)
            profiles += f"[{name}]\naws_access_key_id = {keys[0]}\naws_secret_access_key = {keys[1]}\n"
            file = folder / f"{name}.secret"
            file.write_text(DUMMIES[name][1] + "\n")
            clients.append({"access_key_id": DUMMIES[name][0], "secret_access_key_file": file, "identity": name})
        (folder / "credentials").write_text(profiles)
        cls.proxy = Proxy([to(ceph.https_port, "https")], {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")},
                          upstream={"ca_file": fixtures.authority().certificate}, client=clients,
                          **{f"identity.{name}": {"profile": name} for name in ACCOUNTS})
        cls.addClassCleanup(cls.proxy.stop)

    def store(self, keys):
        session = botocore.session.Session()
        session.set_credentials(*keys)
        settings = botocore.config.Config(proxies={"http": self.proxy.url}, retries={"max_attempts": 0},
                                          signature_version="s3v4", s3={"addressing_style": "path"})
        return session.create_client("s3", region_name="us-east-1", config=settings,
                                     endpoint_url="http://s3.us-east-1.amazonaws.com")

    def refused(self, code, call, **named):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**named)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["ResponseMetadata"]["HTTPHeaders"]

    def test_each_is_in_an_account_of_its_own(self):
        blue, red = self.store(DUMMIES["blue"]), self.store(DUMMIES["red"])
        for name, store in (("blue", blue), ("red", red)):
            store.create_bucket(Bucket=f"of-{name}")
            store.put_object(Bucket=f"of-{name}", Key="a b/\u00fc.txt", Body=name.encode() * 1000)
        for name, store in (("blue", blue), ("red", red)):
            listing = store.list_buckets()
            self.assertEqual(([b["Name"] for b in listing["Buckets"]], listing["Owner"]["ID"]), ([f"of-{name}"], name))
            self.assertEqual(store.get_object(Bucket=f"of-{name}", Key="a b/\u00fc.txt")["Body"].read(), name.encode() * 1000)
        # It is the server that says no, not the proxy.
        self.assertNotIn("x-countersign-error", self.refused("AccessDenied", red.get_object, Bucket="of-blue", Key="a b/\u00fc.txt"))
        self.assertNotIn("x-countersign-error", self.refused("AccessDenied", blue.list_objects_v2, Bucket="of-red"))

    def test_nobody_else_gets_in(self):
        for keys, code in ((("AKIADUMMYTENANTGREEN", "dummy"), "InvalidAccessKeyId"),
                           ((DUMMIES["red"][0], DUMMIES["blue"][1]), "SignatureDoesNotMatch"),
                           (ACCOUNTS["red"], "InvalidAccessKeyId")):   # nor the real keys, which nobody out here has
            self.assertEqual(self.refused(code, self.store(keys).list_buckets)["x-countersign-error"], "client-refused")


if __name__ == "__main__":
    unittest.main()
