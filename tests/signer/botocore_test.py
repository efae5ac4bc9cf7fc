#!/usr/bin/python3
"""Signs random requests with our signer and with botocore, an implementation that is not ours, and compares.

    botocore_test.py PATH-TO-sign_driver [--count N] [--seed N]

The target that botocore signs is the one that the driver says goes onto the wire. Exit status 1 on the first differences,
which are printed with everything needed to repeat them.
"""
import argparse
import datetime
import hashlib
import json
import random
import string
import subprocess
import sys
import types
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

UNRESERVED = string.ascii_letters + string.digits + "-_.~"
SEGMENTS = ["", ".", "..", "a", "B-c", "%20", "%2F", "%2f", "x+y", "%2B", "%c3%a4", "%C3%A4", "ä", "ሴ", "日本", "~", "%7E", "%7e", "...", ".a",
            "a.", "a%2Fb", "(x)", "!*'", ";v=1", ":", "@", "$", ",", "=", "%25", "%2520", "%", "%zz", "%4", "a:b", "..%2F", "%2e%2e", "%00"]
WORDS = ["", "a", "A", "b", "key", "key2", "list-type", "prefix", "x y", "ä", "ሴ", "+", "/", "a/b", "~", "*", "=", "&", "%", "%20", "a+b", "0", "-",
         "_", "x-id", "X-Amz-Meta"]
HEADERS = ["Content-Type", "content-md5", "Range", "If-Match", "if-none-match", "X-Amz-Target", "x-amz-meta-a", "X-AMZ-META-B", "x-amz-acl"]
MORE_HEADERS = ["Accept", "Cache-Control", "My-Header", "my-header2", "Content-Length", "Date-Of-Birth", "Zebra", "a", "x-custom", "Origin-Trial"]
VALUES = ["a", "", "a  b", " a", "b ", "\ta\t b", "one,two", '"quoted  text"', "ä ö", "a=b; c=d", "0", "x" * 200, "application/x-amz-json-1.0",
          "bytes=0-10"]


class clock:
    """Stands where botocore.auth looks for the module datetime."""

    now = None

    @staticmethod
    def utcnow():
        return clock.now


def encoded(text):
    return "".join(c if c in UNRESERVED and len(c.encode()) == 1 else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def random_path(rng):
    if rng.random() < 0.1:
        return rng.choice(["", "/", "//", "/.", "/..", "/a/", "/./", "/../a", "/a/../..", "/a//b/", "/a/b/.."])
    path = "".join("/" + rng.choice(SEGMENTS) for _ in range(rng.randint(1, 6)))
    return path + (encoded("".join(chr(rng.randint(0x20, 0x2fff)) for _ in range(5))) if rng.random() < 0.3 else "")


def sloppy(rng, text):
    """As some client might encode it: lower-case hex, '+' for a blank, reserved characters left alone."""
    out = ""
    for c in text:
        kind = rng.random()
        if c == " " and kind < 0.5:
            out += "+"
        elif c in "/:*!'()@$,;?" and kind < 0.5 or c in UNRESERVED and kind < 0.9:
            out += c
        else:
            out += "".join(rng.choice([f"%{b:02X}", f"%{b:02x}"]) for b in c.encode())
    return out


def random_query(rng, repeated, clean):
    names, pairs = set(), []
    for _ in range(rng.choice([0, 0, 1, 2, 3, 8, 40])):
        name = rng.choice(WORDS) if repeated else rng.choice(WORDS) + "." + str(len(pairs))
        if not name and not clean:
            continue
        names.add(name)
        write = encoded if clean else lambda t: sloppy(rng, t)
        kind = rng.random()
        value = rng.choice(WORDS)
        pairs.append(write(name) + ("" if kind < 0.15 and name else "=" if kind < 0.3 else "=" + write(value)))
    return "&".join(pairs)


def random_headers(rng, sign_all, host):
    headers = [[rng.choice(["Host", "host", "HOST"]), host]]
    for _ in range(rng.choice([0, 1, 2, 3, 6, 40])):
        headers.append([rng.choice(HEADERS + MORE_HEADERS if sign_all else HEADERS), rng.choice(VALUES)])
    if rng.random() < 0.3:
        headers.append(["User-Agent", "test"])
        headers.append(["X-Amzn-Trace-Id", "Root=1"])
    rng.shuffle(headers)
    return headers


def random_ask(rng):
    s3 = rng.random() < 0.5
    presign = rng.random() < 0.35
    rewrite = rng.random() < 0.5
    sign_all = rng.random() < 0.5
    service = "s3" if s3 else rng.choice(["dynamodb", "execute-api", "es", "sts", "aoss", "service"])
    region = rng.choice(["us-east-1", "eu-west-1", "cn-north-1"])
    body = "" if presign else rng.choice(["", "", "a=b", "{}", "x" * 1000])   # botocore's presigner moves a body into the query
    body_hash = hashlib.sha256(body.encode()).hexdigest()
    path = random_path(rng)
    if not path.isascii() and rewrite is False and s3:
        path = urllib.parse.quote(path, safe="/%~")   # S3 paths are signed as they are sent; raw bytes cannot be
    return {
        "method": rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]),
        "path": path,
        # botocore's presigner keeps one value of each name and does not write empty ones as they were.
        "query": random_query(rng, repeated=not presign, clean=not rewrite),
        "headers": random_headers(rng, sign_all, f"{service}.{region}.amazonaws.com{rng.choice(['', ':8443'])}"),
        "body": body,
        "body_hash": body_hash,
        "payload_hash": "UNSIGNED-PAYLOAD" if s3 and presign else body_hash,
        "service": service,
        "region": region,
        "access_key_id": "AKIA" + "".join(rng.choices(string.ascii_uppercase, k=16)),
        "secret": "".join(rng.choices(string.ascii_letters + "+/", k=rng.choice([40, 40, 40, 1, 61, 200]))),
        "token": "".join(rng.choices(string.ascii_letters + "+/=", k=300)) if rng.random() < 0.5 else "",
        "time": (datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=rng.randrange(2_000_000_000))).strftime("%Y%m%dT%H%M%SZ"),
        "presign": presign,
        "expires": rng.choice([1, 60, 3600, 604800]),
        "path_rule": "s3" if s3 else "standard",
        "sign_all_headers": sign_all,
        "content_sha256_header": s3 and not presign,
        "rewrite": rewrite,
    }


def botocore_signature(ask, made):
    """(signature, canonical request) over the target that our side sends."""
    clock.now = datetime.datetime.strptime(ask["time"], "%Y%m%dT%H%M%SZ")
    credentials = Credentials(ask["access_key_id"], ask["secret"], ask["token"] or None)
    s3 = ask["path_rule"] == "s3"
    if ask["presign"]:
        kind = botocore.auth.S3SigV4QueryAuth if s3 else botocore.auth.SigV4QueryAuth
        auth = kind(credentials, ask["service"], ask["region"], expires=ask["expires"])
    else:
        auth = (botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth)(credentials, ask["service"], ask["region"])
    host = next(v for k, v in ask["headers"] if k.lower() == "host")
    url = "https://" + host + (made["path"] or "/")   # no request line has an empty target
    url += ("?" + made["query"] if made["query"] else "")
    request = AWSRequest(method=ask["method"], url=url, data=ask["body"].encode())
    for name, value in ask["headers"]:
        request.headers.add_header(name, value)
    seen = {}
    plain = auth.canonical_request

    def canonical_request(r):
        seen["text"] = plain(r)
        return seen["text"]

    auth.canonical_request = canonical_request
    auth.add_auth(request)
    if ask["presign"]:
        signature = urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query)["X-Amz-Signature"][0]
    else:
        signature = request.headers["Authorization"].rpartition("Signature=")[2]
    return signature, seen["text"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("driver")
    p.add_argument("--count", type=int, default=6000)
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    args = p.parse_args()
    rng = random.Random(args.seed)
    print(f"botocore {botocore.__version__}, {args.count} requests, --seed {args.seed}", flush=True)
    botocore.auth.datetime = types.SimpleNamespace(datetime=clock)
    asks = [random_ask(rng) for _ in range(args.count)]
    done = subprocess.run([args.driver], input="\n".join(json.dumps(a) for a in asks), capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"the driver failed: {done.stderr}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(asks):
        sys.exit(f"{len(answers)} answers to {len(asks)} requests")
    wrong = 0
    for ask, made in zip(asks, answers):
        signature, canonical = botocore_signature(ask, made)
        if signature != made["signature"] or made["objection"]:
            wrong += 1
            print("--- asked", json.dumps(ask), "--- ours", made["canonical_request"], "--- botocore's", canonical,
                  "--- our verify() says: " + (made["objection"] or "right"), sep="\n")
            if wrong == 3:
                break
    if wrong:
        sys.exit("signatures differ")
    presigned = sum(a["presign"] for a in asks)
    print(f"all equal: {len(asks) - presigned} in the header, {presigned} presigned; every one accepted by verify()")


if __name__ == "__main__":
    main()
