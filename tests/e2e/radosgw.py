"""Ceph's S3 gateway without a cluster: one monitor, one OSD in memory, one radosgw, all in a temporary folder.

It verifies signatures (header, presigned, chunk-signed) and the body's hash, over HTTP and HTTPS. It does not look at
the region and service of the credential scope, nor does it insist on signed x-amz-* headers.
"""

import json
import shutil
import socket
import uuid

from certificates import Authority
from processes import Program, answers, find_program, free_ports, run, temporary_folder

ACCESS_KEY_ID = "AKIARADOSGWEXAMPLE01"
SECRET_ACCESS_KEY = "radosgw/secret/of/the/e2e/tests/1234567X"
# Names below amazonaws.com that are no buckets.
HOSTS = ["s3.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "s3.amazonaws.com", "sts.us-east-1.amazonaws.com",
         "sts.amazonaws.com", "iam.amazonaws.com", "localhost", "127.0.0.1"]
STS_KEY = "0123456789abcdef"

CONF = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_port}]
mon initial members = a
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {folder}/keyring
run dir = {folder}
admin socket =
log file = {folder}/$name.ceph.log
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
mon cluster log to file = false
paxos propose interval = 0.02
[mon.a]
mon data = {folder}/mon
public addr = 127.0.0.1
[osd.0]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
public addr = 127.0.0.1
cluster addr = 127.0.0.1
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{http_port} ssl_endpoint=127.0.0.1:{https_port} ssl_certificate={chain} ssl_private_key={key}
rgw dns name = s3.us-east-1.amazonaws.com
rgw enable gc threads = false
rgw enable lc threads = false
rgw enable quota threads = false
rgw s3 auth use sts = true
rgw sts key = {sts_key}
rgw thread pool size = 32
debug rgw = {debug}
"""


class Radosgw:
    def __init__(self, authority: Authority, debug=1):
        self.folder = temporary_folder("radosgw")
        self.programs = []
        mon_port, self.http_port, self.https_port = free_ports(3)
        leaf = authority.leaf(self.folder, "radosgw", ["*.amazonaws.com", "*.us-east-1.amazonaws.com",
                                                       "*.s3.us-east-1.amazonaws.com", "*.s3.amazonaws.com",
                                                       "localhost", "127.0.0.1"])
        self.conf = self.folder / "ceph.conf"
        self.fsid = str(uuid.uuid4())
        self.conf.write_text(CONF.format(folder=self.folder, fsid=self.fsid, mon_port=mon_port, debug=debug,
                                         http_port=self.http_port, https_port=self.https_port, chain=leaf.chain,
                                         key=leaf.key, sts_key=STS_KEY))
        try:
            self._start(mon_port)
        except BaseException:
            self.stop()
            raise

    def _tool(self, name, *args, **more):
        return run([find_program(name), "-c", self.conf, *args], folder=self.folder, **more)

    def _daemon(self, name, *args):
        program = Program([find_program(name), "-c", self.conf, "-f", *args], self.folder, name)
        self.programs.append(program)
        return program

    def _make_keys(self):
        keyring = self.folder / "keyring"
        caps = {"mon.": ["mon", "allow *"],
                "client.admin": ["mon", "allow *", "osd", "allow *", "mds", "allow *", "mgr", "allow *"],
                "client.rgw": ["mon", "allow rw", "osd", "allow rwx"],
                "osd.0": ["mon", "allow profile osd", "osd", "allow *"]}
        for number, (name, pairs) in enumerate(caps.items()):
            flags = [f for where, what in zip(pairs[::2], pairs[1::2]) for f in ("--cap", where, what)]
            create = ["--create-keyring"] if number == 0 else []
            run([find_program("ceph-authtool"), keyring, *create, "--gen-key", "-n", name, *flags])

    def _start(self, mon_port):
        self._make_keys()
        monmap = self.folder / "monmap"
        run([find_program("monmaptool"), "--create", "--fsid", self.fsid, "--addv", "a",
             f"[v2:127.0.0.1:{mon_port}]", monmap])
        self._tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", self.folder / "keyring")
        self._daemon("ceph-mon", "-i", "a").until(lambda: answers(mon_port), 60)
        osd_id = str(uuid.uuid4())
        self._tool("ceph", "osd", "new", osd_id, "0")
        (self.folder / "osd").mkdir()
        self._tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd_id)
        osd = self._daemon("ceph-osd", "-i", "0")
        osd.until(lambda: b"1 up" in self._tool("ceph", "osd", "stat"), 60, "up")
        self._make_user()
        gateway = self._daemon("radosgw", "-n", "client.rgw")
        gateway.until(self._serves, 60)

    def _make_user(self):
        # The first command of all also makes the default zone group.
        self._tool("radosgw-admin", "user", "create", "--uid", "tester", "--display-name", "tester",
                   "--access-key", ACCESS_KEY_ID, "--secret-key", SECRET_ACCESS_KEY, "--caps", "roles=*;user-policy=*")
        group = json.loads(self._tool("radosgw-admin", "zonegroup", "get"))
        group["hostnames"] = HOSTS
        self._tool("radosgw-admin", "zonegroup", "set", stdin=json.dumps(group).encode())

    def make_account(self, name, access_key_id, secret_access_key):
        self._tool("radosgw-admin", "user", "create", "--uid", name, "--display-name", name,
                   "--access-key", access_key_id, "--secret-key", secret_access_key)

    def _serves(self):
        try:
            with socket.create_connection(("127.0.0.1", self.http_port), timeout=5) as s:
                s.sendall(b"GET / HTTP/1.0\r\nHost: s3.amazonaws.com\r\n\r\n")
                return s.recv(100).startswith(b"HTTP/1.")
        except OSError:
            return False

    def log(self):
        return (self.folder / "client.rgw.ceph.log").read_text(errors="replace")

    def stop(self):
        for program in reversed(self.programs):
            program.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":   # a gateway by hand: tests/e2e/radosgw.py
    import signal
    own = temporary_folder("certificates")
    server = Radosgw(Authority(own), debug=20)
    print(f"http {server.http_port} https {server.https_port} ca {own}/ca.pem folder {server.folder}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        server.stop()
        shutil.rmtree(own)
