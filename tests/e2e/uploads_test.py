"""Files of every size by every client that people use, with keys of no worth, come through the proxy as they are.

Ceph's S3 takes what is multipart; it knows no trailers. The sandbox verifies those, and checksums, but holds 16 MiB."""

import hashlib
import http.client
import io
import json
import os
import subprocess
import unittest
import urllib.parse

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

import fixtures
from processes import PATIENCE, find_program, temporary_folder
from proxy import Proxy, clean_environment, to
from sandbox_test import KEY, Sandbox

HOST = "s3.us-east-1.amazonaws.com"
MIB = 1 << 20
SIZES = [0, 1, 100_000, 5 * MIB, 9 * MIB, 20 * MIB]
BUCKET = "uploads"
NO_WORTH = {"AWS_ACCESS_KEY_ID": "AKIAOFNOWORTHEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a/secret/of/no/worth"}
KEYS_OF_SANDBOX = {"AWS_ACCESS_KEY_ID": KEY.access_key, "AWS_SECRET_ACCESS_KEY": KEY.secret_key}


def content(size):
    return os.urandom(size)


def digest(body):
    return len(body), hashlib.sha256(body).hexdigest()


class Uploads(unittest.TestCase):
    """`proxy` is uploaded through, `reader` is for looking at what came."""

    stores_codings = True   # rightly: without aws-chunked

    @classmethod
    def begin(cls, routes, keys, **tables):
        cls.folder = temporary_folder("uploads")
        cls.reader = cls.proxy = Proxy(routes, env=keys, **tables)
        cls.addClassCleanup(cls.end)
        cls.ask("PUT", "")

    @classmethod
    def end(cls):
        cls.proxy.stop()

    @classmethod
    def ask(cls, method, key, **more):
        connection = http.client.HTTPConnection("127.0.0.1", cls.reader.port, timeout=60 * PATIENCE)
        try:
            connection.request(method, f"/{BUCKET}/{urllib.parse.quote(key)}", headers={"Host": HOST}, **more)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status // 100 == 2, f"{method} {key}: {answer.status} {body[:500]}"
            return answer, body
        finally:
            connection.close()

    def arrived(self, key, size, sha256):
        """The object is what was sent; then it goes."""
        answer, body = self.ask("GET", key)
        self.assertEqual(digest(body), (size, sha256), key)
        if self.stores_codings:
            self.assertIsNone(answer.headers.get("Content-Encoding"), key)
        self.ask("DELETE", key)

    def run_program(self, name, *args, stdin=None, **env):
        environment = clean_environment(self.folder, **env)
        done = subprocess.run([find_program(name), *map(str, args)], input=b"" if stdin is None else stdin,
                              capture_output=True, env=environment, cwd=self.folder, timeout=60 * PATIENCE)
        self.assertEqual(done.returncode, 0, f"{name} {args}: {done.stdout[-1000:]} {done.stderr.decode()[-3000:]}")
        return done.stdout

    def files(self, sizes):
        """Files of these sizes in a folder of their own."""
        folder = temporary_folder("files")
        for size in sizes:
            (folder / str(size)).write_bytes(content(size))
        return folder

    def came(self, folder, prefix):
        for file in folder.iterdir():
            self.arrived(f"{prefix}/{file.name}", *digest(file.read_bytes()))

    def same(self, one, other):
        self.assertEqual(*({f.name: digest(f.read_bytes()) for f in folder.iterdir()} for folder in (one, other)))

    def javascript(self, cases, sizes):
        script = os.path.join(os.path.dirname(__file__), "uploads.js")
        env = clean_environment(self.folder, NODE_PATH=str(fixtures.MODULES), NODE_NO_WARNINGS="1", **NO_WORTH)
        command = [find_program("node"), script, str(self.proxy.port), BUCKET, cases, *map(str, sizes)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True) as program:
            for line in program.stdout:
                told = json.loads(line)
                if told == "done":
                    return
                with self.subTest(told["key"]):
                    self.assertNotIn("error", told)
                if "error" not in told:
                    with self.subTest(told["key"]):
                        self.arrived(**told)
                    program.stdin.write("\n")
                    program.stdin.flush()
        self.fail("node ended")

    def aws(self, *args, **more):
        return self.run_program("aws", "--endpoint-url", f"http://{HOST}", *args, http_proxy=self.proxy.url,
                                AWS_DEFAULT_REGION="us-east-1", AWS_PAGER="", **NO_WORTH, **more)

    def boto3(self, scheme="http"):
        return boto3.client("s3", region_name="us-east-1", endpoint_url=f"{scheme}://{HOST}",
                            **{name.lower(): value for name, value in NO_WORTH.items()},
                            config=Config(proxies={"http": self.proxy.url}, retries={"max_attempts": 0}))


class Ceph(Uploads):
    stores_codings = False   # keeps aws-chunked, which S3 takes off

    @classmethod
    def setUpClass(cls):
        cls.begin([to(fixtures.radosgw().https_port, "https")], fixtures.S3_KEYS,
                  upstream={"ca_file": fixtures.authority().certificate})

    def test_boto3(self):
        s3 = self.boto3()
        for size in SIZES:
            body = content(size)
            for name, what in (("bytes", body), ("stream", io.BytesIO(body))):
                self.assertIn("ETag", s3.put_object(Bucket=BUCKET, Key=name, Body=what))
                self.arrived(name, *digest(body))
            if size > 5 * MIB:
                s3.upload_fileobj(io.BytesIO(body), BUCKET, "multipart",
                                  Config=TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB))
                self.arrived("multipart", *digest(body))

    def test_awscli(self):
        folder, back = self.files(SIZES), temporary_folder("back")
        self.aws("s3", "cp", "--recursive", folder, f"s3://{BUCKET}/cli")
        self.aws("s3", "cp", "--recursive", f"s3://{BUCKET}/cli", back)
        self.same(folder, back)
        self.came(folder, "cli")
        body = content(20 * MIB)
        self.aws("s3", "cp", "-", f"s3://{BUCKET}/stdin", stdin=body)
        self.assertEqual(digest(self.aws("s3", "cp", f"s3://{BUCKET}/stdin", "-")), digest(body))
        self.arrived("stdin", *digest(body))

    def test_javascript(self):
        self.javascript("whole", [0, 9 * MIB])

    def test_javascript_streams(self):
        self.javascript("stream", [1, 5 * MIB])   # larger ones keep their trailers

    def test_javascript_multipart(self):
        self.javascript("library", [0, 100_000, 5 * MIB, 20 * MIB])

    def test_curl(self):
        for size in SIZES:
            (self.folder / "file").write_bytes(body := content(size))
            for name, args in (("file", ["-T", "file"]), ("stdin", ["-T", "-"]),
                               ("expect", ["-T", "file", "--expect100-timeout", "20", "-H", "Expect: 100-continue"]),
                               ("unsigned", ["-T", "file", "-H", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"])):
                self.run_program("curl", "-sS", "--fail-with-body", *args, f"http://{HOST}/{BUCKET}/{name}", stdin=body,
                                 http_proxy=self.proxy.url)
                self.arrived(name, *digest(body))

    def test_s3cmd(self):
        (self.folder / "s3cfg").write_text(
            f"[default]\naccess_key = {NO_WORTH['AWS_ACCESS_KEY_ID']}\n"
            f"secret_key = {NO_WORTH['AWS_SECRET_ACCESS_KEY']}\nhost_base = {HOST}\nuse_https = False\n"
            f"host_bucket = %(bucket)s.{HOST}\nproxy_host = 127.0.0.1\nproxy_port = {self.proxy.port}\n"
            "multipart_chunk_size_mb = 5\nbucket_location = us-east-1\n")

        def s3cmd(*args, **more):
            return self.run_program("s3cmd", "--config", "s3cfg", "--no-progress", *args, **more)
        folder, back = self.files(SIZES), temporary_folder("back")
        s3cmd("put", "--recursive", f"{folder}/", f"s3://{BUCKET}/s3cmd/")
        s3cmd("get", "--recursive", f"s3://{BUCKET}/s3cmd/", f"{back}/")
        self.same(folder, back)
        self.came(folder, "s3cmd")
        body = content(9 * MIB)
        s3cmd("put", "-", f"s3://{BUCKET}/stdin", stdin=body)
        self.arrived("stdin", *digest(body))

    def test_rclone(self):
        def rclone(*args, **more):
            return self.run_program("rclone", "--config", "none", "--retries", "1", "--low-level-retries", "1",
                                    "--s3-upload-cutoff", "9Mi", "--s3-chunk-size", "5Mi", *args,
                                    http_proxy=self.proxy.url, RCLONE_CONFIG_S3_TYPE="s3",
                                    RCLONE_CONFIG_S3_PROVIDER="AWS", RCLONE_CONFIG_S3_ENDPOINT=f"http://{HOST}",
                                    RCLONE_CONFIG_S3_REGION="us-east-1", RCLONE_CONFIG_S3_ENV_AUTH="true",
                                    **NO_WORTH, **more)
        folder, back = self.files(SIZES), temporary_folder("back")
        rclone("copy", folder, f"s3:{BUCKET}/rclone")
        rclone("copy", f"s3:{BUCKET}/rclone", back)
        self.same(folder, back)
        self.came(folder, "rclone")
        body = content(9 * MIB)
        rclone("rcat", f"s3:{BUCKET}/stdin", stdin=body)
        self.arrived("stdin", *digest(body))


class Verified(Uploads):
    """Checksums and trailers, by the sandbox."""

    SIZES = [0, 1, 100_000, 9 * MIB]

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.stop)
        cls.begin([to(cls.sandbox.port)], KEYS_OF_SANDBOX)

    def test_boto3(self):
        """Over HTTP botocore sends checksums in the head, over HTTPS as trailers: there it believes to be."""
        def leave_tls(request, **_):
            request.url = request.url.replace("https:", "http:")
        for scheme in ("http", "https"):
            s3 = self.boto3(scheme)
            s3.meta.events.register("before-sign.s3", leave_tls)
            for size in self.SIZES:
                body = content(size)
                for algorithm in ("CRC32", "CRC32C", "SHA1", "SHA256"):
                    key = f"{scheme}-{algorithm}-{size}"
                    with self.subTest(key):
                        s3.put_object(Bucket=BUCKET, Key=key, Body=io.BytesIO(body), ChecksumAlgorithm=algorithm)
                        self.arrived(key, *digest(body))

    def test_awscli(self):
        folder = self.files([100_000, 9 * MIB])
        for size, algorithm in ((100_000, "SHA1"), (9 * MIB, "CRC32C")):
            self.aws("s3api", "put-object", "--bucket", BUCKET, "--key", f"cli/{size}", "--body", folder / str(size),
                     "--checksum-algorithm", algorithm)
            self.arrived(f"cli/{size}", *digest((folder / str(size)).read_bytes()))

    def test_javascript(self):
        self.javascript("whole", self.SIZES)

    def test_javascript_streams(self):
        self.javascript("stream", self.SIZES)


class Tenant(Verified):
    """The same, where the proxy verifies what its client signs; it is read back by another proxy."""

    SIZES = [1, 9 * MIB]
    test_awscli = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        secret = cls.folder / "secret"
        secret.write_text(NO_WORTH["AWS_SECRET_ACCESS_KEY"])
        secret.chmod(0o600)
        client = {"access_key_id": NO_WORTH["AWS_ACCESS_KEY_ID"], "secret_access_key_file": secret}
        cls.proxy = Proxy([to(cls.sandbox.port)], env=KEYS_OF_SANDBOX, client=[client])
        cls.addClassCleanup(cls.reader.stop)


if __name__ == "__main__":
    unittest.main()
