"""The log: nobody waits for whoever reads it, and strangers cannot fill a disk with it."""

import os
import re
import signal
import subprocess
import unittest

from attacks import HOST
from processes import PATIENCE, answers, free_ports, temporary_folder, until
from proxy import BINARY, Proxy, clean_environment, configuration, static_keys, to
from wire import Client, Upstream

GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"


class NobodyReads(unittest.TestCase):
    """Standard error is a pipe that is full."""

    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)

    def start(self, **log):
        folder = temporary_folder("log")
        self.port, self.admin = free_ports(2)
        config = folder / "countersign.toml"
        config.write_text(configuration(
            {"listen": {"address": f"127.0.0.1:{self.port}", "workers": 1}, "admin": {"address": f"127.0.0.1:{self.admin}"},
             "policy": {"deny": ["sqs.us-east-1.amazonaws.com"]}, "log": log}, [to(self.upstream.port)]))
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        child = subprocess.Popen([BINARY, "serve", "--config", config], stderr=writing, stdout=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL, env=clean_environment(folder, **static_keys()), cwd=folder)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        until(lambda: answers(self.port) and answers(self.admin), 20, "listens")
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 63 + b"\n")
        except BlockingIOError:
            pass
        os.set_blocking(writing, True)
        os.close(writing)
        return child, reading

    def ask(self, text, port=None):
        with Client(port or self.port, timeout=10) as client:
            return client.ask(text).status

    def test_and_everything_goes_on(self):
        for log in ({"format": "text"}, {"format": "json", "access": False}):
            with self.subTest(log):
                child, reading = self.start(**log)
                for times in range(50):
                    child.send_signal(signal.SIGHUP)                     # a line of the control thread's
                    self.assertEqual(self.ask(f"GET / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\n\r\n"), 403)
                    self.assertEqual(self.ask(GET), 200)
                health = f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{self.admin}\r\nConnection: close\r\n\r\n"
                self.assertEqual(self.ask(health, self.admin), 200)
                text = os.read(reading, 1 << 20)                        # now somebody does
                until(lambda: re.search(rb"\d+ lines of the log were lost", os.read(reading, 1 << 20)), 10, "is told")
                self.assertEqual(set(text.split(b"\n")[-10:]), {b"x" * 63, b""})
                child.send_signal(signal.SIGTERM)
                self.assertEqual(child.wait(20 * PATIENCE), 0)


class Strangers(unittest.TestCase):
    def test_their_lines_are_counted(self):
        upstream = Upstream()
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], listen={"workers": 1}, log={"access": False},
                   policy={"deny": ["sqs.*.amazonaws.com"]}) as proxy:
            with proxy.client() as client:
                for times in range(300):
                    host = f"sqs.{'eu' if times % 2 else 'us'}-west-{times % 2 + 1}.amazonaws.com"
                    self.assertEqual(client.ask(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").status, 403)
            lines = lambda: [line for line in proxy.log().splitlines() if "sqs." in line]
            self.assertEqual(len(lines()), 10)
            proxy.program.until(lambda: len(lines()) == 12, 30, "counts the others")
            for line in lines()[-2:]:
                self.assertRegex(line, r" warning GET sqs\.(eu|us)-west-\d\.amazonaws\.com: .* "
                                       r"\(145 more such lines in the last 10 s\)$")


if __name__ == "__main__":
    unittest.main()
