#!/usr/bin/env python3
"""Writes signer/scope_table.inc: what scope_of() knows about AWS's endpoints.

    signer/scope_table.py FOLDER > signer/scope_table.inc

FOLDER holds two extracts of the AWS SDKs' own descriptions (botocore's endpoints.json and service-2.json files):
  partitions.json  {"partitions": [{partition, dns_suffix, outputs, region_regex, services}]}
  services.json    {"services": [{endpoint_prefix, signing_name, protocol}]}
To refresh: take both from a newer SDK, run this, run the tests; then the newest botocore against the result, by its
rule sets (tests/signer/scope_rules_test.py) and by its clients (scope_client_test.py with all regions). Names that only
the rule sets know go into OTHER_NAMES. What the descriptions do not say stands below, with the reason. Nothing is
downloaded.
"""
import json
import re
import sys

# Prefixes that stand in front of the endpoint's name in some operations only ("hostPrefix" in the service models),
# other spellings of a name, and the names that dual-stack and FIPS hosts use.
OTHER_NAMES = {
    "IoTSecuredTunneling": ["api.iot-tunneling"],
    "aidevops": ["cp.aidevops", "dp.aidevops"],
    "airflow": ["api.airflow", "env.airflow", "ops.airflow"],
    "aps": ["aps-workspaces"],
    "arc-region-switch": ["arc-region-switch-control-plane"],
    "aws-marketplace": ["catalog-marketplace", "entitlement-marketplace", "metering-marketplace"],
    "ce": ["cost-explorer"],
    "dataexchange": ["api-fulfill.dataexchange"],
    "deadline": ["management.deadline", "scheduling.deadline"],
    "dynamodb": ["streams-dynamodb"],
    "elasticfilesystem": ["efs"],
    "es": ["aos"],
    # Amazon Location's older operations stand at maps.geo, places.geo and routes.geo too: service_by_path() tells.
    "geo": ["cp.maps.geo", "cp.places.geo", "cp.routes.geo", "cp.geofencing.geo", "cp.metadata.geo",
            "cp.tracking.geo", "geofencing.geo", "metadata.geo", "tracking.geo"],
    "geo-maps": ["maps.geo"],
    "geo-places": ["places.geo"],
    "geo-routes": ["routes.geo"],
    "greengrass": ["greengrass-ats.iot"],
    "iotdata": ["data.iot", "data.ats.iot"],
    "iotsitewise": ["api.iotsitewise", "data.iotsitewise", "edge.iotsitewise", "model.iotsitewise",
                    "monitor.iotsitewise"],
    "iottwinmaker": ["api.iottwinmaker", "data.iottwinmaker"],
    "health-agent": ["runtime.health-agent", "streaming.health-agent"],
    "kafka": ["kafka-api"],
    "lakeformation": ["data-lakeformation", "query-lakeformation"],
    "logs": ["stream-logs", "streaming-logs"],
    "medical-imaging": ["runtime-medical-imaging"],
    "mturk-requester": ["mturk-requester-sandbox"],
    "omics": ["analytics-omics", "control-storage-omics", "storage-omics", "tags-omics", "workflows-omics"],
    "route53": ["route-53"],
    "route53-recovery-control-config": ["arc-recovery-control-config"],
    "rum": ["dataplane.rum"],
    "servicediscovery": ["data-servicediscovery"],
    "signer": ["data-signer", "verification.signer"],
    "states": ["sync-states"],
    "sustainability": ["api.sustainability"],
    "thinclient": ["api.thinclient"],
    "timestream": ["timestream-ingest", "timestream-query"],
    "transcribe": ["cn.transcribe", "transcribestreaming"],
}

# Endpoints of November 2026, newer than the extracts.
NEWER_NAMES = {
    "account-access": "account-access",
    "iam-toolbox": "iam",
    "search-dynamodb": "dynamodb",
}

# Services that no SDK describes; their clients sign with the endpoint's name. AWS's MCP servers are among them, and
# "MCP Proxy for AWS" would do so for any NAME-mcp; here a signing name is never what a client wrote.
UNDESCRIBED = ["agentaccess-mcp", "aws-external-anthropic", "aws-mcp", "bedrock-mantle", "codewhisperer", "ec2messages",
               "ecs-mcp", "eks-mcp", "partnercentral-agents-mcp", "q", "s3-object-lambda",
               "sagemaker-unified-studio-mcp", "ssmmessages"]

# Services that the descriptions have dropped since AWS closed them to new customers: their hosts are still asked.
RETIRED = {
    "a4b": "a4b",
    "api.elastic-inference": "elastic-inference",
    "api.fleethub.iot": "iotfleethub",
    "backupstorage": "backup-storage",
    "codestar": "codestar",
    "data.iotevents": "ioteventsdata",
    "dataplane.evidently": "evidently",
    "devices.iot1click": "iot1click",
    "elastictranscoder": "elastictranscoder",
    "evidently": "evidently",
    "gamesparks": "gamesparks",
    "honeycode": "honeycode",
    "iotanalytics": "iotanalytics",
    "iotevents": "iotevents",
    "iotroborunner": "iotroborunner",
    "lookoutmetrics": "lookoutmetrics",
    "lookoutvision": "lookoutvision",
    "macie": "macie",
    "mobile": "AWSMobileHubService",
    "nimble": "nimble",
    "opsworks": "opsworks",
    "opsworks-cm": "opsworks-cm",
    "panorama": "panorama",
    "private-networks": "private-networks",
    "projects.iot1click": "iot1click",
    "qldb": "qldb",
    "robomaker": "robomaker",
    "session.qldb": "qldb",
    "simspaceweaver": "simspaceweaver",
    "sms": "sms",
    "worklink": "worklink",
}

# Names that stand behind a label of the customer's: abc123.execute-api.eu-west-1.amazonaws.com.
BEHIND_A_LABEL = {
    "appsync-api": "appsync",
    "appsync-realtime-api": "appsync",
    "control-kinesis": "kinesis",
    "data-kinesis": "kinesis",
    "data.mediastore": "mediastore",
    "ddb": "dynamodb",
    "execute-api": "execute-api",
    "gateway.bedrock-agentcore": "bedrock-agentcore",
    "iot": "iotdata",
    "jobs.iot": "iot-jobs-data",
    "kinesisvideo": "kinesisvideo",
    "neptune-graph": "neptune-graph",
    "livy.emr-serverless-services": "emr-serverless",
    "mediaconvert": "mediaconvert",
    "route53-recovery-cluster": "route53-recovery-cluster",
    "runtime.bedrock-agentcore": "bedrock-agentcore",
    "search-ddb": "dynamodb",
    "streams-ddb": "dynamodb",
    "timestream": "timestream",
}

# Global endpoints that take a bearer token and no SigV4 signature. Regional ones exist in the descriptions only.
NOT_SIGNED = {"codecatalyst"}

# Endpoints without a region in their name that answer for us-east-1, older than the descriptions.
OLD_HOSTS = {
    "autoscaling": "autoscaling",
    "ec2": "ec2",
    "elasticloadbalancing": "elasticloadbalancing",
    "elasticmapreduce": "elasticmapreduce",
    "queue": "sqs",
    "rds": "rds",
    "sdb": "sdb",
}

# The partition aws has another spelling of these (budgets.us-east-1.api.aws, cloudfront.global.api.aws).
GOVERNMENT_HOSTS = ["budgets.api.aws", "cloudfront.api.aws", "cloudfront-fips.api.aws"]

# Signed for one region whatever the host says; only the rule sets know.
OTHER_HOMES = {("api.sustainability", "aws"): "us-east-1"}

# Regional beside their global endpoint, and signed for the region that the host names.
REGIONAL_TOO = {"health", "s3", "sts", "support"}

# Signed for their home where the name has no region, or a rule set says so. Where one makes FIPS and dual-stack names of
# regions and is silent about the signature, the region named counts, as in the SDKs that know only rule sets. (botocore's
# clients then sign for the home, which they still take from endpoints.json.)
REGION_FIRST = {"billingconductor", "chime", "organizations", "savingsplans", "shield", "waf"}

# What most clients of the service still speak where the description has gone over to CBOR.
PROTOCOLS = {"rest-xml": "rest_xml", "query": "query_xml", "ec2": "ec2_xml"}
OLD_PROTOCOLS = {"monitoring": "query_xml"}


def read(folder, name):
    with open(f"{folder}/{name}.json", encoding="utf-8") as file:
        return json.load(file)[name]


def text(value):
    assert re.fullmatch(r"[A-Za-z0-9._-]*", value), value
    return f'"{value}"'


def region_prefixes(regex):
    """^(us|eu)\\-\\w+\\-\\d+$ → us, eu; ^eusc\\-(de)\\-\\w+\\-\\d+$ → eusc-de"""
    front = regex.removeprefix("^").removesuffix(r"\-\w+\-\d+$").replace("\\-", "-")
    match = re.fullmatch(r"(?:([a-z-]+)-)?\(([a-z|]+)\)|([a-z-]+)", front)
    assert match, regex
    if match[3]:
        return [match[3]]
    return [f"{match[1]}-{name}" if match[1] else name for name in match[2].split("|")]


def signed_services(partition):
    return [(prefix, service) for prefix, service in partition["services"].items() if prefix not in NOT_SIGNED]


def endpoint_names(services, partitions):
    names = {service["endpoint_prefix"]: service["signing_name"] for service in services}
    for partition in partitions:
        for prefix, service in signed_services(partition):
            scopes = [service.get("defaults", {})] + service.get("special", [])
            signing = [scope["credentialScope"]["service"] for scope in scopes
                       if "service" in scope.get("credentialScope", {})]
            if signing:
                names[prefix] = signing[0]
    for name, signing in RETIRED.items():
        names.setdefault(name, signing)
    names |= NEWER_NAMES
    for name in UNDESCRIBED:
        names.setdefault(name, name)
    for signing in sorted(set(names.values())):
        names.setdefault(signing.lower(), signing)   # api.ecr is ecr-fips and ecr.….api.aws elsewhere
    for signing, others in OTHER_NAMES.items():
        for name in others:
            names[name] = signing
    return names


def global_endpoints(partitions):
    """(endpoint name, partition) → signing region, and whole hosts without region → service, region, partition."""
    homes, hosts = {}, {}
    for partition in partitions:
        name, home = partition["partition"], partition["outputs"]["implicitGlobalRegion"]
        for prefix, service in signed_services(partition):
            for special in service.get("special", []):
                scope = special.get("credentialScope", {})
                region = scope.get("region", home)
                if special["endpoint"] == service.get("partition_endpoint") and prefix not in REGIONAL_TOO:
                    for other in [prefix] + OTHER_NAMES.get(prefix, []):
                        homes[other, name] = region
                for host in [special.get("hostname")] + [v.get("hostname") for v in special.get("variants", [])]:
                    if host and "localhost" not in host and not re.search(r"-[a-z]+-\d+\.", host):
                        hosts[host] = (scope.get("service", prefix), region, name)
    homes |= OTHER_HOMES
    for label, service in OLD_HOSTS.items():
        hosts[f"{label}.amazonaws.com"] = (service, "us-east-1", "aws")
    for host in GOVERNMENT_HOSTS:
        hosts[host] = (re.match("[a-z0-9]+", host)[0], "us-gov-west-1", "aws-us-gov")
    return homes, hosts


def print_rows(declaration, rows):
    print(f"\nconstexpr {declaration}[] = {{")
    for row in rows:
        print(f"    {{{', '.join(row)}}},")
    print("};")


def main(folder):
    partitions, services = read(folder, "partitions"), read(folder, "services")
    number = {partition["partition"]: str(index) for index, partition in enumerate(partitions)}
    names = endpoint_names(services, partitions)
    homes, hosts = global_endpoints(partitions)
    protocols = {service["signing_name"]: PROTOCOLS[service["protocol"]] for service in services
                 if service["protocol"] in PROTOCOLS} | OLD_PROTOCOLS

    print("// Written by signer/scope_table.py from the descriptions of August 2026 and what is newer; edit that instead.")
    print_rows("partition_row partition_rows", [
        (text(p["partition"]), text(p["dns_suffix"]), text(p["outputs"]["dualStackDnsSuffix"]),
         text(p["outputs"]["implicitGlobalRegion"])) for p in partitions])
    print_rows("region_row region_rows", [
        (text(prefix), number[p["partition"]]) for p in partitions for prefix in region_prefixes(p["region_regex"])])
    rows = [(text(name), text(signing)) for name, signing in names.items()]
    print_rows("name_row endpoint_rows", sorted(rows))
    print_rows("name_row labelled_rows", sorted((text(a), text(b)) for a, b in BEHIND_A_LABEL.items()))
    print_rows("home_row home_rows", [
        (text(endpoint), number[partition], text(region), "true" if endpoint in REGION_FIRST else "false")
        for (endpoint, partition), region in sorted(homes.items(), key=lambda item: (item[0][0], int(number[item[0][1]])))])
    print_rows("host_row host_rows", [
        (text(host), text(service), text(region), number[partition])
        for host, (service, region, partition) in sorted(hosts.items())])
    print_rows("protocol_row protocol_rows", sorted(
        (text(signing), f"wire_protocol::{protocol}") for signing, protocol in protocols.items()))


if __name__ == "__main__":
    main(sys.argv[1])
