"""What the proxy has open is its own: no program that it starts gets any of it."""

import contextlib
import json
import pathlib
import re
import signal
import unittest

import fixtures
from attacks import HOST
from processes import Program, temporary_folder, until
from proxy import BINARY, Proxy, clean_environment, port_in_log, to
from wire import Client, Upstream, answer

GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n"
CLOSE_ON_EXEC = 0o2000000


def inherited(pid):
    """What a child would get beside the three standard ones: descriptor → what it is."""
    found = {}
    for place in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):      # closed meanwhile
            flags = int(re.search(r"flags:\s+(\d+)", (place.parents[1] / "fdinfo" / place.name).read_text())[1], 8)
            if int(place.name) > 2 and not flags & CLOSE_ON_EXEC:
                found[place.name] = str(place.readlink())
    return found


class Descriptors(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream(lambda r, c: answer(body=b"ok"), tls=fixtures.leaf())
        self.addCleanup(self.upstream.close)

    def proxy(self, **more):
        return Proxy([to(self.upstream.port, "https")], upstream={"ca_file": fixtures.authority().certificate}, **more)

    def test_all_of_the_proxy_are_close_on_exec(self):
        with self.proxy() as proxy, proxy.client() as client, Client(proxy.admin_port) as admin:
            self.assertEqual(client.ask(GET).status, 200)
            admin.send("GET /healthz HTTP/1.1\r\n")     # has been accepted when the next one is served
            self.assertEqual(proxy.admin("/healthz").status, 200)
            self.assertEqual(inherited(proxy.pid), {})

    def test_all_of_the_sandbox_are_close_on_exec(self):
        folder = temporary_folder("sandbox")
        sandbox = Program([BINARY, "sandbox", "--listen", "127.0.0.1:0"], folder, "sandbox", clean_environment(folder))
        self.addCleanup(sandbox.kill)
        with Client(port_in_log(sandbox)) as client:
            client.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(inherited(sandbox.pid), {})

    def test_a_credential_process_sees_none(self):
        folder = temporary_folder("process")
        seen = folder / "seen"
        keys = {"Version": 1, "AccessKeyId": "AKIAPROCESSEXAMPLE01", "SecretAccessKey": "process/secret/of/the/tests/00"}
        command = folder / "command"
        command.write_text(f"#!/bin/sh\nls -l /proc/$$/fd > {seen}.new && mv {seen}.new {seen}\n"
                           f"echo '{json.dumps(keys)}'\n")
        command.chmod(0o700)
        config = folder / "config"
        config.write_text(f"[default]\ncredential_process = {command}\n")
        with self.proxy(env={"AWS_CONFIG_FILE": str(config)}) as proxy, proxy.client() as client:
            self.assertEqual(client.ask(GET).status, 200)
            seen.unlink()
            proxy.program.child.send_signal(signal.SIGHUP)      # once more, now that connections are there
            until(seen.exists, 20, "the command has run again")
        numbers = {int(line.split()[-3]) for line in seen.read_text().splitlines() if " -> " in line}
        # 10 and above: the shell's own script, and its folder's listing.
        self.assertLessEqual({n for n in numbers if n < 10}, {0, 1, 2}, seen.read_text())
        self.assertNotRegex(seen.read_text(), r"socket:|eventpoll|eventfd|timerfd")

    def test_as_many_clients_as_there_are_descriptors_for(self):
        with self.proxy(descriptors=64, listen={"workers": 1}) as proxy, contextlib.ExitStack() as open_ones:
            self.assertRegex(proxy.log(), r"max_connections is 10000, but 64 descriptors .* for 15 clients only")
            clients = [open_ones.enter_context(proxy.client()) for _ in range(15)]
            for client in clients:
                self.assertEqual(client.ask(GET).status, 200)
            waiting = open_ones.enter_context(proxy.client())
            waiting.send(GET)
            until(lambda: proxy.metric("countersign_connections", side="client") == 15, 10, "no more than 15")
            clients[0].close()
            self.assertEqual(waiting.response().status, 200)
            self.assertNotIn("cannot accept", proxy.log())


if __name__ == "__main__":
    unittest.main()
