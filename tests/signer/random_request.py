"""Random requests to sign, for the comparisons with other implementations. Each is a dictionary that sign_driver reads.

What an implementation is known to read otherwise than the standard is left out by its Limits, so that every difference
that remains is somebody's mistake.
"""
import dataclasses
import datetime
import hashlib
import random
import string
import urllib.parse

UNRESERVED = string.ascii_letters + string.digits + "-_.~"
VISIBLE = "".join(map(chr, range(0x21, 0x7f)))
SEGMENTS = ["", ".", "..", "a", "B-c", "%20", "%2F", "%2f", "x+y", "%2B", "%c3%a4", "%C3%A4", "ä", "ሴ", "日本", "🐦", "~", "%7E", "%7e", "...", ".a",
            "a.", "a%2Fb", "(x)", "!*'", ";v=1", ":", "@", "$", ",", "=", "%25", "%2520", "%", "%zz", "%4", "a:b", "..%2F", "%2e%2e", "%00", "..a",
            "a..", "a b", " ", "[1]", "{x}", "a|b", "^", "`", '"q"', "<b>", "\\"]
WORDS = ["", "a", "A", "b", "key", "key2", "list-type", "prefix", "x y", "ä", "ሴ", "🐦", "+", "/", "a/b", "~", "*", "=", "&", "%", "%20", "a+b", "0",
         "-", "_", "x-id", "X-Amz-Meta", "a-b", "a.b", "a=b", "!'()", "  ", "\n"]
HEADERS = ["Content-Type", "content-md5", "Range", "If-Match", "if-none-match", "X-Amz-Target", "x-amz-meta-a", "X-AMZ-META-B", "x-amz-acl"]
MORE_HEADERS = ["Accept", "Cache-Control", "My-Header", "my-header2", "Content-Length", "Date-Of-Birth", "Zebra", "a", "x-custom", "Origin-Trial"]
VALUES = ["a", "", "a  b", " a", "b ", "\ta\t b", "a \t \t b", " , ", "one,two", "one , two", '"quoted  text"', '" x "', "ä ö", "🐦", "a=b; c=d", "0",
          "x" * 200, "application/x-amz-json-1.0", "bytes=0-10", "%20", "a\\b"]
ODD_BLANKS = ["a\v\f b", "\f a \v"]


@dataclasses.dataclass(frozen=True)
class Limits:
    """What an implementation cannot be asked; each test says why."""
    repeated_names_presigned: bool = True
    body_presigned: bool = True
    path_colon_slash: bool = True
    odd_blanks: bool = True
    half_rules: bool = False
    token_after: bool = False


def encoded(text):
    return "".join(c if c in UNRESERVED and len(c.encode()) == 1 else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def random_path(rng, limits):
    if rng.random() < 0.1:
        return rng.choice(["", "/", "//", "/.", "/..", "/a/", "/./", "/../a", "/a/../..", "/a//b/", "/a/b/..", "/a/.", "/a/b/../", "//a/../..//b"])
    path = "".join("/" + rng.choice(SEGMENTS) for _ in range(rng.randint(1, 6)))
    if not limits.path_colon_slash:
        path = path.replace(":/", "/")
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
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 3, 8, 40])):
        name = rng.choice(WORDS) if repeated else rng.choice(WORDS) + "." + str(len(pairs))
        if not name and not clean:
            continue
        write = encoded if clean else lambda t: sloppy(rng, t)
        kind = rng.random()
        value = rng.choice(WORDS)
        pairs.append(write(name) + ("" if kind < 0.15 and name else "=" if kind < 0.3 else "=" + write(value)))
    return "&".join(pairs)


def random_headers(rng, sign_all, host, limits):
    headers = [[rng.choice(["Host", "host", "HOST"]), host]]
    values = VALUES + ODD_BLANKS if limits.odd_blanks else VALUES
    for _ in range(rng.choice([0, 1, 2, 3, 6, 40])):
        headers.append([rng.choice(HEADERS + MORE_HEADERS if sign_all else HEADERS), rng.choice(values)])
    if rng.random() < 0.3:
        headers.append(["User-Agent", "test"])
        headers.append(["X-Amzn-Trace-Id", "Root=1"])
    rng.shuffle(headers)
    return headers


def random_secret(rng):
    usual = string.ascii_letters + string.digits + "+/"
    return "".join(rng.choices(rng.choice([usual, usual, VISIBLE]), k=rng.choice([40, 40, 40, 1, 59, 60, 61, 200])))


def random_time(rng):
    return (datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=rng.randrange(2_000_000_000))).strftime("%Y%m%dT%H%M%SZ")


def random_keys(rng):
    return {
        "access_key_id": "AKIA" + "".join(rng.choices(string.ascii_uppercase + "234567", k=16)),
        "secret": random_secret(rng),
        "token": "".join(rng.choices(string.ascii_letters + "+/=", k=300)) if rng.random() < 0.5 else "",
    }


def random_ask(rng, limits=Limits(), presign=None):
    s3 = rng.random() < 0.5
    presign = rng.random() < 0.35 if presign is None else presign
    rewrite = rng.random() < 0.5
    sign_all = rng.random() < 0.5
    service = "s3" if s3 else rng.choice(["dynamodb", "execute-api", "es", "sts", "aoss", "service"])
    region = rng.choice(["us-east-1", "eu-west-1", "cn-north-1"])
    body = "" if presign and not limits.body_presigned else rng.choice(["", "", "a=b", "{}", "x" * 1000])
    body_hash = hashlib.sha256(body.encode()).hexdigest()
    path_rule = "s3" if s3 else rng.choice(["standard", "normalized_only", "encoded_only"]) if limits.half_rules else "standard"
    path = random_path(rng, limits)
    if rewrite is False and s3:
        path = urllib.parse.quote(path, safe="/%~!$&'()*+,;=:@")   # S3 paths are signed as they are sent; raw bytes cannot be
    return {
        "method": rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]),
        "path": path,
        "query": random_query(rng, repeated=limits.repeated_names_presigned or not presign, clean=not rewrite),
        "headers": random_headers(rng, sign_all, f"{service}.{region}.amazonaws.com{rng.choice(['', ':8443'])}", limits),
        "body": body,
        "body_hash": body_hash,
        "payload_hash": "UNSIGNED-PAYLOAD" if s3 and presign else body_hash,
        "service": service,
        "region": region,
        **random_keys(rng),
        "time": random_time(rng),
        "presign": presign,
        "token_after": limits.token_after and rng.random() < 0.3,
        "expires": rng.choice([1, 60, 3600, 604800]),
        "path_rule": path_rule,
        "sign_all_headers": sign_all,
        "content_sha256_header": s3 and not presign,
        "rewrite": rewrite,
    }
