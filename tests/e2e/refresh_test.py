"""Credentials over time: short lives, a source that is down half of the time, files that change, a quiet start."""

import datetime
import json
import os
import re
import threading
import time
import unittest

from attacks import HOST
from processes import PATIENCE, temporary_folder, until
from proxy import Proxy, static_keys, to
from wire import Upstream, answer

GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"
SECONDS = float(os.environ.get("E2E_SECONDS", "15"))    # of steady load
LIFE = 5                                                # seconds
PHASE = 1.0                                             # seconds that the endpoint is up, then down
FETCH = 0.3                                             # seconds that an answer with keys takes


def signed_with(request):
    """The access key id in the request's signature."""
    return re.search(r"Credential=([^/]+)/", request.get("authorization", "")).group(1)


class FlakyEndpoint:
    """Keys that live a few seconds, from an endpoint that is up and down by turns: refuses, then fails."""

    def __init__(self):
        self.began = time.monotonic()
        self.ends = {}                 # access key id → when it expires
        self.fetches = []              # (begin, end) of those that gave keys
        self.lock = threading.Lock()
        self.never = threading.Event()
        self.upstream = Upstream(self.respond)

    def respond(self, request, connection):
        begin = time.monotonic()
        phase = int((begin - self.began) / PHASE)
        if phase % 2:
            return None if phase % 4 == 1 else answer("500 x")
        self.never.wait(FETCH)
        end = int(time.time()) + LIFE
        with self.lock:
            name = f"ASIAREFRESHTEST{len(self.ends):05}"
            self.ends[name] = end
            self.fetches.append((begin, time.monotonic()))
        expires = datetime.datetime.utcfromtimestamp(end).strftime("%Y-%m-%dT%H:%M:%SZ")
        return answer(body=json.dumps({
            "AccessKeyId": name, "SecretAccessKey": "refresh/secret/of/the/tests/000000000000",
            "Token": "a-refresh-token-of-the-tests", "Expiration": expires}).encode())


class Load:
    """Clients that ask without a pause but to breathe; (begin, end, status) of each request."""

    def __init__(self, proxy, clients=2):
        self.stop = threading.Event()
        self.done, self.errors = [], []
        self.threads = [threading.Thread(target=self.run, args=(proxy,), daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, proxy):
        try:
            with proxy.client() as client:
                while not self.stop.wait(0.01):
                    begin = time.monotonic()
                    status = client.ask(GET).status
                    self.done.append((begin, time.monotonic(), status))
        except (AssertionError, OSError) as e:
            self.errors.append(e)

    def finish(self, seconds):
        self.stop.wait(seconds)
        self.stop.set()
        for thread in self.threads:
            thread.join(30 * PATIENCE)


class Refresh(unittest.TestCase):
    def serve(self, **more):
        proxy = Proxy([to(self.upstream.port)], **more)
        self.addCleanup(proxy.program.kill)
        return proxy

    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)

    def test_short_lives_from_a_flaky_endpoint(self):
        endpoint = FlakyEndpoint()
        self.addCleanup(endpoint.upstream.close)
        left = []         # seconds of validity with which a request arrived

        def respond(request, connection):
            left.append(endpoint.ends[signed_with(request)] - time.time())
            return answer(body=b"ok")
        self.upstream.respond = respond
        url = f"http://127.0.0.1:{endpoint.upstream.port}/keys"
        proxy = self.serve(env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": url})
        load = Load(proxy)
        load.finish(SECONDS)
        self.assertEqual(load.errors, [])
        self.assertEqual({status for _, _, status in load.done}, {200})
        self.assertGreater(len(load.done), 10 * SECONDS / PATIENCE)
        self.assertGreater(min(left), 0, "a request was signed with expired keys")
        longest = max(end - begin for begin, end, _ in load.done)
        attempts, given = len(endpoint.upstream.requests), len(endpoint.fetches)
        self.assertLess(longest, 1 * PATIENCE)
        print(f"[{len(load.done)} requests, longest {longest * 1000:.0f} ms, least validity left {min(left):.1f} s, "
              f"{given} fetches of {attempts} attempts] ", end="", flush=True)
        # A refresh goes on behind the requests: while it does, others begin and end.
        during = [f for f in endpoint.fetches if load.done[0][0] < f[0] and f[1] < load.done[-1][1]]
        self.assertGreaterEqual(len(during), SECONDS / LIFE - 1)
        for fetch_begin, fetch_end in during:
            self.assertTrue(any(fetch_begin < b and e < fetch_end for b, e, _ in load.done), "requests waited")
        # One load a second at most, of three attempts at most.
        self.assertLessEqual(given, SECONDS / 1.5 + 3)
        self.assertLessEqual(attempts, 3 * (SECONDS + 3))
        proxy.check_log(["refresh/secret/of/the/tests", "a-refresh-token-of-the-tests"])
        proxy.stop()

    def test_a_credentials_file_that_changes(self):
        folder = temporary_folder("keys")
        file = folder / "credentials"

        def text(name):
            return f"[default]\naws_access_key_id = {name}\naws_secret_access_key = file/secret/of/the/tests/0000\n"

        def used():
            self.assertEqual(proxy.ask(GET).status, 200)
            return signed_with(self.upstream.requests[-1])
        file.write_text(text("AKIAFILETEST00000001"))
        proxy = self.serve(env={"AWS_SHARED_CREDENTIALS_FILE": str(file)})
        self.assertEqual(used(), "AKIAFILETEST00000001")
        file.write_text(text("AKIAFILETEST00000002")[:45])         # without the secret
        until(lambda: "AWS_SECRET_ACCESS_KEY" in proxy.log().upper(), 20, "the broken file is told of")
        self.assertEqual(used(), "AKIAFILETEST00000001")
        file.unlink()
        until(lambda: "gave credentials before and none now" in proxy.log(), 20, "the missing file is told of")
        self.assertEqual(used(), "AKIAFILETEST00000001")
        self.assertEqual(proxy.admin("/readyz").status, 200)
        file.write_text(text("AKIAFILETEST00000003"))
        until(lambda: used() == "AKIAFILETEST00000003", 20, "the new keys are used")
        proxy.stop()

    def test_a_start_with_keys_in_the_environment_asks_nobody(self):
        endpoint = Upstream(lambda r, c: answer("500 x"))
        self.addCleanup(endpoint.close)
        url = f"http://127.0.0.1:{endpoint.port}"
        began = time.monotonic()
        proxy = self.serve(env={
            **static_keys(), "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/keys", "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_ENDPOINT_URL": url})
        self.assertLess(time.monotonic() - began, 1 * PATIENCE)
        self.assertEqual(proxy.ask(GET).status, 200)
        self.assertEqual(endpoint.connections, 0)
        proxy.program.child.send_signal(1)      # SIGHUP: loads them again
        proxy.program.until_says("configuration read again")
        until(lambda: proxy.log().count("from environment") == 2, 10, "they are loaded again")
        self.assertEqual(proxy.log().count("hide the container's role"), 1, proxy.log())
        self.assertEqual(endpoint.connections, 0)
        proxy.stop()


if __name__ == "__main__":
    unittest.main()
