#!/usr/bin/python3
"""Compares `countersign scope` with botocore: every host that botocore's own resolver makes for all of its services
and regions, plain, FIPS and dual-stack, with the scope that botocore would sign it for.

    /usr/bin/python3 tests/signer/scope_botocore_test.py PATH/TO/countersign

A wrong scope fails the test unless it stands in EXPECTED with its reason. Refusals ("error") only count: codecatalyst
takes a bearer token, and ramus-gov-east-1.api.aws in newer descriptions is a misprint for ram.us-gov-east-1.api.aws.
"""
import collections
import gzip
import json
import pathlib
import subprocess
import sys

import botocore.loaders
import botocore.model
import botocore.regions
import botocore.session

VARIANTS = [(False, False), (True, False), (False, True), (True, True)]

# Services for which Debian's botocore (December 2022) differs from today's descriptions, and why ours is right.
EXPECTED = {
    "budgets": "us-iso-west-1 was not known to be served from us-iso-east-1",
    "ce": "us-iso-west-1 was not known to be served from us-iso-east-1",
    "importexport": "Signature Version 2 only; today's name in its scope is IngestionService",
    "iot": "signing name execute-api then, iot now",
    "organizations": "us-iso-west-1 was not known to be served from us-iso-east-1",
    "sso-oidc": "signing name awsssooidc then, sso-oauth now; its calls are not signed at all",
}


def built_in_hosts(session):
    """(host, service, region, partition, botocore's service) as the resolver of endpoints.json gives them."""
    loader = session.get_component("data_loader")
    resolver = botocore.regions.EndpointResolver(loader.load_data("endpoints"), uses_builtin_data=True)
    for service in session.get_available_services():
        model = session.get_service_model(service)
        prefix = model.endpoint_prefix
        for partition in resolver.get_available_partitions():
            regions = set(resolver.get_available_endpoints(prefix, partition, allow_non_regional=False))
            regions |= {r for p in resolver._endpoint_data["partitions"] if p["partition"] == partition
                        for r in p["regions"]}
            names = sorted(regions) + [f"{partition}-global"]
            for region in names:
                for fips, dual_stack in VARIANTS:
                    try:
                        found = resolver.construct_endpoint(
                            prefix, region, partition_name=partition,
                            use_dualstack_endpoint=dual_stack, use_fips_endpoint=fips)
                    except Exception:
                        continue
                    if not found or "hostname" not in found:
                        continue
                    scope = found.get("credentialScope", {})
                    signing_region = scope.get("region", region)
                    if "-global" in signing_region + found["hostname"] or "fips" in signing_region:
                        continue   # made from a name that is no region
                    signing_name = scope.get("service", model.signing_name)
                    yield found["hostname"], signing_name, signing_region, partition, service


def ask(program, hosts):
    done = subprocess.run([program, "scope"], input="\n".join(hosts) + "\n", capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(hosts), (len(answers), len(hosts))
    return answers


def main(program):
    wanted = collections.defaultdict(set)
    for host, service, region, partition, source in built_in_hosts(botocore.session.get_session()):
        if "localhost" not in host:
            wanted[host].add((service, region, partition, source))
    hosts = sorted(wanted)
    right, refused, excused, wrong = 0, collections.Counter(), collections.Counter(), []
    for host, answer in zip(hosts, ask(program, hosts)):
        sources = {w[3] for w in wanted[host]}
        if "error" in answer:
            refused[" ".join(sorted(sources))] += 1
        elif any(w[:3] == (answer["service"], answer["region"], answer["partition"]) for w in wanted[host]):
            right += 1
        elif sources <= set(EXPECTED):
            excused[" ".join(sorted(sources))] += 1
        else:
            wrong.append((host, answer, sorted(wanted[host])))
    print(f"{len(hosts)} hosts: {right} right ({100 * right / len(hosts):.2f} %), "
          f"{sum(refused.values())} refused, {sum(excused.values())} different for a known reason, {len(wrong)} wrong")
    for source, count in refused.most_common():
        print(f"  refused {count}: {source}")
    for source, count in excused.most_common():
        print(f"  different {count}: {source}: {EXPECTED.get(source, '')}")
    for host, answer, expected in wrong:
        print(f"  wrong: {host}: {answer}, botocore {expected}")
    return 1 if wrong or right < 0.99 * len(hosts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
