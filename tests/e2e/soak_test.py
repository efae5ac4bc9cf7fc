"""Mixed load with bodies of every size and coding while upstreams refuse, reset, stall and come back, credentials live five
seconds, and reloads come all the time: nothing is lost, corrupted or written twice, and the end is a clean drain.
E2E_SOAK is how long, in seconds (tests/run --soak MINUTES)."""

import collections
import hashlib
import os
import random
import signal
import socket
import threading
import time
import unittest

import chunks
from attacks import HOST
from processes import PATIENCE, until
from proxy import Proxy, to
from refresh_test import FlakyEndpoint
from script import Script
from wire import Client, Truncated, answer

SECONDS = float(os.environ.get("E2E_SOAK", "8"))
SEED = int(os.environ.get("E2E_SEED", random.SystemRandom().randrange(2**32)))
SECRET = "refresh/secret/of/the/tests/000000000000"      # FlakyEndpoint's
SIZES = [0, 10, 20_000, 300_000, 2 << 20, 9 << 20]
CLIENTS = 6


class Bucket(Script):
    """Keeps what arrives whole. Faults come before that, so that an error means that nothing was kept."""

    def __init__(self, rng):
        self.rng, self.kept = rng, collections.defaultdict(list)
        self.lock = threading.Lock()
        self.calm = False
        super().__init__(self.keep)

    def keep(self, reader, sock, _):
        try:
            while (head := reader.head()) and self.take(head, reader, sock):
                pass
        except Truncated:
            pass     # a request that was broken off

    def take(self, head, reader, sock):
        with self.lock:
            fault = "none" if self.calm else self.rng.choice(["none"] * 9 + ["503", "close", "reset", "stall", "half"])
        if fault == "503":      # in place of an invitation, or of reading
            sock.sendall(answer("503 Slow Down", headers=[("Connection", "close")]))
            return False
        if fault == "close":
            return False
        if head.get("expect"):
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault == "half":
            reader.exactly(int(head.get("content-length", "0")) // 2)
        if fault in ("reset", "half"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")     # close resets
            return False
        if fault == "stall":
            time.sleep(0.2)
        head.body = read_body(reader, int(head.get("content-length", "0")))
        content, _ = chunks.content_of(head, SECRET)
        digest = hashlib.sha256(content).hexdigest()
        with self.lock:
            self.kept[head.get("x-amz-meta-id")].append(digest)
        sock.sendall(answer(body=digest.encode()))
        return True


def read_body(reader, length):
    taken = bytearray(reader.buffer[:length])
    reader.buffer = reader.buffer[length:]
    while len(taken) < length:
        piece = reader.sock.recv(min(1 << 18, length - len(taken)))
        if not piece:
            raise Truncated("inside a body")
        taken += piece
    return bytes(taken)


class Writer(threading.Thread):
    """One client after the other; (id, digest, status) of each upload, status None where the connection broke."""

    def __init__(self, port, number, stop):
        super().__init__(daemon=True)
        self.port, self.number, self.stop, self.done = port, number, stop, []
        self.rng = random.Random(SEED + number)
        self.start()

    def run(self):
        client = None
        while not self.stop.is_set():
            name = f"{self.number}-{len(self.done)}"
            body = self.rng.randbytes(min(self.rng.choice(SIZES), 1 << 16)) * self.rng.choice([1, 1, 8, 40, 150])
            digest, status = hashlib.sha256(body).hexdigest(), None
            try:
                client = client or Client(self.port)
                got = client.ask(self.request(name, body))
                status = got.status
                if (got.get("connection") or "").lower() == "close":
                    client.close()
                    client = None
            except (OSError, Truncated):
                client = None
            self.done.append((name, digest, status))

    def request(self, name, body):
        head = f"PUT /{name} HTTP/1.1\r\n{HOST}X-Amz-Meta-Id: {name}\r\n"
        kind = self.rng.choice(["plain", "plain", "chunked", "hash", "coded", "unsigned"])
        if kind == "chunked":
            coded = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
            return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + coded
        if kind == "hash":
            head += f"X-Amz-Content-Sha256: {hashlib.sha256(body).hexdigest()}\r\n"
        if kind == "unsigned":
            head += "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n"
        if kind == "coded":
            head += (f"X-Amz-Content-Sha256: {chunks.UNSIGNED}\r\nX-Amz-Decoded-Content-Length: {len(body)}\r\n"
                     "Content-Encoding: aws-chunked\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n")
            body = chunks.encode(body, [("x-amz-checksum-crc32", chunks.crc32(body))])
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Soak(unittest.TestCase):
    def test_faults_reloads_and_short_keys(self):
        print(f"seed {SEED} (E2E_SEED) ", end="", flush=True)
        endpoint, bucket = FlakyEndpoint(), Bucket(random.Random(SEED))
        self.addCleanup(endpoint.upstream.close)
        self.addCleanup(bucket.close)
        proxy = Proxy([to(bucket.port)], descriptors=64, retry={"max_attempts": 5},
                      env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{endpoint.upstream.port}/keys"})
        self.addCleanup(proxy.program.kill)
        stop = threading.Event()
        writers = [Writer(proxy.port, n, stop) for n in range(CLIENTS)]
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(0.5)
            os.kill(proxy.pid, signal.SIGHUP)
        stop.set()
        for writer in writers:
            writer.join(60 * PATIENCE)
        self.check(writers, bucket)
        bucket.calm = True
        self.assertEqual(proxy.ask(f"PUT /last HTTP/1.1\r\n{HOST}Content-Length: 0\r\nX-Amz-Meta-Id: last\r\n\r\n").status, 200)
        until(lambda: len(os.listdir(f"/proc/{proxy.pid}/fd")) < 40, 10, "has given its descriptors back")
        proxy.check_log([SECRET])
        proxy.stop()

    def check(self, writers, bucket):
        self.assertEqual(bucket.faults, [])
        done = [d for w in writers for d in w.done]
        well = [d for d in done if d[2] == 200]
        for name, digest, status in done:
            kept = bucket.kept[name]
            self.assertTrue(set(kept) <= {digest}, f"{name} was corrupted")
            self.assertLessEqual(len(kept), 1, f"{name} was written twice")
            if status == 200:
                self.assertEqual(kept, [digest], f"{name} was lost")
            else:
                # None: answered in the middle of a large upload, and reset while it went on
                self.assertIn(status, (500, 502, 503, 504, None), f"{name}: an error of the proxy's own making")
                self.assertEqual(kept, [], f"{name} was kept, and its client told otherwise")
        print(f"[{len(done)} uploads, {len(well)} well] ", end="", flush=True)
        self.assertGreater(len(well), len(done) * 0.7)


if __name__ == "__main__":
    unittest.main()
