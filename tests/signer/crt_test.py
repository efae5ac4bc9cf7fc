#!/usr/bin/python3
"""The signer compared with aws-c-auth, as npm's aws-crt has it, over random requests (see differential.py)."""
import differential
import random_request

# The library reads the target as a URI and takes ":/" in it for the end of a scheme.
LIMITS = random_request.Limits(path_colon_slash=False, half_rules=True, token_after=True)


def main():
    args = differential.arguments(count=6000)
    rng = differential.begin(differential.node_version(args, "aws-crt"), args)
    asks = [random_request.random_ask(rng, LIMITS) for _ in range(args.count)]
    ours = differential.ask_driver(args, asks)
    theirs = differential.ask_node(args, "crt_signer.js", differential.as_sent(asks, ours))

    def log(asked, made):
        command, environment = differential.node(args, "crt_signer.js")
        return differential.ask([*command, "--explain"], differential.as_sent([asked], [made]), environment)[1]

    differential.compare_signatures(asks, ours, theirs, "aws-c-auth", log)


if __name__ == "__main__":
    main()
