#!/usr/bin/python3
"""Compares `countersign scope` with what botocore's clients sign: for every service, one operation for each prefix that
the service's operations put in front of the host, plain, FIPS and dual-stack, up to the moment before it is sent.

    /usr/bin/python3 tests/signer/scope_client_test.py PATH/TO/countersign [REGION...]

Where two services share a host the path decides (signer::service_by_path); here as there.
"""
import collections
import re
import sys
import urllib.parse

import botocore.config
import botocore.session

import scope_botocore_test

REGIONS = ["us-east-1", "us-gov-west-1", "cn-north-1"]

ELSEWHERE = "isolated partitions"
SILENT = "where today's rule set names no region, other SDKs sign for the host's and botocore for endpoints.json's"

# Where clients of Debian's and of the newest botocore sign for something else, and why.
EXPECTED = {
    "iot": "signing name execute-api in Debian's, iot in newer ones",
    "sso-oidc": "signing name awsssooidc in Debian's; its calls are not signed at all",
    "health": "signed for the partition's home whatever the host says; AWS has several, each signed for itself",
    "billingconductor": SILENT,
    "budgets": "one host for two partitions",
    "chime": SILENT,
    "cloudfront": "one host for two partitions",
    "codecatalyst": "takes a bearer token",
    "organizations": SILENT,
    "savingsplans": SILENT,
    "shield": SILENT,
    "waf": SILENT,
    ELSEWHERE: "dual-stack hosts of isolated partitions, where clients fall back to us-east-1 for global services",
}
CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")


class Stop(Exception):
    pass


def filled(shape, depth=0):
    """The least input that a client takes; nobody reads it."""
    kind = shape.type_name
    if kind == "structure":
        return {} if depth > 4 else {k: filled(v, depth + 1) for k, v in shape.members.items() if k in shape.required_members}
    if kind == "list":
        return [filled(shape.member, depth + 1)]
    if kind == "map":
        return {"k": filled(shape.value, depth + 1)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "123456789012"
    return {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "blob": b"x", "timestamp": 1700000000}.get(kind)


def operations(model):
    """The one with the fewest inputs for each host prefix."""
    chosen = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        prefix = (operation.endpoint or {}).get("hostPrefix", "")
        inputs = len(operation.input_shape.required_members) if operation.input_shape else 0
        if not operation.has_event_stream_input and (prefix not in chosen or inputs < chosen[prefix][0]):
            chosen[prefix] = (inputs, operation)
    return [operation for _, operation in chosen.values()]


def requests_of(session, service, region, fips, dual_stack):
    """The signed requests; none where the client says that there is no such endpoint."""
    settings = botocore.config.Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack,
                                      parameter_validation=False, retries={"max_attempts": 0, "mode": "standard"})
    try:
        client = session.create_client(service, region_name=region, config=settings)
    except Exception:
        return
    caught = []

    def keep(request, **_):
        caught.append(request)
        raise Stop

    client.meta.events.register("before-send", keep)
    for operation in operations(client.meta.service_model):
        caught.clear()
        try:
            client._make_api_call(operation.name, filled(operation.input_shape) if operation.input_shape else {})
        except Exception:
            pass
        yield from caught


def signed_scopes(regions):
    """(host, path, signing name, region, botocore's service)"""
    session = botocore.session.get_session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    for service in session.get_available_services():
        for region in regions:
            for fips, dual_stack in scope_botocore_test.VARIANTS:
                for request in requests_of(session, service, region, fips, dual_stack):
                    text = request.headers.get("Authorization") or b""
                    found = CREDENTIAL.match(text.decode() if isinstance(text, bytes) else text)
                    url = urllib.parse.urlsplit(request.url)
                    if found:
                        yield url.hostname, url.path, found[2], found[1], service


def main(program, regions):
    rows = list(signed_scopes(regions))
    hosts = sorted({row[0] for row in rows})
    answers = dict(zip(hosts, scope_botocore_test.ask(program, hosts)))
    right, refused, excused, wrong = 0, collections.Counter(), collections.Counter(), []
    for host, path, name, region, service in rows:
        answer = answers[host]
        told = answer.get("service", "")
        if told.startswith("geo-") and not host.startswith(told) and not path.startswith("/v2/"):
            told = "geo"
        if (told, answer.get("region")) == (name, region):
            right += 1
        elif service in EXPECTED:
            excused[service] += 1
        elif region == "us-east-1" and answer.get("partition", "").startswith("aws-iso"):
            excused[ELSEWHERE] += 1
        elif "error" in answer:
            refused[service] += 1
        else:
            wrong.append((host, path, answer, name, region, service))
    print(f"{len(rows)} requests of {len(hosts)} hosts, {right} right, {sum(refused.values())} refused, "
          f"{sum(excused.values())} different for a known reason, {len(wrong)} wrong")
    for service, count in refused.most_common():
        print(f"  refused {count}: {service}")
    for service, count in excused.most_common():
        print(f"  different {count}: {service}: {EXPECTED[service]}")
    for row in wrong:
        print("  wrong:", *row)
    return 1 if wrong or right < 0.99 * len(rows) or len(rows) < 1000 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or REGIONS))
