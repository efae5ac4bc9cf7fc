#!/usr/bin/python3
"""The signer compared with botocore over random requests (see differential.py). The target that botocore signs is the one
that the driver says goes onto the wire."""
import datetime
import types
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import differential
import random_request

# botocore's presigner keeps one value of each name and moves a body into the query.
LIMITS = random_request.Limits(repeated_names_presigned=False, body_presigned=False)


class clock:
    """Stands where botocore.auth looks for the module datetime."""

    now = None

    @staticmethod
    def utcnow():
        return clock.now


def chosen_auth(ask):
    credentials = Credentials(ask["access_key_id"], ask["secret"], ask["token"] or None)
    s3 = ask["path_rule"] == "s3"
    if ask["presign"]:
        kind = botocore.auth.S3SigV4QueryAuth if s3 else botocore.auth.SigV4QueryAuth
        return kind(credentials, ask["service"], ask["region"], expires=ask["expires"])
    return (botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth)(credentials, ask["service"], ask["region"])


def botocore_answer(ask, made):
    """Signature and canonical request over the target that our side sends."""
    clock.now = datetime.datetime.strptime(ask["time"], "%Y%m%dT%H%M%SZ")
    auth = chosen_auth(ask)
    host = next(v for k, v in ask["headers"] if k.lower() == "host")
    url = "https://" + host + (made["path"] or "/")   # no request line has an empty target
    url += ("?" + made["query"] if made["query"] else "")
    request = AWSRequest(method=ask["method"], url=url, data=ask["body"].encode())
    for name, value in ask["headers"]:
        request.headers.add_header(name, value)
    seen = {}
    plain = auth.canonical_request

    def canonical_request(r):
        seen["canonical_request"] = plain(r)
        return seen["canonical_request"]

    auth.canonical_request = canonical_request
    auth.add_auth(request)
    if ask["presign"]:
        seen["signature"] = urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query)["X-Amz-Signature"][0]
    else:
        seen["signature"] = request.headers["Authorization"].rpartition("Signature=")[2]
    return seen


def main():
    args = differential.arguments(count=6000)
    rng = differential.begin(f"botocore {botocore.__version__}", args)
    botocore.auth.datetime = types.SimpleNamespace(datetime=clock)
    asks = [random_request.random_ask(rng, LIMITS) for _ in range(args.count)]
    ours = differential.ask_driver(args, asks)
    differential.compare_signatures(asks, ours, map(botocore_answer, asks, ours), "botocore")


if __name__ == "__main__":
    main()
