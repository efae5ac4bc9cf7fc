#include "proxy/commands/scope_explanation.hpp"

#include "signer/bucket_host.hpp"
#include "signer/host_name.hpp"
#include "signer/scope.hpp"
#include "signer/scope_lookup.hpp"

#include <fmt/format.h>

#include <variant>

namespace countersign::proxy {

namespace {

// The shape by what stands right in front of the suffix; the same order as in signer/scope.cpp.
std::string shape_of(const signer::dns_suffix& suffix, std::string_view host, std::string_view name) {
    const std::string_view last = signer::last_label(name);
    if (suffix.kind == signer::domain::customers) {
        return fmt::format("below {}, where customers' own names are", suffix.text);
    }
    if (suffix.kind == signer::domain::resources) {
        return fmt::format("a resource's endpoint, RESOURCE.SERVICE.REGION below {}", suffix.text);
    }
    const bool is_elsewhere = suffix.kind == signer::domain::dual_stack && signer::partition_of(last); // agent-registry
    if (suffix.kind != signer::domain::sign_in && (is_elsewhere || signer::region_below(suffix, last))) {
        return fmt::format(
            "regional, NAME.REGION below {}: name \"{}\", region \"{}\"", suffix.text, signer::without_last(name), last
        );
    }
    if (suffix.kind == signer::domain::sign_in) {
        return fmt::format("sign-in of the console and the CLI, REGION below {}", suffix.text);
    }
    if (signer::host_without_region(host)) {
        return "an entry of the table of host names without region";
    }
    if (last == "global" || last == "us-gov") {
        return fmt::format("the endpoint of a global service, NAME.{} below {}", last, suffix.text);
    }
    if (last == "vpce") {
        return "an interface VPC endpoint, vpce-ID.NAME.REGION.vpce";
    }
    const std::string_view inner = last == "dualstack" ? signer::last_label(signer::without_last(name)) : last;
    if (inner.starts_with("s3")) {
        return "S3 without a region label of its own";
    }
    return fmt::format("the region in front of the service, RESOURCE.REGION.SERVICE below {}", suffix.text);
}

std::string explain_found(const signer::host_scope& scope, std::string_view host, const std::string& shape) {
    if (scope.sigv4a) {
        return fmt::format("an endpoint for several regions (SigV4A); signing name \"{}\"", scope.service);
    }
    std::string text = fmt::format("{}; signing name \"{}\"", shape, scope.service);
    if (const std::string_view elsewhere = signer::service_by_path(host, "/"); !elsewhere.empty()) {
        text += fmt::format(" below /v2/, \"{}\" elsewhere", elsewhere);
    }
    if (const auto in = signer::uncovered_bucket_in(host); in && in->has_path_style) {
        text += fmt::format(
            "; over TLS the bucket goes into the path, /{}/...: no certificate covers the host", in->bucket
        );
    }
    if (scope.is_default_region) {
        text += "; another region where S3 answers that the bucket is there";
    }
    return text;
}

} // namespace

std::string explain_scope(std::string_view host) {
    const auto suffix = signer::suffix_of(host);
    if (!suffix) {
        return "below none of AWS's domain names";
    }
    const std::string_view name = host.substr(0, host.size() - suffix->text.size() - 1);
    const std::string shape = shape_of(*suffix, host, name);
    const auto found = signer::scope_of(host);
    if (const auto* scope = std::get_if<signer::host_scope>(&found)) {
        return explain_found(*scope, host, shape);
    }
    const auto refusal = std::get<signer::scope_refusal>(found);
    const std::string_view why = refusal == signer::scope_refusal::customer_controlled
                                     ? "somebody's own machine answers there"
                                 : refusal == signer::scope_refusal::not_signed ? "SigV4 is not spoken there"
                                 : !signer::is_host_name(host)                  ? "not a host name as DNS has it"
                                                                                : "no service is known by that name";
    return fmt::format("{}; {}", shape, why);
}

} // namespace countersign::proxy
