#!/usr/bin/python3
"""Random URLs through `countersign presign` and through botocore's presigner, an implementation that is not ours.

    presign_botocore_test.py PATH-TO-countersign [--count N] [--seed N]

botocore presigns what our URL says without its presignature, so both sign the same bytes on the wire.
"""
import argparse
import concurrent.futures
import datetime
import pathlib
import random
import subprocess
import sys
import types
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "signer"))
import random_request   # noqa: E402

HOSTS = [("bucket.s3.eu-west-1.amazonaws.com", "s3", "eu-west-1"), ("s3.cn-north-1.amazonaws.com.cn", "s3", "cn-north-1"),
         ("sqs.eu-west-1.amazonaws.com", "sqs", "eu-west-1"), ("abc123.execute-api.us-east-1.amazonaws.com", "execute-api", "us-east-1"),
         ("sts.us-east-2.amazonaws.com", "sts", "us-east-2"), ("transcribestreaming.us-west-2.amazonaws.com", "transcribe", "us-west-2")]


class clock:
    """Stands where botocore.auth looks for the module datetime."""

    now = None

    @staticmethod
    def utcnow():
        return clock.now


def random_ask(rng):
    host, service, region = rng.choice(HOSTS)
    path = random_request.random_path(rng, random_request.Limits()).replace("#", "%23")
    query = random_request.random_query(rng, repeated=False, clean=rng.random() < 0.5).replace("#", "%23")
    keys = random_request.random_keys(rng)
    return types.SimpleNamespace(
        url=rng.choice(["https://", "https://", "http://"]) + host + rng.choice(["", "", ":8443"]) + path + ("?" + query if query else ""),
        service=service, region=region, token=keys["token"], method=rng.choice(["GET", "PUT", "DELETE", "HEAD", "POST"]),
        key=keys["access_key_id"], secret=keys["secret"], time=random_request.random_time(rng),
        expires=rng.choice([1, 60, 3600, 604800]), by_flag=rng.random() < 0.3)


def ours(binary, ask):
    flags = ["--method", ask.method, "--time", ask.time, "--expires", str(ask.expires)]
    flags += ["--service", ask.service, "--region", ask.region] if ask.by_flag else []
    done = subprocess.run([binary, "presign", *flags, "--", ask.url], capture_output=True, text=True, timeout=60,
                          env={"AWS_ACCESS_KEY_ID": ask.key, "AWS_SECRET_ACCESS_KEY": ask.secret, "AWS_SESSION_TOKEN": ask.token,
                               "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})
    return done.stdout.removesuffix("\n") if done.returncode == 0 and not done.stderr else f"failed: {done.stderr}"


def parameters(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True))


def theirs(ask, made):
    clock.now = datetime.datetime.strptime(ask.time, "%Y%m%dT%H%M%SZ")
    credentials = Credentials(ask.key, ask.secret, ask.token or None)
    kind = botocore.auth.S3SigV4QueryAuth if ask.service == "s3" else botocore.auth.SigV4QueryAuth
    mark = made.index("X-Amz-Algorithm=")
    request = AWSRequest(method=ask.method, url=made[:mark].rstrip("?&"), data=b"")
    kind(credentials, ask.service, ask.region, expires=ask.expires).add_auth(request)
    return request.url


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("--count", type=int, default=400)
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    args = p.parse_args()
    rng = random.Random(args.seed)
    print(f"botocore {botocore.__version__}, {args.count} URLs, --seed {args.seed}", flush=True)
    botocore.auth.datetime = types.SimpleNamespace(datetime=clock)
    asks = [random_ask(rng) for _ in range(args.count)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        all_made = list(pool.map(lambda ask: ours(args.binary, ask), asks))
    wrong = 0
    for ask, made in zip(asks, all_made):
        expected = made if made.startswith("failed") else theirs(ask, made)
        # A name without '=' stays so on our wire, botocore writes one: only the signature's own parameters must agree.
        names = [name for name in parameters(expected) if name.startswith("X-Amz-") and name != "X-Amz-Meta"]
        if made.startswith("failed") or [parameters(made).get(n) for n in names] != [parameters(expected)[n] for n in names]:
            wrong += 1
            print("--- asked", vars(ask), "--- ours", made, "--- botocore's", expected, sep="\n")
    if wrong or len(asks) < 1:
        sys.exit(f"{wrong} of {len(asks)} differ")
    print(f"all {len(asks)} equal")


if __name__ == "__main__":
    main()
