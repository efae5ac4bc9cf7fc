#!/usr/bin/python3
"""What must hold between signatures of ours, over random requests (see differential.py): what the standard calls equal is
signed alike, what differs is signed otherwise, and the target as it goes onto the wire stays as it is when sent again."""
import differential
import random_request


def shuffled_headers(rng, headers):
    """Another order, but for fields of one name; other letters; more blanks where there are some."""
    names = [name.lower() for name, _ in headers]
    rng.shuffle(names)
    left = {name: [v for n, v in headers if n.lower() == name] for name in names}
    result = []
    for name in names:
        value = left[name].pop(0)
        value = rng.choice(["", " ", "\t "]) + value.replace(" ", rng.choice([" ", "   ", "\t", " \t "])) + rng.choice(["", "  "])
        result.append(["".join(rng.choice([c.upper(), c]) for c in name), value])
    return result


def respelled(rng, text, keep):
    """The same bytes in other percent-encoding; what stands in `keep` stays."""
    return "".join(rng.choice([c, f"%{ord(c):02X}", f"%{ord(c):02x}"]) if c in random_request.UNRESERVED and c not in keep else c for c in text)


def respelled_query(rng, query, rewrite):
    pairs = query.split("&")
    rng.shuffle(pairs)
    if not rewrite:
        return "&".join(pairs)
    # Letters and digits may belong to a %XX: only those far from one are written anew.
    return "&".join(p if "%" in p else respelled(rng, p, "") for p in pairs)


def detour(rng, path):
    """/a/b → /a/./b, /a//b, /a/x/../b: the same for all services but S3."""
    slashes = [i for i, c in enumerate(path) if c == "/"]
    if not slashes:
        return path
    at = rng.choice(slashes)
    return path[:at] + rng.choice(["/.", "/", "/x/..", "/x//./.."]) + path[at:]


def same(rng, ask):
    path = ask["path"]
    if ask["path_rule"] == "standard":
        path = detour(rng, path)
    elif ask["rewrite"] and "%" not in path:
        path = respelled(rng, path, "")
    return {**ask, "path": path, "query": respelled_query(rng, ask["query"], ask["rewrite"]),
            "headers": shuffled_headers(rng, ask["headers"])}


def is_signed(ask, name):
    name = name.lower()
    return name not in ("user-agent", "x-amzn-trace-id") and (ask["sign_all_headers"] or name in map(str.lower, random_request.HEADERS + ["host"]))


def other(rng, ask):
    """(what was changed, the request with it)"""
    signed = [i for i, (name, _) in enumerate(ask["headers"]) if is_signed(ask, name)]
    at = rng.choice(signed)
    name, value = ask["headers"][at]
    headers = ask["headers"]
    s3 = ask["path_rule"] == "s3" and "/" in ask["path"]
    return rng.choice([
        ("method", {**ask, "method": ask["method"] + "S"}),
        ("method's case", {**ask, "method": ask["method"].lower()}),
        ("path", {**ask, "path": ask["path"] + "/other"}),
        *([("a detour, which only S3 takes as it stands", {**ask, "path": detour(rng, ask["path"])})] if s3 else []),
        ("a pair more", {**ask, "query": ask["query"] + "&other"}),
        ("a value", {**ask, "headers": headers[:at] + [[name, value + "!"]] + headers[at + 1:]}),
        ("a header less", {**ask, "headers": headers[:at] + headers[at + 1:]}),
        ("a header more", {**ask, "headers": headers + [["x-amz-other", ""]]}),
        ("a value more", {**ask, "headers": headers + [[name, ""]]}),
        ("payload", {**ask, "payload_hash": "0" * 64}),
        ("secret", {**ask, "secret": ask["secret"] + "A"}),
        ("token", {**ask, "token": ask["token"] + "A"}),
        ("region", {**ask, "region": ask["region"] + "1"}),
        ("service", {**ask, "service": ask["service"] + "1"}),
        ("second", {**ask, "time": "19990101T000000Z"}),
    ])


def main():
    args = differential.arguments(count=3000)
    rng = differential.begin("properties", args)
    asks = [random_request.random_ask(rng) for _ in range(args.count)]
    equals = [same(rng, a) for a in asks]
    changes = [other(rng, a) for a in asks]
    first = differential.ask_driver(args, asks)
    alike = differential.ask_driver(args, equals)
    again = differential.ask_driver(args, [{**a, "rewrite": True} if a["rewrite"] else a for a in differential.as_sent(asks, first)])
    differing = differential.ask_driver(args, [a for _, a in changes])
    wrong = differential.Differences("the standard")
    for ask, made, equal, equal_made, (what, change), change_made, resent in zip(asks, first, equals, alike, changes, differing, again):
        if equal_made["canonical_request"] != made["canonical_request"] or equal_made["signature"] != made["signature"]:
            wrong.tell(ask, the_same_written_otherwise=equal, its_canonical_request=equal_made["canonical_request"], ours=made["canonical_request"])
        if change_made["signature"] == made["signature"]:
            wrong.tell(ask, changed=what, to=change, same_signature=made["canonical_request"])
        if any(resent[key] != made[key] for key in ("path", "query", "signature")):
            wrong.tell(ask, sent=made, sent_again=resent)
    wrong.end("all hold")


if __name__ == "__main__":
    main()
