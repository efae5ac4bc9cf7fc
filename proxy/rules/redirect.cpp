#include "proxy/rules/redirect.hpp"

#include "signer/encode.hpp"
#include "signer/host_name.hpp"
#include "signer/scope.hpp"
#include "signer/scope_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace countersign::proxy {

namespace {

using std::string_view;

struct s3_name {
    string_view bucket; // labels in front; "" in path style
    string_view label;  // s3 or s3-fips
    bool dual_stack = false;
    string_view suffix; // amazonaws.com
};

// "s3", "s3-external-1", "s3-eu-west-1", "s3-fips-us-gov-west-1", where no label for the region follows.
string_view plain_label(string_view label) noexcept {
    if (label == "s3" || label == "s3-external-1") {
        return "s3";
    }
    for (const string_view front : {"s3-fips-", "s3-"}) {
        if (label.starts_with(front) && signer::partition_of(label.substr(front.size()))) {
            return front.substr(0, front.size() - 1);
        }
    }
    return {};
}

std::optional<s3_name> take_apart(string_view host) noexcept {
    const auto suffix = signer::suffix_of(host);
    if (!suffix) {
        return std::nullopt;
    }
    s3_name out;
    out.suffix = suffix->text;
    string_view name = host.substr(0, host.size() - suffix->text.size() - 1);
    if (signer::partition_of(signer::last_label(name))) {
        name = signer::without_last(name);
        out.dual_stack = signer::last_label(name) == "dualstack";
        name = out.dual_stack ? signer::without_last(name) : name;
        const string_view label = signer::last_label(name);
        out.label = label == "s3" || label == "s3-fips" ? label : string_view{};
    } else {
        out.label = plain_label(signer::last_label(name));
    }
    out.bucket = signer::without_last(name);
    return out.label.empty() ? std::nullopt : std::optional{out};
}

// Scheme, port, path and query off; lower-case. "" where it is no plain http or https URL.
std::string host_of(string_view url) {
    const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
    if (scheme == 0) {
        return {};
    }
    string_view authority = url.substr(scheme);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    for (const string_view port : {":443", ":80"}) {
        if (authority.ends_with(port)) {
            authority.remove_suffix(port.size());
        }
    }
    std::string host(authority);
    std::transform(host.begin(), host.end(), host.begin(), signer::to_lower);
    return signer::is_host_name(host) ? host : std::string{};
}

bool is_redirect(const redirect_answer& said) noexcept {
    return said.status == 301 || said.status == 302 || said.status == 307 ||
           said.code == "IllegalLocationConstraintException"; // an opt-in region
}

// The region that a host of S3's names; "" when it names none.
string_view region_named_by(string_view host) noexcept {
    const auto found = signer::scope_of(host);
    const auto* const scope = std::get_if<signer::host_scope>(&found);
    return scope && scope->service == "s3" && !scope->is_default_region && !scope->sigv4a ? scope->region
                                                                                          : string_view{};
}

bool is_of_aws(string_view host) noexcept {
    const auto found = signer::scope_of(host);
    const auto* const why = std::get_if<signer::scope_refusal>(&found);
    return why == nullptr || *why == signer::scope_refusal::unknown_endpoint;
}

} // namespace

std::string s3_host_in(string_view host, string_view region) {
    const auto name = take_apart(host);
    if (!name) {
        return {};
    }
    return fmt::format(
        "{}{}{}{}.{}.{}",
        name->bucket,
        name->bucket.empty() ? "" : ".",
        name->label,
        name->dual_stack ? ".dualstack" : "",
        region,
        name->suffix
    );
}

std::optional<redirect_target> read_redirect(const redirect_answer& said, string_view host, string_view region) {
    const auto here = take_apart(host);
    if (!is_redirect(said) || !here) {
        return std::nullopt;
    }
    const bool has_location = !said.location.empty();
    const std::string there = has_location ? host_of(said.location) : std::string(said.endpoint);
    if ((has_location || !there.empty()) && !is_of_aws(there)) {
        return std::nullopt;
    }
    const string_view named = region_named_by(there);
    const string_view wanted = said.region.empty() ? named : said.region;
    if (!signer::is_region_beside(wanted, region)) {
        return std::nullopt;
    }
    const auto other = take_apart(there);
    const bool is_same_bucket = other && other->bucket == here->bucket;
    redirect_target to{is_same_bucket && named == wanted ? there : s3_host_in(host, wanted), std::string(wanted)};
    return to.host == host && wanted == region ? std::nullopt : std::optional{std::move(to)};
}

bool names_bucket(string_view host) noexcept {
    const auto name = take_apart(host);
    return name && !name->bucket.empty();
}

} // namespace countersign::proxy
