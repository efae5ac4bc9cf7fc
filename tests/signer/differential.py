"""What the comparisons with other implementations share: arguments, the programs that sign, and how a difference is told.

    NAME_test.py PATH-TO-sign_driver [--count N] [--seed N] [--modules FOLDER]

Exit status 1 on the first differences, which are printed with everything needed to repeat them.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
MOST_TOLD = 3


def arguments(count):
    p = argparse.ArgumentParser()
    p.add_argument("driver")
    p.add_argument("--count", type=int, default=count)
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    p.add_argument("--modules", default=HERE.parents[1] / ".build/npm/node_modules", help="node_modules, as tests/run installs it")
    return p.parse_args()


def begin(name, args):
    """Says how to repeat this run; the generator to use."""
    print(f"{name}, {args.count} requests, --seed {args.seed}", flush=True)
    return random.Random(args.seed)


def ask(command, asks, environment=None):
    """One answer for each question, in their order; and what was said beside them."""
    lines = "".join(json.dumps(a) + "\n" for a in asks)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=110, env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(asks):
        sys.exit(f"{len(answers)} answers to {len(asks)} requests: {done.stderr}")
    return answers, done.stderr


def ask_driver(args, asks):
    return ask([args.driver], asks)[0]


def node(args, program):
    """How to run a program that is made of other people's packages."""
    return ["node", str(HERE / program)], {"NODE_PATH": str(args.modules)}


def ask_node(args, program, asks):
    command, environment = node(args, program)
    return ask(command, asks, environment)[0]


def as_sent(asks, ours):
    """The same requests with the target that the driver says goes onto the wire: what the others are to sign."""
    return [{**a, "path": o["path"], "query": o["query"]} for a, o in zip(asks, ours)]


def node_version(args, package):
    return f"{package} {json.loads((pathlib.Path(args.modules) / package / 'package.json').read_text())['version']}"


class Differences:
    """Counts and tells; end() fails when there were any."""

    def __init__(self, theirs):
        self.theirs = theirs
        self.count = 0

    def tell(self, asked, **texts):
        self.count += 1
        print("--- asked", json.dumps(asked), sep="\n")
        for name, text in texts.items():
            print(f"--- {name.replace('_', ' ')}", text if isinstance(text, str) else json.dumps(text), sep="\n")
        if self.count == MOST_TOLD:
            self.end("")

    def end(self, summary):
        if self.count:
            sys.exit(f"we and {self.theirs} differ")
        print(summary)


def compare_signatures(asks, ours, theirs, name, explain=lambda asked, made: ""):
    """Every signature must be theirs, and one that our own verify() accepts. `explain` finds the canonical request of an
    implementation that does not tell it."""
    wrong = Differences(name)
    for asked, made, other in zip(asks, ours, theirs):
        if other.get("error") or made["signature"] != other["signature"] or made["objection"]:
            wrong.tell(asked, sent_target=made["path"] + "?" + made["query"], ours=made["canonical_request"],
                       theirs=other.get("error") or other.get("canonical_request") or explain(asked, made),
                       our_verify_says=made["objection"] or "right")
    presigned = sum(a["presign"] for a in asks)
    judged = sum(not a["token_after"] for a in asks)
    wrong.end(f"all equal: {len(asks) - presigned} in the header, {presigned} presigned; verify() was asked {judged} times and accepted")
