"""What the tests of attacks have in common."""

import unittest

from attacks import REFUSED, SMUGGLED
from proxy import Proxy, to
from wire import Upstream


class Attacked(unittest.TestCase):
    """A proxy before a server that counts what reaches it."""

    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream()
        cls.proxy = Proxy([to(cls.upstream.port)])

    @classmethod
    def tearDownClass(cls):
        try:
            cls.proxy.stop()
        finally:
            cls.upstream.close()

    def refused(self, name, raw, statuses=REFUSED, closed=True, huge=False):
        """An answer of the proxy's own, nothing upstream, and the connection ends: what follows is never read."""
        before = len(self.upstream.requests), self.upstream.bytes
        with self.subTest(name), self.proxy.client(timeout=5) as client:
            try:
                client.send((raw if isinstance(raw, bytes) else raw.encode("latin-1")) + SMUGGLED.encode())
                got = client.response()
            except ConnectionError:      # closed with most of it unread: the answer may be lost to the reset
                self.assertTrue(huge, "reset instead of an answer")
                got = None
            if got is not None:
                self.assertIn(got.status, statuses, got.head)
                self.assertIsNotNone(got.get("x-countersign-error"), got.head)
                if closed:
                    self.assertEqual(client.rest(), b"")
                    self.assertEqual((len(self.upstream.requests), self.upstream.bytes), before)
            self.assertEqual([r.target for r in self.upstream.requests[before[0]:] if r.target != "/smuggled"], [])
            self.assertEqual(self.upstream.errors, [])
