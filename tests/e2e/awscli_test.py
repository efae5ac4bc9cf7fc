"""AWS's own clients through the proxy: awscli without signing, boto3 with keys of no worth (signed again)."""

import json
import os
import subprocess
import unittest

import boto3
from botocore.config import Config

import fixtures
from processes import find_program, temporary_folder
from proxy import Proxy, clean_environment, to


def routes():
    return [to(fixtures.dynamodb(), host="dynamodb.*.amazonaws.com"), to(fixtures.radosgw().https_port, "https")]


class AwsCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s3 = Proxy(routes(), env=fixtures.S3_KEYS, upstream={"ca_file": fixtures.authority().certificate})
        cls.dynamodb = Proxy(routes(), env=fixtures.DYNAMODB_TEMPORARY)
        cls.folder = temporary_folder("awscli")

    @classmethod
    def tearDownClass(cls):
        cls.s3.stop()
        cls.dynamodb.stop()

    def aws(self, proxy, service, *args):
        env = clean_environment(self.folder, http_proxy=proxy.url, AWS_DEFAULT_REGION="us-east-1", AWS_PAGER="")
        done = subprocess.run([find_program("aws"), "--no-sign-request", "--endpoint-url",
                               f"http://{service}.us-east-1.amazonaws.com", *args], capture_output=True, env=env,
                              cwd=self.folder, timeout=120, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{args}: {done.stderr.decode()}")
        return json.loads(done.stdout) if done.stdout.lstrip()[:1] in (b"{", b"[") else done.stdout.decode()

    def test_s3api(self):
        def s3api(*args):
            return self.aws(self.s3, "s3", "s3api", *args)
        file = self.folder / "in"
        file.write_bytes(os.urandom(300_000))
        s3api("create-bucket", "--bucket", "awscli-bucket")
        s3api("put-object", "--bucket", "awscli-bucket", "--key", "a key/ü+%", "--body", str(file),
              "--metadata", "one=1,two=a  b", "--content-type", "text/plain")
        listed = s3api("list-objects-v2", "--bucket", "awscli-bucket")
        self.assertEqual([o["Key"] for o in listed["Contents"]], ["a key/ü+%"])
        head = s3api("get-object", "--bucket", "awscli-bucket", "--key", "a key/ü+%", str(self.folder / "out"))
        self.assertEqual((head["ContentType"], head["Metadata"]["one"]), ("text/plain", "1"))
        self.assertEqual((self.folder / "out").read_bytes(), file.read_bytes())
        s3api("delete-object", "--bucket", "awscli-bucket", "--key", "a key/ü+%")

    def test_s3_copies(self):
        file = self.folder / "small"
        file.write_bytes(b"small file")
        self.aws(self.s3, "s3", "s3", "mb", "s3://awscli-copies")
        self.aws(self.s3, "s3", "s3", "cp", str(file), "s3://awscli-copies/folder/small")
        self.assertIn("small", self.aws(self.s3, "s3", "s3", "ls", "s3://awscli-copies/folder/"))
        self.aws(self.s3, "s3", "s3", "cp", "s3://awscli-copies/folder/small", str(self.folder / "back"))
        self.assertEqual((self.folder / "back").read_bytes(), b"small file")

    def test_dynamodb(self):
        def ddb(*args):
            return self.aws(self.dynamodb, "dynamodb", "dynamodb", *args)
        ddb("create-table", "--table-name", "awscli", "--billing-mode", "PAY_PER_REQUEST", "--key-schema",
            "AttributeName=k,KeyType=HASH", "--attribute-definitions", "AttributeName=k,AttributeType=S")
        ddb("put-item", "--table-name", "awscli", "--item", '{"k": {"S": "1"}, "v": {"N": "2"}}')
        self.assertEqual(ddb("get-item", "--table-name", "awscli", "--key", '{"k": {"S": "1"}}')["Item"]["v"], {"N": "2"})

    def test_sts(self):
        """radosgw checks STS requests' signatures; it knows AssumeRole. An unknown role is told apart from a
        wrong signature by its answer."""
        env = clean_environment(self.folder, http_proxy=self.s3.url, AWS_DEFAULT_REGION="us-east-1")
        done = subprocess.run([find_program("aws"), "--no-sign-request", "--endpoint-url",
                               "http://sts.us-east-1.amazonaws.com", "sts", "assume-role", "--role-arn",
                               "arn:aws:iam:::role/no-such-role", "--role-session-name", "tests"],
                              capture_output=True, env=env, cwd=self.folder, timeout=120)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(b"Signature", done.stderr)
        self.assertNotIn(b"AccessDenied", done.stderr)
        self.assertRegex(done.stderr.decode(), "NoSuchEntity|NoSuchKey|404|Unknown")


class Boto3(unittest.TestCase):
    def client(self, service, proxy):
        return boto3.client(service, region_name="us-east-1", endpoint_url=f"http://{service}.us-east-1.amazonaws.com",
                            aws_access_key_id="WORTHLESS", aws_secret_access_key="worthless",
                            config=Config(proxies={"http": proxy.url}, retries={"max_attempts": 0}))

    def test_s3_is_signed_again(self):
        with Proxy(routes(), env=fixtures.S3_KEYS, upstream={"ca_file": fixtures.authority().certificate}) as proxy:
            s3 = self.client("s3", proxy)
            s3.create_bucket(Bucket="boto3-bucket")
            for key in ("a b", "ü//x", "+%2F~"):
                s3.put_object(Bucket="boto3-bucket", Key=key, Body=key.encode(), Metadata={"k": "v"})
                got = s3.get_object(Bucket="boto3-bucket", Key=key)
                self.assertEqual((got["Body"].read(), got["Metadata"]), (key.encode(), {"k": "v"}))
            self.assertEqual(len(s3.list_objects_v2(Bucket="boto3-bucket")["Contents"]), 3)

    def test_dynamodb_is_signed_again(self):
        with Proxy(routes(), env=fixtures.DYNAMODB_KEYS) as proxy:
            self.assertIn("TableNames", self.client("dynamodb", proxy).list_tables())


if __name__ == "__main__":
    unittest.main()
