"""S3's aws-chunked coding, written and read by the documentation's rules, as a second implementation beside the proxy's."""

import base64
import hashlib
import hmac
import re
import zlib

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY = hashlib.sha256(b"").hexdigest()


def crc32(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


class Chain:
    """The signatures of one body: each follows the one before."""

    def __init__(self, secret, date, region, service, seed):
        self.date, self.scope, self.last = date, f"{date[:8]}/{region}/{service}/aws4_request", seed
        key = ("AWS4" + secret).encode()
        for part in (date[:8], region, service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        self.key = key

    def _next(self, lines):
        text = "\n".join([lines[0], self.date, self.scope, self.last, *lines[1:]])
        self.last = hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
        return self.last

    def chunk(self, data):
        return self._next(["AWS4-HMAC-SHA256-PAYLOAD", EMPTY, hashlib.sha256(data).hexdigest()])

    def trailer(self, lines):
        return self._next(["AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(lines).hexdigest()])


def encode(body, trailers=(), size=65536, chain=None):
    """Unsigned without a chain."""
    out = []
    for at in [*range(0, len(body), size), len(body)]:
        data = body[at:at + size]
        extension = f";chunk-signature={chain.chunk(data)}" if chain else ""
        out.append(f"{len(data):x}{extension}\r\n".encode() + data + (b"\r\n" if data else b""))
    lines = "".join(f"{n}:{v}\n" for n, v in trailers)
    out.append(lines.replace("\n", "\r\n").encode())
    if chain and trailers:
        out.append(f"x-amz-trailer-signature:{chain.trailer(lines.encode())}\r\n".encode())
    return b"".join(out) + b"\r\n"


class Wrong(AssertionError):
    pass


def decode(raw, chain=None):
    """The content and the trailers; raises Wrong where form, a size or a signature is not right."""
    content, trailers, signed = [], [], None
    while True:
        line, found, raw = raw.partition(b"\r\n")
        form = re.fullmatch(rb"([0-9a-f]+)" + (rb";chunk-signature=([0-9a-f]{64})" if chain else rb""), line)
        if not found or not form:
            raise Wrong(f"size line {line[:100]!r}")
        size = int(form[1], 16)
        data, raw = raw[:size], raw[size:]
        if len(data) != size:
            raise Wrong(f"{len(data)} of {size} bytes")
        if chain and form[2].decode() != chain.chunk(data):
            raise Wrong(f"the signature of chunk {len(content)}")
        if size == 0:
            break
        if content and len(content[-1]) < 8192:
            raise Wrong("a small chunk that is not the last")
        content.append(data)
        if not raw.startswith(b"\r\n"):
            raise Wrong("no CRLF behind a chunk")
        raw = raw[2:]
    while not raw.startswith(b"\r\n"):
        line, found, raw = raw.partition(b"\r\n")
        name, colon, value = line.decode().partition(":")
        if not found or not colon:
            raise Wrong(f"trailer {line!r}")
        if name == "x-amz-trailer-signature":
            signed = value
        else:
            trailers.append((name, value))
    if raw != b"\r\n":
        raise Wrong(f"{raw[:100]!r} behind the body")
    if chain and trailers and signed != chain.trailer("".join(f"{n}:{v}\n" for n, v in trailers).encode()):
        raise Wrong("the signature of the trailers")
    return b"".join(content), trailers


def content_of(message, secret, region="us-east-1", service="s3"):
    """What an upstream was sent, whatever coding: content and trailers; the framing's own lengths are checked."""
    form = message.get("x-amz-content-sha256", "")
    if not form.startswith("STREAMING-"):
        return message.body, []
    if "aws-chunked" not in message.get("content-encoding", "").split(","):
        raise Wrong("Content-Encoding does not say aws-chunked")
    chain = None
    if form != UNSIGNED:
        seed = re.search(r"Signature=([0-9a-f]{64})", message.get("authorization"))[1]
        chain = Chain(secret, message.get("x-amz-date"), region, service, seed)
    content, trailers = decode(message.body, chain)
    if len(content) != int(message.get("x-amz-decoded-content-length")):
        raise Wrong(f"{len(content)} bytes, not x-amz-decoded-content-length")
    if [n for n, _ in trailers] != [n for n in message.get("x-amz-trailer", "").split(",") if n]:
        raise Wrong(f"trailers {trailers}")
    return content, trailers
