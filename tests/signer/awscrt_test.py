"""`countersign sign` compared with AWS's own signer in C (aws-c-auth, through python3-awscrt): SigV4 and SigV4A, header
and query, every combination of flags. SigV4: the signatures are equal. SigV4A: theirs is a signature of our string to
sign, ours of the same, by the key that both derived. Usage: awscrt_test.py COUNTERSIGN"""
import datetime
import hashlib
import hmac
import io
import itertools
import json
import os
import subprocess
import sys

from awscrt.auth import (AwsCredentialsProvider, AwsSignatureType, AwsSignedBodyHeaderType, AwsSigningAlgorithm,
                         AwsSigningConfig, aws_sign_request)
from awscrt.http import HttpHeaders, HttpRequest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ACCESS_KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/b+c=" * 40
WHEN = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.timezone.utc)
HOST = [("Host", "example.amazonaws.com")]

# method, target, headers, body. No '+' in a query: aws-c-auth reads it as a plus, botocore and others as a blank. No
# Connection, Expect or Transfer-Encoding: some versions of aws-c-auth sign them, others (and botocore) do not.
REQUESTS = [
    ("GET", "/", HOST, b""),
    ("GET", "/", [("Host", "example.amazonaws.com:8443")], b""),
    ("GET", "/", HOST + [("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")], b""),
    ("GET", "/", HOST + [("My-Header1", "value4"), ("b", "2"), ("My-Header1", "value1"), ("A", "1")], b""),
    ("GET", "/", HOST + [("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')], b""),
    ("GET", "/", HOST + [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("Via", "1.1 x"), ("Range", "bytes=0-9")], b""),
    ("GET", "/", HOST + [("User-Agent", "x"), ("Upgrade", "h2c")], b""),
    ("GET", "/", HOST + [("X-Amzn-Trace-Id", "Root=1"), ("x-amz-meta-Z", "1"), ("X-Amz-Meta-a", "2")], b""),
    ("GET", "/example/..", HOST, b""),
    ("GET", "/example1/example2/../..", HOST, b""),
    ("GET", "/./", HOST, b""),
    ("GET", "/./example", HOST, b""),
    ("GET", "//", HOST, b""),
    ("GET", "//example//", HOST, b""),
    ("GET", "/a/b/./", HOST, b""),
    ("GET", "/a/b/..", HOST, b""),
    ("GET", "/example%20space/", HOST, b""),
    ("GET", "/example space/", HOST, b""),
    ("GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", HOST, b""),
    ("GET", "/a:b,c+d(e)!$&'*;=@", HOST, b""),
    ("GET", "/%E1%88%B4", HOST, b""),
    ("GET", "/\u1234", HOST, b""),
    ("GET", "/%e1%88%b4%2F%7e", HOST, b""),
    ("GET", "/?Param1=value1", HOST, b""),
    ("GET", "/?Param2=value2&Param1=value1&Param1=value0&Param1=Value2", HOST, b""),
    ("GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", HOST, b""),
    ("GET", "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ=-._~0123456789abcdefghijklmnopqrstuvwxyz", HOST, b""),
    ("GET", "/?lifecycle", HOST, b""),
    ("GET", "/?b=&a&c=%20%7E%2F", HOST, b""),
    ("POST", "/", HOST, b""),
    ("POST", "/?Param1=value1", HOST, b""),
    ("POST", "/", HOST + [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "13")],
     b"Param1=value1"),
    ("POST", "/", HOST + [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                          ("Content-Length", "3")], bytes([0, 10, 255])),
    ("PUT", "/a/b", HOST + [("If-Match", '"x"'), ("Content-Encoding", "gzip"), ("Content-Length", "0")], b""),
]


def derived_key():
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for counter in range(1, 255):
        fixed = b"\0\0\0\1AWS4-ECDSA-P256-SHA256\0" + ACCESS_KEY.encode() + bytes([counter]) + b"\0\0\1\0"
        number = int.from_bytes(hmac.new(b"AWS4A" + SECRET.encode(), fixed, hashlib.sha256).digest(), "big")
        if number <= order - 2:
            return ec.derive_private_key(number + 1, ec.SECP256R1()).public_key()
    raise AssertionError("no key")


class Flags:
    def __init__(self, v4a, query, normalize, double, body_header, token, after):
        self.v4a, self.query, self.normalize, self.double = v4a, query, normalize, double
        self.body_header, self.token, self.after = body_header, token, after
        self.region = "us-east-1,eu-*" if v4a else "us-east-1"

    def __str__(self):
        return " ".join(name for name, value in vars(self).items() if value is True)


def theirs(flags, method, target, headers, body):
    request = HttpRequest(method, target, HttpHeaders(headers), io.BytesIO(body) if body else None)
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4_ASYMMETRIC if flags.v4a else AwsSigningAlgorithm.V4,
        signature_type=(AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS if flags.query
                        else AwsSignatureType.HTTP_REQUEST_HEADERS),
        credentials_provider=AwsCredentialsProvider.new_static(ACCESS_KEY, SECRET, TOKEN if flags.token else None),
        region=flags.region, service="service", date=WHEN,
        use_double_uri_encode=flags.double, should_normalize_uri_path=flags.normalize,
        signed_body_header_type=(AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256 if flags.body_header
                                 else AwsSignedBodyHeaderType.NONE),
        expiration_in_seconds=3600 if flags.query else None, omit_session_token=flags.after)
    signed = aws_sign_request(request, config).result(10)
    given = [(name, value.strip()) for name, value in headers]
    added = [(name.lower(), value) for name, value in signed.headers if (name, value.strip()) not in given]
    return signed.path, added


def ours(program, flags, method, target, headers, body):
    arguments = [program, "sign", "--service", "service", "--region", flags.region, "--time",
                 WHEN.strftime("%Y%m%dT%H%M%SZ"), "--output", "json"]
    arguments += ["--sigv4a"] * flags.v4a + ["--query"] * flags.query + ["--session-token-after"] * flags.after
    arguments += ["--no-normalize-path"] * (not flags.normalize) + ["--no-double-encode"] * (not flags.double)
    arguments += ["--content-sha256-header"] * flags.body_header
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    environment = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "HOME": "/nonexistent",
                   "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    if flags.token:
        environment["AWS_SESSION_TOKEN"] = TOKEN
    done = subprocess.run(arguments, input=head.encode() + body, env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


def without_signature(text, signature):
    return text.replace(signature, "SIGNATURE")


def spelled_out(path):
    """They write a name without '=' with one."""
    path, mark, query = path.partition("?")
    return path + mark + "&".join(pair if "=" in pair or not pair else pair + "=" for pair in query.split("&"))


def signature_in(path, added):
    if "X-Amz-Signature=" in path:
        return path.split("X-Amz-Signature=")[1].split("&")[0]
    return dict(added)["authorization"].split("Signature=")[1]


def difference(program, flags, request, key):
    path, added = theirs(flags, *request)
    made = ours(program, flags, *request)
    lines = made["request"].split("\r\n\r\n")[0].split("\r\n")
    our_path = lines[0].split(" ", 1)[1].rsplit(" ", 1)[0]
    our_added = [tuple(line.split(": ", 1)) for line in lines[1 + len(request[2]):]]
    our_added = [(name.lower(), value) for name, value in our_added]
    signature = signature_in(path, added)
    if flags.v4a:
        text = made["string_to_sign"].encode()
        for one in (signature, made["signature"]):
            key.verify(bytes.fromhex(one), text, ec.ECDSA(hashes.SHA256()))
    elif signature != made["signature"]:
        return f"signature {made['signature']}, theirs {signature}\n{made['canonical_request']}"
    sides = [(without_signature(spelled_out(our_path), made["signature"]),
              without_signature(spelled_out(path), signature)),
             (sorted((n, without_signature(v, made["signature"])) for n, v in our_added),
              sorted((n, without_signature(v, signature)) for n, v in added))]
    return "".join(f"{us}\ntheirs {them}\n" for us, them in sides if us != them)


def main():
    program, key = sys.argv[1], derived_key()
    count = failed = 0
    for bits in itertools.product([False, True], repeat=6):
        v4a, query, normalize, double, body_header, token = bits
        for after in ([False, True] if token else [False]):
            flags = Flags(v4a, query, normalize, double, body_header, token, after)
            plain = normalize and double and not body_header
            requests = REQUESTS if plain or (not token and not body_header) else REQUESTS[::8] + REQUESTS[-4:]
            for request in requests:
                count += 1
                try:
                    problem = difference(program, flags, request, key)
                except Exception as error:  # told with the case that it belongs to
                    problem = repr(error)
                if problem:
                    failed += 1
                    print(f"{flags}: {request[:3]}\n{problem}\n")
    print(f"{count} comparisons, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
