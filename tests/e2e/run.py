#!/usr/bin/python3
"""Runs the end-to-end tests: run.py [--list] [WORD…] takes those whose name contains one of the words. The last
line is "N passed, N failed, N skipped"; with --list nothing is run, and the names are all that is written. The binary is $COUNTERSIGN, else the dev preset's."""

import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("COUNTERSIGN", str(HERE.parents[1] / ".build/dev/proxy/countersign"))
os.environ["COUNTERSIGN"] = os.path.abspath(os.environ["COUNTERSIGN"])


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Told(unittest.TextTestResult):
    """One line a test, with its time."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def getDescription(self, test):
        return test.id()

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok ({time.monotonic() - self.began:.1f} s)")
        self.stream.flush()


def main(words):
    only_list = words[:1] == ["--list"]
    words = words[only_list:]
    loader = unittest.TestLoader()
    tests = []
    for path in sorted(HERE.glob("*_test.py")):
        tests += flatten(loader.loadTestsFromName(path.stem))
    chosen = [t for t in tests if not words or any(w.lower() in t.id().lower() for w in words)]
    if only_list:
        print(*(t.id() for t in chosen), sep="\n", end="\n" if chosen else "")
        return 0
    result = unittest.TextTestRunner(verbosity=2, resultclass=Told, stream=sys.stdout).run(unittest.TestSuite(chosen))
    skipped = len(result.skipped)
    failed = len({str(t) for t, _ in result.failures + result.errors}) + len(result.unexpectedSuccesses)
    print(f"{max(result.testsRun - failed - skipped, 0)} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
