"""Thousands of random requests: what arrives upstream carries botocore's signature and still means the same."""

import os
import random
import unittest
import urllib.parse

import signatures
from proxy import SESSION_TOKEN, Proxy, static_keys, to
from wire import Upstream, answer

COUNT = int(os.environ.get("E2E_RANDOM", "3000"))      # for each of the three proxies
SEED = int(os.environ.get("E2E_SEED", random.SystemRandom().randrange(1 << 32)))

# host, service, region
HOSTS = [
    ("s3.us-east-1.amazonaws.com", "s3", "us-east-1"),
    ("bucket.with.dots.s3.eu-west-1.amazonaws.com", "s3", "eu-west-1"),
    ("my-bucket.s3.eu-central-1.amazonaws.com", "s3", "eu-central-1"),
    ("dynamodb.us-east-1.amazonaws.com", "dynamodb", "us-east-1"),
    ("sqs.ap-southeast-2.amazonaws.com", "sqs", "ap-southeast-2"),
    ("abc123.execute-api.us-west-2.amazonaws.com", "execute-api", "us-west-2"),
    ("lambda.us-west-2.amazonaws.com", "lambda", "us-west-2"),
    ("sts.us-east-2.amazonaws.com", "sts", "us-east-2"),
    ("search-domain-abc.eu-west-1.es.amazonaws.com", "es", "eu-west-1"),
]
METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"]
SEGMENTS = ["a", "b c", "ü", "日本", "+", "%", "/", "..", ".", "", "x=y", "a&b", "~tilde", "!$'()*,;:@", "a+b", "-_.",
            "%2F", "%252f", "ÿ", "\x7f", "\"<>", "{}|\\^`[]", "very-" * 20]
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
# What may stand raw in a path or query besides; so a client may send it either way.
RAW_IN_PATH = "!$&'()*+,;=:@"
RAW_IN_QUERY = "!$'()*,;:@/?"
HEADER_VALUES = ["plain", "two  blanks   inside", "comma, separated, list", "", "\"quoted  text\"", "tab\tinside",
                 "ümläut", "a" * 300, "=;:", "0"]


def encode(text, raw, rng):
    """Percent-encoded as this or that client would: other cases of hex, needless or omitted escapes."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in UNRESERVED:
            out.append(char if rng.random() < 0.95 else f"%{byte:02X}")
        elif char in raw and rng.random() < 0.5:
            out.append(char)
        else:
            out.append(f"%{byte:02x}" if rng.random() < 0.3 else f"%{byte:02X}")
    return "".join(out)


def random_path(rng):
    if rng.random() < 0.1:
        return "/"
    pieces = [encode(rng.choice(SEGMENTS), RAW_IN_PATH, rng) for _ in range(rng.randint(1, 5))]
    return "/" + "/".join(pieces) + ("/" if rng.random() < 0.15 else "")


def random_query(rng):
    if rng.random() < 0.35:
        return None
    pairs = []
    names = [rng.choice(["a", "b", "list-type", "acl", "X", "key with blank", "ü", "a[]", "%"]) for _ in range(4)]
    for _ in range(rng.randint(0, 6)):
        name = encode(rng.choice(names), RAW_IN_QUERY, rng)      # so that names come again
        form = rng.random()
        if form < 0.2:
            pairs.append(name)
        elif form < 0.4:
            pairs.append(name + "=")
        else:
            value = encode(rng.choice(SEGMENTS), RAW_IN_QUERY + "=", rng)
            pairs.append(name + "=" + (value.replace("%20", "+") if rng.random() < 0.5 else value))
    return "&".join(pairs)


def random_headers(rng):
    headers = []
    for _ in range(rng.randint(0, 4)):
        name = rng.choice(["x-amz-meta-one", "X-Amz-Meta-Two", "x-amz-acl", "x-amz-tagging", "X-Custom", "Accept",
                           "X-AMZ-TARGET", "User-Agent", "If-Match", "Cache-Control"])
        headers.append((name, rng.choice(HEADER_VALUES)))
    if rng.random() < 0.3:
        repeated = rng.choice(["x-amz-meta-repeated", "X-Amz-Meta-Repeated"])
        headers += [(repeated, rng.choice(HEADER_VALUES)) for _ in range(rng.randint(2, 3))]
    if rng.random() < 0.5:
        headers.append(("Content-Type", rng.choice(["application/json", "text/plain;  charset=utf-8", "a/b"])))
    if rng.random() < 0.2:      # an old signature must go
        headers += [("Authorization", "AWS4-HMAC-SHA256 Credential=OLD/20200101/us-east-1/s3/aws4_request, "
                                      "SignedHeaders=host, Signature=" + "0" * 64),
                    ("X-Amz-Date", "20200101T000000Z"), ("x-amz-security-token", "old-token"),
                    ("Date", "Wed, 01 Jan 2020 00:00:00 GMT")]
    rng.shuffle(headers)
    return headers


def render(method, target, headers, body, chunked, rng):
    lines = [f"{method} {target} HTTP/1.1", *(f"{n}:{' ' * rng.randint(0, 2)}{v}" for n, v in headers)]
    payload = body
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        size = rng.randint(1, 700)
        pieces = [body[i:i + size] for i in range(0, len(body), size)]
        payload = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    elif body or method in ("PUT", "POST", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + payload


def meaning(query):
    """The decoded pairs of a query; empty pairs mean nothing."""
    if not query:
        return []
    pairs = [p.partition("=") for p in query.split("&") if p]
    return [(urllib.parse.unquote_plus(n), urllib.parse.unquote_plus(v)) for n, _, v in pairs]


class RandomRequests(unittest.TestCase):
    def setUp(self):
        print(f"seed {SEED} (E2E_SEED), {COUNT} requests", flush=True)

    def one(self, rng, client, upstream, absolute):
        host, service, region = rng.choice(HOSTS)
        method, path, query = rng.choice(METHODS), random_path(rng), random_query(rng)
        body = rng.randbytes(rng.choice([0, 0, 1, 17, 900, 5000])) if method not in ("GET", "HEAD") else b""
        target = path + ("" if query is None else "?" + query)
        headers = random_headers(rng)
        headers.insert(rng.randint(0, len(headers)), ("Host", host))
        request = render(method, f"http://{host}{target}" if absolute else target, headers, body,
                         bool(body) and rng.random() < 0.3, rng)
        before = len(upstream.requests)
        answered = client.ask(request, method)
        self.assertEqual(answered.status, 200, f"{request!r}\n{answered.body!r}")
        self.assertEqual(len(upstream.requests), before + 1, request)
        return request, upstream.requests[-1], host, service, region, path, query, body, headers

    def compare(self, came, host, path, query, body, headers):
        """The meaning of what arrived is that of what was sent."""
        self.assertEqual(came.get("host"), host)
        path_came, _, query_came = came.target.partition("?")
        self.assertEqual(urllib.parse.unquote_to_bytes(path_came), urllib.parse.unquote_to_bytes(path))
        self.assertEqual(sorted(meaning(query_came)), sorted(meaning(query)))
        self.assertEqual(came.body, body)
        for name, _ in headers:
            if name.lower().startswith("x-amz-meta") or name.lower() in ("content-type", "user-agent", "x-custom"):
                sent = [v.strip(" \t").encode("utf-8").decode("latin-1") for n, v in headers
                        if n.lower() == name.lower()]
                self.assertEqual(came.all(name), sent)

    def many(self, seed, token, absolute):
        rng = random.Random(seed)
        upstream = Upstream(lambda request, connection: answer(body=b"" if request.method == "HEAD" else b"fine"))
        self.addCleanup(upstream.close)
        with Proxy([to(upstream.port)], env=static_keys(token)) as proxy:
            client = proxy.client(timeout=20)
            for number in range(COUNT):
                sent, came, host, service, region, path, query, body, headers = \
                    self.one(rng, client, upstream, absolute)
                wrong = signatures.complaint(came, service, region, token=SESSION_TOKEN if token else None)
                self.assertIsNone(wrong, f"request {number} of seed {seed}: {wrong}\nsent: {sent!r}")
                self.compare(came, host, path, query, body, headers)
            client.close()
            self.assertEqual(upstream.errors, [])
            self.assertLessEqual(upstream.connections, len(HOSTS) * 2, "connections are not kept")

    def test_absolute_form(self):
        self.many(SEED, token=False, absolute=True)

    def test_origin_form(self):
        self.many(SEED + 1, token=False, absolute=False)

    def test_session_token(self):
        self.many(SEED + 2, token=True, absolute=True)


if __name__ == "__main__":
    unittest.main()
