"""The proxy under test: the real binary, its own folder, ports and environment."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from processes import Program, temporary_folder
from wire import Client

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("COUNTERSIGN", ROOT / ".build/dev/proxy/countersign"))

ACCESS_KEY_ID = "AKIAEXAMPLEOFTESTS01"
SECRET_ACCESS_KEY = "a+secret/of/the/end-to-end/tests/4321Zyx"
SESSION_TOKEN = "a-session+token/of/the/end-to-end=tests=="

# What no output of the proxy may ever hold. Tests add their own.
SECRETS = {SECRET_ACCESS_KEY, SESSION_TOKEN}

SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer|Assertion .* failed|std::terminate")
LIVE_SIGNATURE = re.compile(r"\b(?:Signature=|chunk-signature=|X-Amz-Signature=)[0-9a-f]{64}", re.I)


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(str(value))


def configuration(tables, routes):
    lines = []
    for name, keys in tables.items():
        several = isinstance(keys, list)   # [[name]]
        for one in keys if several else [keys]:
            lines += [f"[[{name}]]" if several else f"[{name}]", *(f"{k} = {toml(v)}" for k, v in one.items())]
    for route in routes:
        lines += ["[[route]]", *(f"{k} = {toml(v)}" for k, v in route.items())]
    return "\n".join(lines) + "\n"


def clean_environment(folder, **more):
    """Nothing of the developer's own AWS or proxy settings."""
    kept = {k: v for k, v in os.environ.items()
            if k in ("PATH", "LANG", "TZ") or k.endswith("SAN_OPTIONS")}
    kept.update({"HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true", **more})
    return kept


def static_keys(token=False):
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    if token:
        keys["AWS_SESSION_TOKEN"] = SESSION_TOKEN
    return keys


def port_in_log(program, words="listening on"):
    """The log tells which port the system chose."""
    line = re.compile(words + r" http://127\.0\.0\.1:(\d+)\s")
    return int(program.until(lambda: line.search(program.text()), 20, f"says {words!r}")[1])


class Proxy:
    """`countersign serve`. Tables of the configuration are keyword arguments: Proxy(listen={"workers": 1})."""

    def __init__(self, routes=(), env=None, args=(), ready=True, descriptors=None, file_blocks=None, **tables):
        self.folder = temporary_folder("proxy")
        tables.setdefault("listen", {}).setdefault("workers", 2)
        tables["listen"].setdefault("address", "127.0.0.1:0")
        tables.setdefault("admin", {}).setdefault("address", "127.0.0.1:0")
        tables.setdefault("credentials", {}).setdefault("region", "us-east-1")
        config = self.folder / "countersign.toml"
        config.write_text(configuration(tables, routes))
        environment = clean_environment(self.folder, **(static_keys() if env is None else env))
        limits = [f"ulimit -n {descriptors} && "] if descriptors else []
        limits += [f"ulimit -f {file_blocks} && "] if file_blocks else []     # of 512 bytes
        limited = ["/bin/sh", "-c", "".join(limits) + 'exec "$@"', "sh"] if limits else []
        self.program = Program(
            [*limited, BINARY, "serve", "--config", config, *args], self.folder, "countersign", environment)
        self.admin_port = self.port_of("admin on")
        self.port = self.port_of("listening on")
        if ready:
            self.program.until(self.is_ready, 20, "is ready")

    def port_of(self, words):
        return port_in_log(self.program, words)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.program.kill()
            print(f"--- the proxy's log:\n{self.log()[-4000:]}")
            shutil.rmtree(self.folder, ignore_errors=True)

    def is_ready(self):
        try:
            return self.admin("/readyz").status == 200
        except (OSError, http.client.HTTPException):   # not yet; or, before it listens, our own connection to itself
            return False

    @property
    def pid(self):
        return self.program.pid

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def log(self):
        return self.program.text()

    def client(self, **more):
        return Client(self.port, **more)

    def ask(self, text, method="GET", **more):
        """One request on a connection of its own."""
        with self.client(**more) as client:
            return client.ask(text, method)

    def admin(self, path, method="GET", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            connection.close()

    def metric(self, name, **labels):
        """The sum of all series of that name that carry these labels."""
        total = 0.0
        for line in self.admin("/metrics").text.splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name:
                own = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
                if all(own.get(k) == v for k, v in labels.items()):
                    total += float(found[3])
        return total

    def resident(self, peak=False):
        """Bytes of resident memory, now or at the most so far."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)" if peak else r"VmRSS:\s+(\d+)", text)[1]) * 1024

    def check_log(self, extra=()):
        """No secret, no live signature, no control byte, no sanitizer's report in anything it said."""
        raw = self.program.output.read_bytes()
        text = raw.decode("latin-1")
        for secret in {*SECRETS, *extra}:
            assert secret not in text, f"a secret stands in the log: {secret[:6]}…"
        assert not LIVE_SIGNATURE.search(text), "a live signature stands in the log"
        control = set(raw) & (set(range(32)) - {9, 10} | {127})
        if os.environ.get("E2E_SANITIZER") is None:
            assert not control, f"control bytes {control} in the log"
        found = SANITIZER.search(text)
        assert not found, f"{found[0]}:\n{text[-6000:]}"

    def stop(self, seconds=40.0, expect=0):
        status = self.program.stop(signal.SIGTERM, seconds)
        self.check_log()
        assert status == expect, f"exit status {status}:\n{self.log()[-4000:]}"
        shutil.rmtree(self.folder, ignore_errors=True)


def command(*args, env=None, stdin=b"", seconds=30):
    """Runs another subcommand; the finished process with its outputs."""
    folder = temporary_folder("command")
    try:
        return subprocess.run([str(BINARY), *map(str, args)], input=stdin, capture_output=True, timeout=seconds,
                              env=clean_environment(folder, **(static_keys() if env is None else env)), cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def to(port, scheme="http", host="*.amazonaws.com", **more):
    """A route that dials a server of the test instead of AWS."""
    return {"host": host, "connect": f"127.0.0.1:{port}", "scheme": scheme, **more}
