#!/usr/bin/python3
"""The signer compared with @smithy/signature-v4 over random requests (see differential.py). What the package leaves to its
caller is done, and named, in smithy_signer.js."""
import differential
import random_request

# Of white space within a value the package knows blanks and tabs alone (HTTP allows no other).
LIMITS = random_request.Limits(odd_blanks=False)


def main():
    args = differential.arguments(count=6000)
    rng = differential.begin(differential.node_version(args, "@smithy/signature-v4"), args)
    asks = [random_request.random_ask(rng, LIMITS) for _ in range(args.count)]
    ours = differential.ask_driver(args, asks)
    theirs = differential.ask_node(args, "smithy_signer.js", differential.as_sent(asks, ours))
    differential.compare_signatures(asks, ours, theirs, "smithy")


if __name__ == "__main__":
    main()
