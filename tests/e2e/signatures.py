"""Is a request, as it arrived on the wire, signed as botocore would have signed it?

An independent check: botocore computes the signature anew from the received bytes. What botocore signs but we do not
have to (headers that proxies may change) is left out by reading SignedHeaders; what must be signed is asserted.
"""

import datetime
import hashlib
import hmac
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import proxy

FORM = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                  r"SignedHeaders=([a-z0-9;_.-]+), Signature=([0-9a-f]{64})")
FORM_V4A = re.compile(r"AWS4-ECDSA-P256-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/aws4_request, "
                      r"SignedHeaders=([a-z0-9;_.-]+), Signature=([0-9a-f]{134,144})")
S3_FAMILY = {"s3", "s3-outposts", "s3-object-lambda", "s3express"}
EMPTY = hashlib.sha256(b"").hexdigest()


class _Auth:
    """Mixed into botocore's classes: signs the names that it is told, and hashes the body that came."""

    def prepare(self, names, payload_hash):
        self.names, self.payload_hash = names, payload_hash
        return self

    def headers_to_sign(self, request):
        kept = super().headers_to_sign(request)
        for name in set(kept.keys()):
            if name.lower() not in self.names:
                del kept[name]
        return kept

    def payload(self, request):
        return self.payload_hash


class _Standard(_Auth, botocore.auth.SigV4Auth):
    pass


class _S3(_Auth, botocore.auth.S3SigV4Auth):
    pass


def _signer(message, target, service, region, names, date, payload_hash, secret, token):
    request = botocore.awsrequest.AWSRequest(method=message.method, url="http://" + message.get("host") + target)
    for name, value in message.headers:
        if name.lower() in names:
            request.headers.add_header(name, value.encode("latin-1").decode("utf-8"))
    request.context["timestamp"] = date
    credentials = botocore.credentials.Credentials(proxy.ACCESS_KEY_ID, secret, token)
    return (_S3 if service in S3_FAMILY else _Standard)(credentials, service, region).prepare(names, payload_hash), request


def _recompute(message, service, region, names, date, payload_hash, secret, token):
    auth, request = _signer(message, message.target, service, region, names, date, payload_hash, secret, token)
    canonical = auth.canonical_request(request)
    return auth.signature(auth.string_to_sign(request, canonical), request), canonical


def _ecdsa_key(access_key_id, secret):
    """The public key of a SigV4A pair: NIST SP 800-108 in counter mode, as AWS's documentation has it."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for counter in range(1, 255):
        fixed = b"\0\0\0\1AWS4-ECDSA-P256-SHA256\0" + access_key_id.encode() + bytes([counter]) + b"\0\0\1\0"
        number = int.from_bytes(hmac.new(b"AWS4A" + secret.encode(), fixed, hashlib.sha256).digest(), "big")
        if number <= order - 2:
            return ec.derive_private_key(number + 1, ec.SECP256R1()).public_key()
    raise AssertionError("no key")


def _ecdsa_complaint(message, target, service, names, date, payload_hash, access_key_id, secret, signature):
    auth, request = _signer(message, target, service, "", names, date, payload_hash, secret, None)
    canonical = auth.canonical_request(request)
    text = "\n".join(["AWS4-ECDSA-P256-SHA256", date, f"{date[:8]}/{service}/aws4_request",
                      hashlib.sha256(canonical.encode()).hexdigest()])
    try:
        _ecdsa_key(access_key_id, secret).verify(bytes.fromhex(signature), text.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return f"signature {signature} is not one of\n{canonical}\nhead:\n{message.head!r}"
    return None


def presigned_v4a_complaint(message, service, region_set, access_key_id=None, secret=None):
    """None when the request target carries exactly one right SigV4A signature of an S3 request."""
    path, _, query = message.target.partition("?")
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    said = dict(pairs)
    if len(said) != len(pairs) or message.all("authorization"):
        return f"twice, or in both places: {query}"
    if (said.get("X-Amz-Algorithm"), said.get("X-Amz-Region-Set")) != ("AWS4-ECDSA-P256-SHA256", region_set):
        return f"algorithm or region set: {query}"
    key_id = access_key_id or proxy.ACCESS_KEY_ID
    if said["X-Amz-Credential"] != f"{key_id}/{said['X-Amz-Date'][:8]}/{service}/aws4_request":
        return said["X-Amz-Credential"]
    unsigned = "&".join(p for p in query.split("&") if not p.startswith("X-Amz-Signature="))
    return _ecdsa_complaint(message, f"{path}?{unsigned}", service, said["X-Amz-SignedHeaders"].split(";"),
                            said["X-Amz-Date"], "UNSIGNED-PAYLOAD", key_id, secret or proxy.SECRET_ACCESS_KEY,
                            said["X-Amz-Signature"])


def complaint(message, service, region, access_key_id=None, secret=None, token=None, unsigned_payload=False, sigv4a=False,
              ahead=0):
    """None when the request carries exactly one right signature; else what is wrong. SigV4A: `region` is the region set.
    `ahead`: how many seconds its time is ahead of ours."""
    access_key_id, secret = access_key_id or proxy.ACCESS_KEY_ID, secret or proxy.SECRET_ACCESS_KEY
    values = message.all("authorization")
    found = (FORM_V4A if sigv4a else FORM).fullmatch(values[0]) if len(values) == 1 else None
    if not found:
        return f"{len(values)} Authorization headers, or one of no known form: {values}"
    key_id, day, *got, signed, signature = found.groups()
    if sigv4a:
        got.insert(0, message.get("x-amz-region-set"))
    if (key_id, *got) != (access_key_id, region, service):
        return f"credential {key_id}/{'/'.join(map(str, got))}, not {region}/{service}"
    names = signed.split(";")
    if names != sorted(set(names)):
        return f"SignedHeaders not sorted: {signed}"
    for name in {n.lower() for n, _ in message.headers}:
        if (name.startswith("x-amz-") or name in ("host", "content-type")) and name not in names:
            return f"{name} is not signed"
    for name in ("host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amz-region-set", "content-length"):
        if len(message.all(name)) > 1:
            return f"{name} twice"
    if (message.get("x-amz-security-token")) != token:
        return "session token"
    date = message.get("x-amz-date", "")
    if date[:8] != day or not re.fullmatch(r"\d{8}T\d{6}Z", date):
        return f"date {date!r}"
    age = datetime.datetime.utcnow() - datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    age += datetime.timedelta(seconds=ahead)
    if abs(age.total_seconds()) > 120:
        return f"the signature is {age} old"
    payload_hash = hashlib.sha256(message.body).hexdigest()
    claimed = message.get("x-amz-content-sha256")
    if (claimed == "UNSIGNED-PAYLOAD" and unsigned_payload) or (claimed or "").startswith("STREAMING-"):
        payload_hash = claimed
    elif claimed is not None and claimed != payload_hash:
        return f"x-amz-content-sha256 {claimed} is not the body's"
    elif claimed is None and service in S3_FAMILY:
        return "no x-amz-content-sha256 for S3"
    if sigv4a:
        return _ecdsa_complaint(message, message.target, service, names, date, payload_hash, key_id, secret, signature)
    expected, canonical = _recompute(message, service, region, names, date, payload_hash, secret, token)
    if expected != signature:
        return f"signature {signature}, botocore says {expected} for\n{canonical}\nhead:\n{message.head!r}"
    return None
