#!/usr/bin/python3
"""Event-stream frames compared with AWS's SDK for JavaScript (@smithy/core, @smithy/signature-v4) over random ones (see
differential.py): encoding, decoding in pieces of any size, and the chain of signed frames."""
import datetime
import uuid

import differential
import random_request

LETTERS = "abcXYZ-_:. äሴ🐦"
# ±8.64e15 ms is all that the SDK's dates can hold.
LATEST = 8_640_000_000_000_000


def random_bytes(rng, most):
    return rng.randbytes(rng.choice([0, 1, 16, 100, most])).hex()


def random_text(rng, most):
    return "".join(rng.choices(LETTERS, k=rng.choice([0, 1, 5, most])))


def random_number(rng, bits):
    edge = 2 ** (bits - 1)
    return str(rng.choice([0, 1, -1, edge - 1, -edge, rng.randrange(-edge, edge)]))


def random_header(rng, position):
    # The SDK keeps headers in an object: each name once, and none that looks like a number.
    name = rng.choice("h:") + str(position) + random_text(rng, 60)
    return [name, *rng.choice([
        ("boolean", rng.choice(["true", "false"])),
        ("byte", random_number(rng, 8)),
        ("short", random_number(rng, 16)),
        ("integer", random_number(rng, 32)),
        ("long", random_number(rng, 64)),
        ("binary", random_bytes(rng, 3000)),
        ("string", random_text(rng, 2000)),
        ("timestamp", str(rng.choice([0, 1, -1, rng.randrange(-LATEST, LATEST), rng.randrange(2**42)]))),
        ("uuid", str(uuid.UUID(bytes=rng.randbytes(16)))),
    ])]


def random_message(rng):
    headers = [random_header(rng, i) for i in range(rng.choice([0, 1, 2, 5, 40]))]
    return {"what": "encode", "headers": headers, "payload": random_bytes(rng, 20000)}


def random_stream(rng):
    """Frames of one stream, some across midnight: each day has its own key."""
    time = datetime.datetime.strptime(random_request.random_time(rng), "%Y%m%dT%H%M%SZ")
    frames = []
    for _ in range(rng.randint(1, 6)):
        time += datetime.timedelta(seconds=rng.choice([0, 1, 3600, 86400]))
        frames.append({"time": time.strftime("%Y%m%dT%H%M%SZ"), "payload": random_bytes(rng, 4000)})
    frames.append({**frames[-1], "payload": ""})   # the end of the stream
    return {"what": "wrap", "seed": rng.randbytes(32).hex(), "region": rng.choice(["us-east-1", "eu-west-1"]),
            "service": rng.choice(["transcribe", "lex", "bedrock"]), "frames": frames, **random_request.random_keys(rng)}


def compare(args, wrong, asks, key):
    ours = differential.ask_driver(args, asks)
    theirs = differential.ask_node(args, "smithy_stream_signer.js", asks)
    for asked, made, other in zip(asks, ours, theirs):
        if made[key] != other.get(key):
            wrong.tell(asked, ours=made, theirs=other)
    return [other.get(key) for other in theirs]


def compare_decoding(args, rng, wrong, messages, frames):
    """The SDK's frames, several one after another, in pieces."""
    asks, wanted = [], []
    while messages:
        count = rng.randint(1, 5)
        asks.append({"what": "decode", "stream": "".join(frames[:count]), "piece": rng.choice([1, 7, 100, 4096, 1 << 20])})
        wanted.append([{"headers": m["headers"], "payload": m["payload"]} for m in messages[:count]])
        messages, frames = messages[count:], frames[count:]
    for asked, want, got in zip(asks, wanted, differential.ask_driver(args, asks)):
        if got["messages"] != want or not got["whole"]:
            wrong.tell(asked, sent=want, received=got)


def main():
    args = differential.arguments(count=800)
    rng = differential.begin(differential.node_version(args, "@smithy/core"), args)
    wrong = differential.Differences("smithy")
    messages = [random_message(rng) for _ in range(args.count)]
    frames = compare(args, wrong, messages, "frame")
    compare_decoding(args, rng, wrong, messages, frames)
    streams = [random_stream(rng) for _ in range(args.count // 3)]
    compare(args, wrong, streams, "frames")
    wrong.end(f"all equal: {len(messages)} frames encoded and decoded, {len(streams)} streams signed")


if __name__ == "__main__":
    main()
