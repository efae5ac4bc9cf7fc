"""Programs that a test starts, and how it knows that they are ready.

Every program dies with the test (also when the test is killed), writes its output into a file of its own, and is
waited for by what it does (a port that answers, a line that appears), never for a length of time.
"""

import atexit
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

# One factor for all time limits: sanitizer builds are slow, and so are busy machines.
PATIENCE = float(os.environ.get("E2E_PATIENCE", "1"))


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Timeout(AssertionError):
    pass


def until(condition, seconds=10.0, what="condition"):
    """The first true value of condition(); asks often, gives up after `seconds`."""
    end = time.monotonic() + seconds * PATIENCE
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"{what}: not within {seconds * PATIENCE:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def free_ports(count):
    """Ports that were free a moment ago; all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def answers(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


def find_program(name):
    """A program of Debian's, past whatever shims come first in PATH."""
    places = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", *os.environ.get("PATH", "").split(":")]
    found = shutil.which(name, path=":".join(places))
    if not found:
        raise FileNotFoundError(f"{name} is needed by this test; tests/packages names the Debian packages")
    return found


class Program:
    """A running program. Its two outputs are in the file `output`."""

    def __init__(self, argv, folder, name=None, env=None):
        self.name = name or pathlib.Path(argv[0]).name
        self.output = pathlib.Path(folder) / f"{self.name}.log"
        self.argv = [str(a) for a in argv]
        with open(self.output, "ab") as out:
            self.child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env,
                preexec_fn=_die_with_parent, cwd=folder)

    @property
    def pid(self):
        return self.child.pid

    def text(self):
        return self.output.read_text(errors="replace")

    def running(self):
        return self.child.poll() is None

    def until(self, condition, seconds=10.0, what="ready"):
        """As until() above, but a program that has ended is reported at once, with the end of its output."""
        def check():
            value = condition()
            if not value and not self.running():
                raise AssertionError(f"{self.name} ended with {self.child.returncode}:\n{self.text()[-3000:]}")
            return value
        try:
            return until(check, seconds, f"{self.name} {what}")
        except Timeout as e:
            raise Timeout(f"{e}\n{self.text()[-3000:]}") from None

    def until_says(self, words, seconds=10.0):
        return self.until(lambda: words in self.text(), seconds, f"says {words!r}")

    def stop(self, sig=signal.SIGTERM, seconds=10.0):
        """Ends it; the exit status (negative: the signal that ended it)."""
        if self.running():
            self.child.send_signal(sig)
        try:
            return self.child.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Timeout(f"{self.name} did not end after signal {sig}:\n{self.text()[-3000:]}") from None

    def kill(self):
        if self.running():
            self.child.kill()
        self.child.wait()


def run(argv, folder=None, env=None, seconds=60, stdin=None):
    """Runs to the end; raises with the output if it failed. Standard output."""
    argv = [str(a) for a in argv]
    done = subprocess.run(argv, cwd=folder, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=seconds * PATIENCE, preexec_fn=_die_with_parent,
                          stdin=None if stdin is not None else subprocess.DEVNULL)
    if done.returncode:
        raise AssertionError(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout.decode(errors='replace')}"
                             f"{done.stderr.decode(errors='replace')}")
    return done.stdout


def temporary_folder(prefix):
    """Removed when the tests end; E2E_KEEP=1 leaves it for a look."""
    made = pathlib.Path(tempfile.mkdtemp(prefix=f"countersign-{prefix}-"))
    if not os.environ.get("E2E_KEEP"):
        atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
