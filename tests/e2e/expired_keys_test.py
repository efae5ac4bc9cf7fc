"""Keys that the service calls expired: others are used at once where there are some, and asked for where not."""

import json
import re
import threading
import unittest

from attacks import HOST
from processes import PATIENCE
from proxy import Proxy, to
from wire import Upstream, answer

GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"


class Endpoint:
    """Container credentials: what it gives is `name`."""

    def __init__(self, name):
        self.name = name
        self.upstream = Upstream(lambda request, connection: answer(body=json.dumps({
            "AccessKeyId": self.name, "SecretAccessKey": "outcome/secret/of/the/tests/000000000000",
            "Token": "an-outcome-token-of-the-tests", "Expiration": "2099-01-01T00:00:00Z"}).encode()))
        self.env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.upstream.port}/keys"}


class ExpiredKeys(unittest.TestCase):
    def setUp(self):
        self.endpoint = Endpoint("ASIAOUTCOMETEST00001")
        self.addCleanup(self.endpoint.upstream.close)
        self.upstream = Upstream(self.respond)
        self.addCleanup(self.upstream.close)
        self.good = "ASIAOUTCOMETEST00002"
        self.used = []

    def respond(self, request, _):
        self.used.append(re.search(r"Credential=([^/]+)/", request.get("authorization")).group(1))
        if self.used[-1] == self.good:
            return answer(body=b"ok")
        return answer("400 Bad Request", b"<Error><Code>ExpiredToken</Code></Error>")

    def proxy(self):
        return Proxy([to(self.upstream.port)], env=self.endpoint.env, listen={"workers": 1})

    def test_many_requests_at_once_are_all_healed(self):
        with self.proxy() as proxy:
            self.endpoint.name = self.good
            got = []
            threads = [threading.Thread(target=lambda: got.append(proxy.ask(GET).status)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20 * PATIENCE)
            self.assertEqual(got, [200] * 8)

    def test_the_same_keys_again_are_no_others(self):
        with self.proxy() as proxy:
            self.assertEqual(proxy.ask(GET).status, 400)
            self.assertGreater(len(self.endpoint.upstream.requests), 1)
            self.assertEqual(self.used, ["ASIAOUTCOMETEST00001"])
            self.endpoint.name = self.good
            self.assertEqual(proxy.ask(GET).status, 200)
            self.assertEqual(self.used, ["ASIAOUTCOMETEST00001"] * 2 + [self.good])

    def test_without_others_the_answer_is_passed_on(self):
        with self.proxy() as proxy:
            self.assertEqual(proxy.ask(GET).status, 400)
            self.assertEqual(len(self.used), 1)


if __name__ == "__main__":
    unittest.main()
