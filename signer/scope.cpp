// A host name is read from the right: DNS suffix, then the region (or what stands in its place), then the
// service, then labels that belong to the customer. Each function below knows one of these shapes.
#include "signer/scope.hpp"

#include "signer/host_name.hpp"
#include "signer/scope_answer.hpp"
#include "signer/scope_object_store.hpp"

#include <iterator>

namespace countersign::signer {
namespace {

using std::string_view;

// AWS's own names below iot (jobs.iot, credentials.iot) are short words; a device endpoint's is an account's id,
// of 13 or 14 letters and digits, or ends with "-ats".
bool is_device_endpoint(string_view label) noexcept {
    constexpr std::size_t shortest = 12;
    return label.size() >= shortest || label.ends_with("-ats") || label.find_first_of("0123456789") != label.npos;
}

// ecs-a-1, ecs-t-12: where DiscoverPollEndpoint sends the agents of Amazon ECS.
bool is_agent_endpoint(string_view name) noexcept {
    constexpr std::size_t front = string_view("ecs-a-").size();
    return (name.starts_with("ecs-a-") || name.starts_with("ecs-t-")) && name.size() > front &&
           name.find_first_not_of("0123456789", front) == name.npos;
}

// What the table of names does not hold: mostly a label of the customer's in front of the endpoint's name,
// abc123.execute-api, 123456789012.ddb, a1b2c3d4e5-ats.iot.
string_view service_by_shape(string_view name) noexcept {
    // In China "ats" is a label of its own.
    const string_view endpoint = without_first(name) == "ats.iot" ? string_view("iot") : without_first(name);
    if (endpoint == "iot") {
        return is_device_endpoint(name.substr(0, name.find('.'))) ? service_behind_label(endpoint) : string_view();
    }
    if (is_agent_endpoint(name)) {
        return "ecs";
    }
    const string_view last = last_label(name);
    if (last == "neptune") {
        return "neptune-db"; // db.cluster-abc.neptune.cn-north-1; elsewhere the region stands in front
    }
    if (last == "mediapackagev2") {
        return "mediapackagev2"; // abc.egress.xyz.mediapackagev2, abc-1.ingest.xyz.mediapackagev2
    }
    // A stream's id takes two labels: abcdefghij0123456789.abc.data-kinesis
    const bool is_stream = last.starts_with("data-kinesis") || last.starts_with("control-kinesis");
    return service_behind_label(is_stream && without_first(endpoint) == last ? last : endpoint);
}

// maps.geo, places.geo and routes.geo are Amazon Location's older service alone where the newer ones have hosts of
// their own: outside of aws and aws-us-gov, and for routes in aws-us-gov too (partition_wide).
bool is_older_location(string_view name, string_view service, partition_index partition) noexcept {
    const bool has_newer = partition == aws || (partition == aws_us_gov && service != "geo-routes");
    return service.starts_with("geo-") && !has_newer && !name.starts_with("geo-");
}

// NAME.REGION
scope_answer regional(string_view name, string_view region, partition_index partition) noexcept {
    const string_view plain = last_label(name) == "dualstack" ? without_last(name) : name;
    const string_view object_store = object_store_named(last_label(plain));
    if (!object_store.empty()) {
        return signed_for(object_store, region, partition);
    }
    if (const named_service found = service_named(name, partition); !found.service.empty()) {
        // AWS Import/Export never left the partition aws; for other partitions the SDKs have this name.
        const bool is_elsewhere = found.service == "IngestionService" && found.home.empty();
        if (is_older_location(name, found.service, partition)) {
            return signed_for("geo", region, partition);
        }
        return is_elsewhere ? signed_for("importexport", region, partition) : signed_for(found, region, partition);
    }
    if (takes_no_signature(name)) {
        return not_signed;
    }
    return is_customers(last_label(name)) ? not_ours : signed_for(service_by_shape(name), region, partition);
}

// RESOURCE.REGION.SERVICE: search-name-abc.eu-west-1.es, abc.eu-west-1.aoss; and the old REGION.SERVICE:
// eu-west-1.queue, eu-west-1.elasticmapreduce.
scope_answer service_behind_region(const dns_suffix& suffix, string_view name) noexcept {
    constexpr struct {
        string_view label, service;
    } services[] = {
        {"aoss", "aoss"},
        {"aoss-fips", "aoss"},
        {"cloudsearch", "cloudsearch"},
        {"elasticmapreduce", "elasticmapreduce"},
        {"es", "es"},
        {"es-fips", "es"},
        {"neptune", "neptune-db"},
        {"neptune-graph", "neptune-graph"},
        {"osis", "osis"},
        {"queue", "sqs"},
    };
    const string_view label = last_label(name);
    const string_view front = without_last(name);
    if (is_customers(label) && !front.empty()) {
        return not_ours;
    }
    const auto found =
        std::find_if(std::begin(services), std::end(services), [&](const auto& s) { return s.label == label; });
    const string_view region = last_label(front);
    const auto partition = region_below(suffix, region);
    if (found == std::end(services) || !partition) {
        return unknown;
    }
    const bool has_resource = !without_last(front).empty();
    const bool wants_resource = !is_one_of(found->service, {"elasticmapreduce", "sqs"});
    const bool may_stand_alone = found->service == "neptune-graph";
    return has_resource == wants_resource || may_stand_alone ? signed_for(found->service, region, *partition) : unknown;
}

// vpce-0a1b-2c3d.sqs.eu-west-1, with a zone (vpce-0a1b-2c3d-eu-west-1a.…), with labels of S3's in front
// (bucket.vpce-….s3.…). Behind vpce-svc-… answers somebody's own service.
scope_answer vpc_endpoint(const dns_suffix& suffix, string_view name) noexcept {
    const string_view region = last_label(name);
    const auto partition = region_below(suffix, region);
    if (!partition) {
        return unknown;
    }
    const string_view rest = without_last(name);
    std::size_t end = rest.size(); // of the label looked at, the last one first
    std::size_t begin = rest.rfind('.') + 1;
    while (!rest.substr(begin).starts_with("vpce-")) {
        if (begin == 0) {
            return unknown;
        }
        end = begin - 1;
        begin = end == 0 ? 0 : rest.rfind('.', end - 1) + 1;
    }
    if (rest.substr(begin).starts_with("vpce-svc-")) {
        return not_ours;
    }
    if (end == rest.size()) {
        return unknown;
    }
    const string_view service = rest.substr(end + 1);
    if (const string_view object_store = object_store_named(service); !object_store.empty()) {
        return signed_for(object_store, region, *partition);
    }
    const named_service found = service_named(service, *partition);
    return found.service.empty() && takes_no_signature(service) ? not_signed : signed_for(found, region, *partition);
}

// Endpoints that stand for several regions at once and take SigV4A only; nothing for other names.
std::optional<scope_answer> across_regions(const dns_suffix& suffix, string_view name) noexcept {
    constexpr struct {
        string_view name, service; // behind an id of the customer's, of one or more labels
    } endpoints[] = {
        {"accesspoint.s3-global", "s3"},                       // abc.mrap.accesspoint.s3-global.amazonaws.com
        {"endpoint.events", "events"},                         // abc.123.endpoint.events.amazonaws.com
        {"endpoints.email", "ses"},                            // abc.123.endpoints.email.amazonaws.com
        {"endpoints.email.global", "ses"},                     // the same below api.aws
        {"cloudfront-kvs.global", "cloudfront-keyvaluestore"}, // 123456789012.cloudfront-kvs.global.api.aws
    };
    if (!is_one_of(last_label(name), {"email", "events", "global", "s3-global"})) {
        return std::nullopt;
    }
    for (const auto& e : endpoints) {
        if (name.size() > e.name.size() && name.ends_with(e.name) && name[name.size() - e.name.size() - 1] == '.') {
            return host_scope{e.service, "*", partition_name(suffix.partition), true};
        }
    }
    return std::nullopt;
}

string_view without_fips_behind(string_view name) noexcept {
    return name.ends_with("-fips") ? name.substr(0, name.size() - 5) : name;
}

// iam-fips.amazonaws.eu, cloudfront.api.aws.scloud: services that have no region label in partitions where the
// descriptions list no endpoint of theirs either.
scope_answer global_by_name(string_view name, partition_index partition) noexcept {
    const string_view service = without_fips_behind(name);
    const bool is_global = is_one_of(service, {"budgets", "cloudfront", "iam", "route53"});
    return is_global ? signed_for(service_named(service, partition).service, partition_home(partition), partition)
                     : unknown;
}

// X.global.api.aws, X.us-gov.amazonaws.com: the endpoint of a global service.
scope_answer partition_wide(const dns_suffix& suffix, string_view name) noexcept {
    if (takes_no_signature(name)) {
        return not_signed;
    }
    const partition_index partition = last_label(name) == "us-gov" ? aws_us_gov : suffix.partition;
    const string_view endpoint = without_last(name);
    const string_view region = last_label(endpoint); // routes.geo.us-gov-west-1.us-gov.amazonaws.com
    if (partition == aws_us_gov && region_below(suffix, region) == aws_us_gov) {
        return signed_for(service_named(without_last(endpoint), partition), region, partition);
    }
    const named_service found = service_named(endpoint, partition);
    const bool is_for_sigv4a_too =
        is_one_of(without_fips_behind(endpoint), {"partnercentral-channel", "partnercentral-prm", "sustainability"});
    if (is_for_sigv4a_too) {
        return signed_for(found.service, partition_home(partition), partition);
    }
    return found.home.empty() ? global_by_name(endpoint, partition) : signed_for(found.service, found.home, partition);
}

// The rule sets give these one suffix in all partitions: agent-registry.cn-north-1.api.aws.
scope_answer with_suffix_of_aws(const dns_suffix& suffix, string_view name) noexcept {
    const string_view region = last_label(name);
    const auto partition = suffix.partition == aws ? partition_of(region) : std::nullopt;
    const bool is_such = is_one_of(without_last(name), {"agent-registry", "agent-registry-control"});
    return is_such && partition ? signed_for("agent-registry", region, *partition) : unknown;
}

// Below amazonaws.com and api.aws, and what other partitions have in their place.
scope_answer below_api(const dns_suffix& suffix, string_view host, string_view name) noexcept {
    const string_view last = last_label(name);
    if (const auto partition = region_below(suffix, last)) {
        return regional(without_last(name), last, *partition);
    }
    if (last == "vpce" && suffix.kind == domain::standard) {
        return vpc_endpoint(suffix, without_last(name));
    }
    if (const host_row* row = host_without_region(host)) {
        return signed_for(row->service, row->region, row->partition);
    }
    if (const auto found = across_regions(suffix, name)) {
        return *found;
    }
    if (name.find('.') == string_view::npos) {
        if (const scope_answer found = global_by_name(name, suffix.partition);
            std::holds_alternative<host_scope>(found)) {
            return found;
        }
    }
    if (last == "global" || (last == "us-gov" && suffix.partition == aws)) {
        return partition_wide(suffix, name);
    }
    if (suffix.kind == domain::dual_stack) {
        return with_suffix_of_aws(suffix, name);
    }
    if (const auto found = object_store_without_region(suffix, name)) {
        return *found;
    }
    return service_behind_region(suffix, name);
}

// abc123.lambda-url.eu-west-1.on.aws, name.aos.eu-west-1.on.aws, x-1.vpc-lattice-svcs.eu-west-1.on.aws
scope_answer below_resources(const dns_suffix& suffix, string_view name) noexcept {
    const string_view region = last_label(name);
    const string_view front = without_last(name);
    const string_view label = last_label(front);
    const bool stands_alone = label.size() == front.size();
    if (label == "lambda-web" && region == "global" && !stands_alone) { // a web function of several regions
        return host_scope{"lambda", "*", partition_name(suffix.partition), true};
    }
    // The rule sets give neptune-graph the suffix of aws in all partitions.
    const bool is_everywhere = label == "neptune-graph" && suffix.partition == aws;
    const auto partition = is_everywhere ? partition_of(region) : region_below(suffix, region);
    if (!partition) {
        return unknown;
    }
    if (label == "neptune-graph") {
        return signed_for("neptune-graph", region, *partition); // also without a graph's id
    }
    if (stands_alone) {
        return unknown;
    }
    if (is_one_of(label, {"dkr-ecr", "dkr-ecr-fips", "dsql", "lambda-microvm"})) {
        return not_signed; // Docker's registry; a database and machines that ask for a token
    }
    constexpr struct {
        string_view label, service;
    } services[] = {
        {"aos", "es"},
        {"aoss", "aoss"},
        {"lambda-url", "lambda"},
        {"lambda-web", "lambda"},
        {"vpc-lattice-svcs", "vpc-lattice-svcs"},
    };
    const auto found =
        std::find_if(std::begin(services), std::end(services), [&](const auto& s) { return s.label == label; });
    return found == std::end(services) ? unknown : signed_for(found->service, region, *partition);
}

} // namespace

scope_answer scope_of(string_view host) noexcept {
    const auto suffix = suffix_of(host);
    if (!suffix) {
        return scope_refusal::not_aws;
    }
    if (!is_host_name(host)) {
        return unknown;
    }
    const string_view name = host.substr(0, host.size() - suffix->text.size() - 1);
    switch (suffix->kind) {
    case domain::standard:
    case domain::dual_stack:
        return below_api(*suffix, host, name);
    case domain::resources:
        return below_resources(*suffix, name);
    case domain::sign_in: {
        const auto partition = region_below(*suffix, name);
        return partition ? signed_for("signin", name, *partition) : unknown;
    }
    case domain::customers:
        return not_ours;
    }
    return unknown;
}

bool is_region_beside(string_view region, string_view known) noexcept {
    const auto partition = partition_of(region);
    return partition && partition == partition_of(known) && is_host_name(region) && region.find('.') == region.npos;
}

string_view service_by_path(string_view host, string_view path) noexcept {
    if (host.find(".geo") == host.npos) { // nearly all
        return {};
    }
    const scope_answer found = scope_of(host);
    const auto* const scope = std::get_if<host_scope>(&found);
    // geo-maps.eu-west-1 and its like are of the newer service alone.
    if (scope == nullptr || !scope->service.starts_with("geo-") || host.starts_with(scope->service)) {
        return {};
    }
    return path.starts_with("/v2/") ? scope->service : string_view("geo");
}

scope_answer scope_of(string_view host, string_view path) noexcept {
    scope_answer found = scope_of(host);
    if (auto* const scope = std::get_if<host_scope>(&found)) {
        const string_view by_path = service_by_path(host, path);
        scope->service = by_path.empty() ? scope->service : by_path;
    }
    return found;
}

} // namespace countersign::signer
