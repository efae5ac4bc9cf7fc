#!/usr/bin/python3
"""Signed aws-chunked bodies over random content (see differential.py). What stands on the wire is taken apart here, by the
page of AWS that smithy_stream_signer.js names; its signatures are compared with those of AWS's SDK for JavaScript (SigV4),
or verified with OpenSSL's ECDSA in Node (SigV4A; by the public key that sigv4a_test.py compares with the SDK's)."""
import re

import differential
import random_request

V4 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
V4A = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
SMALLEST = 8192
CHUNK = re.compile(rb"([0-9a-f]+);chunk-signature=([0-9a-f]+\**)\r\n")
TRAILERS = ["x-amz-checksum-crc32", "x-amz-checksum-sha256", "x-amz-meta-a", "a", "zebra"]
VALUES = ["sOO8/Q==", "a", "a  b", "=", "a:b", "", '"q"']


def random_ask(rng):
    asymmetric, with_trailer = rng.random() < 0.3, rng.random() < 0.5
    size = rng.choice([SMALLEST, SMALLEST + 1, 20000])
    length = rng.choice([0, 1, 100, size - 1, size, size + 1, 2 * size, rng.randrange(3 * size)])
    trailers = [[name, rng.choice(VALUES)] for name in sorted(rng.sample(TRAILERS, rng.randint(1, 3)))] if with_trailer else []
    return {"form": (V4A if asymmetric else V4) + ("-TRAILER" if with_trailer else ""), "content": rng.randbytes(length).hex(),
            "chunk_size": size, "piece": rng.choice([1000, 4096, 1 << 20]), "trailers": trailers, "service": "s3",
            # Of a length of its own: an ECDSA signature has 140 to 144 digits.
            "region": rng.choice(["us-east-1", "eu-west-1"]), "seed": rng.randbytes(71 if asymmetric else 32).hex(),
            "time": random_request.random_time(rng), **random_request.random_keys(rng)}


def taken_apart(ask, wire):
    """(chunks in hex, signatures) of a well-formed body, or None."""
    width = 144 if ask["form"].startswith(V4A) else 64
    chunks, signatures, at = [], [], 0
    while not chunks or chunks[-1] != "":
        head = CHUNK.match(wire, at)
        if not head or len(head[2]) != width:
            return None
        length, at = int(head[1], 16), head.end()
        last = length == 0 and ask["trailers"]
        if not last and wire[at + length:at + length + 2] != b"\r\n":
            return None
        chunks.append(wire[at:at + length].hex())
        signatures.append(head[2].decode().rstrip("*"))
        at += length + (0 if last else 2)
    if not ask["trailers"]:
        return (chunks, signatures) if at == len(wire) else None
    lines = wire[at:].decode().split("\r\n")
    said, _, signature = lines[len(ask["trailers"])].partition(":")
    right = lines[:len(ask["trailers"])] == [f"{n}:{v}" for n, v in ask["trailers"]] and lines[-2:] == ["", ""]
    right = right and len(lines) == len(ask["trailers"]) + 3 and said == "x-amz-trailer-signature" and len(signature) == width
    return (chunks, [*signatures, signature.rstrip("*")]) if right else None


def question(ask, made, chunks, signatures):
    asymmetric = ask["form"].startswith(V4A)
    return {**ask, "content": "", "what": "ecdsa_chunks" if asymmetric else "chunks", "chunks": chunks, "signatures": signatures,
            "public_key": made.get("public_key", [])}


def main():
    args = differential.arguments(count=500)
    rng = differential.begin(differential.node_version(args, "@smithy/signature-v4"), args)
    wrong = differential.Differences("the standard")
    asks = [random_ask(rng) for _ in range(args.count)]
    ours = differential.ask_driver(args, asks)
    apart = [taken_apart(a, bytes.fromhex(o["wire"])) for a, o in zip(asks, ours)]
    for ask, made, parts in zip(asks, ours, apart):
        if not parts or "".join(parts[0]) != ask["content"] or any(len(c) != 2 * ask["chunk_size"] for c in parts[0][:-2]) or made["objection"]:
            wrong.tell(ask, ours=bytes.fromhex(made["wire"]).decode("latin-1"), our_decoder_says=made["objection"] or "right")
    if wrong.count:
        wrong.end("")
    asked = [question(a, o, *parts) for a, o, parts in zip(asks, ours, apart)]
    theirs = differential.ask_node(args, "smithy_stream_signer.js", asked)
    for ask, other in zip(asked, theirs):
        expected = other.get("signatures") == ask["signatures"] if ask["what"] == "chunks" else all(other.get("right", [False]))
        if not expected:
            wrong.tell(ask, theirs=other)
    chains = sum(a["what"] == "chunks" for a in asked)
    wrong.end(f"all right: {chains} chains with SigV4, {len(asked) - chains} with SigV4A")


if __name__ == "__main__":
    main()
