"""A DNS server that says what a test wants, at port 53 of a loopback address of its own, and the proxy in a mount name
space whose /etc/resolv.conf names it."""

import collections
import ipaddress
import random
import socket
import struct
import subprocess
import threading

from processes import Program, find_program, temporary_folder
from proxy import BINARY, clean_environment, configuration, port_in_log, static_keys
from wire import Client

A, AAAA = 1, 28
SILENT, NO_SUCH_NAME, FAILED = "silent", 3, 2


def encoded(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


class NameServer:
    """replies: name → list of addresses, SILENT, NO_SUCH_NAME or FAILED. `asked` counts the questions for each name."""

    def __init__(self, replies=(), ttl=60, over_udp=True):
        self.replies, self.ttl, self.over_udp = dict(replies), ttl, over_udp
        self.asked = collections.Counter()
        while True:
            self.address = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self.udp.bind((self.address, 53))
                self.tcp = socket.create_server((self.address, 53))
                break
            except PermissionError:
                raise
            except OSError:
                self.udp.close()
        for loop in (self._udp, self._tcp):
            threading.Thread(target=loop, daemon=True).start()

    def answer(self, query, over_tcp):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0]
        self.asked[name] += 1
        reply = self.replies.get(name, NO_SUCH_NAME)
        if reply == SILENT:
            return None
        cut = not over_tcp and not self.over_udp
        code = reply if isinstance(reply, int) else 0
        addresses = [] if code or cut else [ipaddress.ip_address(a) for a in reply]
        found = [a.packed for a in addresses if (a.version == 6) == (kind == AAAA)]
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(p)) + p for p in found)
        flags = 0x8180 | (0x0200 if cut else 0) | code
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + query[12:at + 5] + records

    def _udp(self):
        while True:
            try:
                query, client = self.udp.recvfrom(4096)
                if not query:   # shut down
                    return
                reply = self.answer(query, False)
                if reply:
                    self.udp.sendto(reply, client)
            except OSError:
                return

    def _tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            while length := connection.recv(2, socket.MSG_WAITALL):
                query = connection.recv(struct.unpack("!H", length)[0], socket.MSG_WAITALL)
                reply = self.answer(query, True)
                if reply:
                    connection.sendall(struct.pack("!H", len(reply)) + reply)

    def close(self):
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


def cannot_mount():
    """Why there can be no such proxy here; "": there can."""
    try:
        unshare = find_program("unshare")
        NameServer().close()
    except (FileNotFoundError, PermissionError) as e:
        return f"needs unshare and port 53 of loopback addresses: {e}"
    denied = subprocess.run([unshare, "--mount", "true"], capture_output=True).returncode
    return "needs the right to make a mount name space (unshare --mount)" if denied else ""


class ResolvingProxy:
    """`countersign serve` with one worker; routes and tables as for proxy.Proxy."""

    def __init__(self, resolv_conf, routes, hosts="127.0.0.1 localhost\n", **tables):
        self.folder = temporary_folder("names")
        tables.setdefault("listen", {}).update(workers=1, address="127.0.0.1:0")
        tables["admin"] = {"address": "off"}
        tables.setdefault("credentials", {}).setdefault("region", "us-east-1")
        self.resolv_conf = self.folder / "resolv.conf"
        self.resolv_conf.write_text(resolv_conf)
        (self.folder / "hosts").write_text(hosts)
        config = self.folder / "countersign.toml"
        config.write_text(configuration(tables, routes))
        script = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && exec "$3" serve --config "$4"'
        argv = [find_program("unshare"), "--mount", "sh", "-c", script, "sh", self.resolv_conf, self.folder / "hosts",
                BINARY, config]
        self.program = Program(argv, self.folder, "resolving", clean_environment(self.folder, **static_keys()))
        self.port = port_in_log(self.program)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.program.stop()
        else:
            self.program.kill()
            print(f"--- the proxy's log:\n{self.program.text()[-4000:]}")

    def ask(self, host, timeout=20):
        with Client(self.port, timeout=timeout) as client:
            return client.ask(f"GET /k HTTP/1.1\r\nHost: {host}\r\n\r\n")
