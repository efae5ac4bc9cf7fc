#!/usr/bin/python3
"""SigV4A compared with @smithy/signature-v4a and with aws-c-auth (npm's aws-crt) over random requests (see
differential.py). Signatures differ each time, so each side verifies the other's, by the public key that it derived.

@smithy/signature-v4a does not presign: it gets the requests that are signed in the header, aws-c-auth gets all.
"""
import differential
import random_request

# aws-c-auth takes ":/" in a target for the end of a URI's scheme; smithy knows blanks and tabs alone within a value.
LIMITS = random_request.Limits(path_colon_slash=False, odd_blanks=False)


def random_ask(rng):
    ask = random_request.random_ask(rng, LIMITS)
    return {**ask, "sigv4a": True, "region": rng.choice(["*", "us-east-1", "us-east-1,eu-*", "eu-west-1,us-west-2"])}


def questions(asks, ours):
    """What the others are asked: to sign the same, and to look at what we made."""
    made = ("signature", "public_key", "canonical_request")
    return [{**a, **{key: o[key] for key in made}} for a, o in zip(differential.as_sent(asks, ours), ours)]


def verdicts(args, asks, theirs):
    """What our verify() says about requests as others have signed them."""
    signed = []
    for ask, other in zip(asks, theirs):
        path, _, query = other.get("target", ask["path"] + "?" + ask["query"]).partition("?")
        signed.append({**ask, "verify": True, "path": path, "query": query, "headers": other["headers"]})
    return [answer["objection"] for answer in differential.ask_driver(args, signed)]


def compare(args, name, program, asks, ours):
    asked = questions(asks, ours)
    theirs = differential.ask_node(args, program, asked)
    failed = next((o["error"] for o in theirs if "error" in o), "")
    wrong = differential.Differences(name)
    if failed:
        wrong.tell(asked[[o.get("error") for o in theirs].index(failed)], failed=failed)
        wrong.end("")
    for ask, made, other, objection in zip(asked, ours, theirs, verdicts(args, asked, theirs)):
        same_texts = all(made[key] == other.get(key, made[key]) for key in ("canonical_request", "string_to_sign", "public_key"))
        if not same_texts or not other["accepts_ours"] or objection or made["objection"]:
            wrong.tell(ask, ours=made, theirs=other, accepts_ours=other["accepts_ours"], our_verify_says_of_theirs=objection or "right")
    presigned = sum(a["presign"] for a in asks)
    wrong.end(f"{name}: {len(asks) - presigned} in the header, {presigned} presigned; each side accepts the other's")


def main():
    args = differential.arguments(count=1200)
    versions = [differential.node_version(args, p) for p in ("@smithy/signature-v4a", "aws-crt")]
    rng = differential.begin(", ".join(versions), args)
    asks = [random_ask(rng) for _ in range(args.count)]
    ours = differential.ask_driver(args, asks)
    in_header = [i for i, a in enumerate(asks) if not a["presign"]]
    compare(args, "smithy", "smithy_signer.js", [asks[i] for i in in_header], [ours[i] for i in in_header])
    compare(args, "aws-c-auth", "crt_signer.js", asks, ours)


if __name__ == "__main__":
    main()
