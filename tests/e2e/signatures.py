"""Is a request, as it arrived on the wire, signed as botocore would have signed it?

An independent check: botocore computes the signature anew from the received bytes. What botocore signs but we do not
have to (headers that proxies may change) is left out by reading SignedHeaders; what must be signed is asserted.
"""

import datetime
import hashlib
import re

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import proxy

FORM = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                  r"SignedHeaders=([a-z0-9;_.-]+), Signature=([0-9a-f]{64})")
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


def _recompute(message, host, service, region, names, date, payload_hash, secret, token):
    request = botocore.awsrequest.AWSRequest(method=message.method, url="http://" + host + message.target)
    for name, value in message.headers:
        if name.lower() in names:
            request.headers.add_header(name, value.encode("latin-1").decode("utf-8"))
    request.context["timestamp"] = date
    credentials = botocore.credentials.Credentials(proxy.ACCESS_KEY_ID, secret, token)
    auth = (_S3 if service in S3_FAMILY else _Standard)(credentials, service, region).prepare(names, payload_hash)
    canonical = auth.canonical_request(request)
    return auth.signature(auth.string_to_sign(request, canonical), request), canonical


def complaint(message, service, region, access_key_id=None, secret=None, token=None, unsigned_payload=False):
    """None when the request carries exactly one right signature; else what is wrong."""
    values = message.all("authorization")
    found = FORM.fullmatch(values[0]) if len(values) == 1 else None
    if not found:
        return f"{len(values)} Authorization headers, or one of no known form: {values}"
    key_id, day, got_region, got_service, signed, signature = found.groups()
    if (key_id, got_region, got_service) != (access_key_id or proxy.ACCESS_KEY_ID, region, service):
        return f"credential {key_id}/{got_region}/{got_service}, not {region}/{service}"
    names = signed.split(";")
    if names != sorted(set(names)):
        return f"SignedHeaders not sorted: {signed}"
    for name in {n.lower() for n, _ in message.headers}:
        if (name.startswith("x-amz-") or name in ("host", "content-type")) and name not in names:
            return f"{name} is not signed"
    for name in ("host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "content-length"):
        if len(message.all(name)) > 1:
            return f"{name} twice"
    if (message.get("x-amz-security-token")) != token:
        return "session token"
    date = message.get("x-amz-date", "")
    if date[:8] != day or not re.fullmatch(r"\d{8}T\d{6}Z", date):
        return f"date {date!r}"
    age = datetime.datetime.utcnow() - datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    if abs(age.total_seconds()) > 120:
        return f"the signature is {age} old"
    payload_hash = hashlib.sha256(message.body).hexdigest()
    claimed = message.get("x-amz-content-sha256")
    if claimed == "UNSIGNED-PAYLOAD" and unsigned_payload:
        payload_hash = claimed
    elif claimed is not None and claimed != payload_hash:
        return f"x-amz-content-sha256 {claimed} is not the body's"
    elif claimed is None and service in S3_FAMILY:
        return "no x-amz-content-sha256 for S3"
    expected, canonical = _recompute(message, message.get("host"), service, region, names, date, payload_hash,
                                     secret or proxy.SECRET_ACCESS_KEY, token)
    if expected != signature:
        return f"signature {signature}, botocore says {expected} for\n{canonical}\nhead:\n{message.head!r}"
    return None
