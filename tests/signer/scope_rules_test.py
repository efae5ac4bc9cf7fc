#!/usr/bin/python3
"""Compares `countersign scope` with botocore's endpoint rule sets: every host that they make for all services and regions,
plain, FIPS and dual-stack, with the labels that operations put in front and those of accounts and streams.

    /usr/bin/python3 tests/signer/scope_rules_test.py PATH/TO/countersign

Expected is the first SigV4 scheme of the rule; where it names none, the model's signing name and the region asked for,
as in the SDKs that have nothing but rule sets. (botocore's clients ask endpoints.json then: scope_client_test.py.)
Whatever Python runs this, its botocore is the one compared with.
"""
import collections
import re
import sys
import urllib.parse

import botocore.endpoint_provider
import botocore.session

import scope_botocore_test

# Parameters beside the region, where a rule set has them: the labels that they become.
OTHER_PARAMETERS = {
    "AccountId": {"AccountId": "123456789012", "AccountIdEndpointMode": "preferred"},
    "Bucket": {"Bucket": "some-bucket"},
    "EndpointId": {"EndpointId": "abc123.456def"},
    "StreamId": {"StreamId": "abcdefghij0123456789-abc", "OperationType": "data"},
    "UseControlPlaneEndpoint": {"UseControlPlaneEndpoint": True},
}

# Where today's answer differs from these rules, and why.
EXPECTED = {
    "codecatalyst": "takes a bearer token, and so is refused",
}
# The same for the rule sets of Debian's botocore (December 2022). Those named the home for FIPS and dual-stack hosts of
# regions; later ones are silent there.
SILENT_NOW = ["billingconductor", "chime", "health", "organizations", "savingsplans", "shield", "waf"]
EXPECTED_OF_DEBIAN = scope_botocore_test.EXPECTED | {
    "location": "one host for two services now; the path decides",
} | dict.fromkeys(SILENT_NOW, "these rules name the home, today's none")


def host_labels(model):
    """What stands in front of the host in some operation: "", "api.", "{AccountId}." filled in."""
    found = {(model.operation_model(name).endpoint or {}).get("hostPrefix", "") for name in model.operation_names}
    return {re.sub(r"\{\w+\}", "abc123", label) for label in found}


def wanted_scope(model, endpoint, region):
    """SigV4A's scheme only where there is no other."""
    schemes = sorted(endpoint.properties.get("authSchemes", []), key=lambda scheme: scheme["name"] == "sigv4a")
    scheme = schemes[0] if schemes else {}
    regions = scheme.get("signingRegionSet", [scheme.get("signingRegion", region)])
    return scheme.get("signingName", model.signing_name), regions[0]


def hosts_of_rules(session):
    """(host, signing name, region, partition, botocore's service)"""
    loader = session.get_component("data_loader")
    partitions = loader.load_data("partitions")
    regions = [(p["id"], r) for p in partitions["partitions"] for r in p["regions"] if "-global" not in r]
    for service in session.get_available_services():
        model = session.get_service_model(service)
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = botocore.endpoint_provider.EndpointProvider(rules, partitions)
        known = provider.ruleset.parameters
        extras = [{}] + [extra for name, extra in OTHER_PARAMETERS.items() if name in known]
        labels = host_labels(model)
        for partition, region in regions:
            for fips, dual_stack in scope_botocore_test.VARIANTS:
                for extra in extras:
                    asked = {"Region": region, "UseFIPS": fips, "UseDualStack": dual_stack} | extra
                    try:
                        endpoint = provider.resolve_endpoint(**{k: v for k, v in asked.items() if k in known})
                    except Exception:
                        continue   # "FIPS is not supported in this partition"
                    host = urllib.parse.urlsplit(endpoint.url).hostname
                    for label in labels:
                        yield label + host, *wanted_scope(model, endpoint, region), partition, service


def expected_differences():
    is_old = tuple(int(part) for part in botocore.__version__.split(".")[:2]) < (1, 30)
    return EXPECTED | (EXPECTED_OF_DEBIAN if is_old else {})


def main(program):
    expected = expected_differences()
    wanted = collections.defaultdict(set)
    for host, name, region, partition, service in hosts_of_rules(botocore.session.get_session()):
        wanted[host].add((name, region, partition, service))
    hosts = sorted(wanted)
    right, excused, wrong = 0, collections.Counter(), []
    for host, answer in zip(hosts, scope_botocore_test.ask(program, hosts)):
        sources = {w[3] for w in wanted[host]}
        if any(w[:2] == (answer.get("service"), answer.get("region")) for w in wanted[host]):
            right += 1
        elif sources <= set(expected):
            excused[" ".join(sorted(sources))] += 1
        else:
            wrong.append((host, answer, sorted(wanted[host])))
    print(f"{len(hosts)} hosts: {right} right ({100 * right / len(hosts):.2f} %), "
          f"{sum(excused.values())} different for a known reason, {len(wrong)} wrong")
    for source, count in excused.most_common():
        print(f"  different {count}: {source}: {expected.get(source, '')}")
    for row in wrong:
        print("  wrong:", *row)
    return 1 if wrong or right < 0.97 * len(hosts) or len(hosts) < 40000 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
