#include "proxy/rules/plan.hpp"

#include "conf/route.hpp"
#include "proxy/net/address.hpp"
#include "proxy/rules/route_choice.hpp"
#include "signer/bucket_host.hpp"
#include "signer/scope_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace countersign::proxy {

namespace {

using derived_scope = std::variant<signer::host_scope, signer::scope_refusal>;

std::string write_authority(std::string_view host, std::uint16_t port, bool tls) {
    const bool ipv6 = host.find(':') != std::string_view::npos;
    const std::string name = ipv6 ? fmt::format("[{}]", host) : std::string(host);
    return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

// The port that the client meant. It speaks plain HTTP to us even where it means HTTPS, so 80 says nothing.
std::uint16_t port_for(const asked_host& asked, bool tls) noexcept {
    const std::uint16_t standard = tls ? 443 : 80;
    if (!asked.port || *asked.port == 80 || *asked.port == 443) {
        return standard;
    }
    return *asked.port;
}

refusal refuse_host(signer::scope_refusal why, std::string_view host) {
    switch (why) {
    case signer::scope_refusal::customer_controlled:
        return {
            403,
            "customer-host",
            fmt::format("{} is somebody's own machine, not an AWS endpoint: nothing is signed for it.", host)};
    case signer::scope_refusal::not_signed:
        return {
            403,
            "not-signed-host",
            fmt::format(
                "{} asks for a password, a token or a certificate, not for a signature: call it directly.", host
            )};
    case signer::scope_refusal::unknown_endpoint:
        return {
            421,
            "unknown-host",
            fmt::format(
                "Service and region of {0} cannot be told from its name. Write a route: [[route]] host = \"{0}\", "
                "service = \"...\", region = \"...\".",
                host
            )};
    default:
        return {
            421,
            "unknown-host",
            fmt::format(
                "{0} is not an AWS endpoint and no route names it. If it is to be signed for, write [[route]] host = "
                "\"{0}\", service = \"...\", region = \"...\".",
                host
            )};
    }
}

void dial(plan& p, std::string_view host, std::uint16_t port, bool tls) {
    p.dial_host = host;
    p.dial_port = port;
    p.tls_name = tls ? std::string(host) : std::string{};
    p.authority = write_authority(host, port, tls);
}

// The endpoint to send a bucket to that stands in the path: in the region that it is signed for.
std::string path_style_endpoint(const signer::uncovered_bucket& in, std::string_view region) {
    const auto suffix = signer::suffix_of(in.endpoint);
    const auto partition = signer::partition_of(region);
    if (in.names_region || !suffix || !partition || signer::suffixes_of(*partition).standard != suffix->text) {
        return std::string(in.endpoint);
    }
    return fmt::format("s3.{}.{}", region, suffix->text);
}

// Over TLS a bucket whose host no certificate covers goes into the path. REQUIRES: dial(p, host, …), p.region.
std::optional<refusal> address_bucket(plan& p, std::string_view host) {
    const auto found = p.tls_name.empty() ? std::nullopt : signer::uncovered_bucket_in(host);
    if (!found) {
        return std::nullopt;
    }
    if (!found->has_path_style) {
        return refusal{
            421,
            "bucket-not-accelerated",
            fmt::format(
                "S3 Transfer Acceleration takes no bucket with dots or underscores in its name, as {} has: ask for "
                "{}.s3.REGION.amazonaws.com.",
                found->bucket,
                found->bucket
            )};
    }
    p.path_prefix = fmt::format("/{}", found->bucket);
    dial(p, path_style_endpoint(*found, p.region), p.dial_port, true);
    return std::nullopt;
}

// Scope by route first, then by name. The refusal where neither is enough.
std::optional<refusal> fill_scope(
    plan& p, const conf::route& r, const derived_scope& derived, std::string_view default_region, std::string_view host
) {
    const auto* by_name = std::get_if<signer::host_scope>(&derived);
    if (r.service.empty() && !by_name) {
        return refuse_host(std::get<signer::scope_refusal>(derived), host);
    }
    p.service = r.service.empty() ? std::string(by_name->service) : r.service;
    p.region = !r.region.empty() ? r.region : std::string(by_name ? by_name->region : default_region);
    p.traits = signer::traits_of(p.service);
    p.sigv4a = p.region.find_first_of(",*") != std::string::npos;
    p.is_default_region = r.region.empty() && by_name && by_name->is_default_region;
    p.is_scope_of_host = r.service.empty() && r.region.empty();
    return std::nullopt;
}

time_limits limits_of(const conf::upstream_settings& all, const conf::route* r) {
    const auto own = [r](auto member) { return r ? r->*member : std::nullopt; };
    const auto response = own(&conf::route::response_timeout);
    const auto set = response ? response : all.response_timeout;
    return {
        own(&conf::route::connect_timeout).value_or(all.connect_timeout),
        own(&conf::route::request_timeout).value_or(all.request_timeout),
        set.value_or(conf::usual_response_timeout),
        own(&conf::route::idle_timeout).value_or(all.idle_timeout),
        set.has_value()};
}

// What a route says beyond where and as what.
void take_over(plan& p, const conf::route& r) {
    p.route = r.name.empty() ? r.host : r.name;
    p.sign = r.sign;
    p.payload = r.payload;
    p.max_attempts = r.max_attempts;
    p.identity = r.identity_index;
    p.retry_mode = r.retry_mode;
    p.rate_limit = r.rate_limit;
    p.rate_limit_wait = r.rate_limit_wait.value_or(conf::usual_rate_limit_wait);
    p.add_headers = r.add_headers;
    p.sign_headers = r.sign_headers;
    p.unsigned_headers = r.unsigned_headers;
    p.remove_headers = r.remove_headers;
    // A client's own field of that name is not to stand beside it.
    for (const conf::header_line& h : r.add_headers) {
        p.remove_headers.push_back(h.name);
    }
}

std::variant<plan, refusal>
plan_by_route(const conf::route& r, std::string_view default_region, const asked_host& asked) {
    plan p;
    take_over(p, r);
    const conf::scheme scheme = r.scheme.value_or(r.upstream_scheme.value_or(conf::scheme::https));
    const bool tls = scheme == conf::scheme::https;
    const std::string_view host = r.upstream ? std::string_view{r.upstream->host} : asked.host;
    dial(p, host, r.upstream ? r.upstream->port : port_for(asked, tls), tls);
    // Who wrote an address into a route meant it; a name in a request is only a name.
    p.public_only = !r.upstream && !r.connect;
    const derived_scope derived = signer::scope_of(host, asked.path);
    if (auto no = fill_scope(p, r, derived, default_region, host); no && r.sign != conf::sign_mode::none) {
        return *std::move(no);
    }
    if (auto no = address_bucket(p, host)) {
        return *std::move(no);
    }
    if (r.connect) {
        p.dial_host = r.connect->host;
        p.dial_port = r.connect->port;
    }
    return p;
}

std::variant<plan, refusal> plan_by_name(const signer::host_scope& scope, const asked_host& asked) {
    if (asked.port && *asked.port != 80 && *asked.port != 443) {
        return refusal{403, "bad-port", "AWS endpoints are dialled on port 443 only; write a route for another port."};
    }
    plan p;
    dial(p, asked.host, 443, true);
    p.service = scope.service;
    p.region = scope.region;
    p.sigv4a = scope.sigv4a;
    p.is_default_region = scope.is_default_region;
    p.is_scope_of_host = true;
    p.traits = signer::traits_of(p.service);
    if (auto no = address_bucket(p, asked.host)) {
        return *std::move(no);
    }
    return p;
}

// What was decided for one region must not be signed for another one.
bool asks_for_regions(const conf::policy_settings& policy) {
    const auto has_region = [](const conf::rule& r) { return !r.region.empty(); };
    return std::any_of(policy.allow.begin(), policy.allow.end(), has_region) ||
           std::any_of(policy.deny.begin(), policy.deny.end(), has_region);
}

// policy.other_hosts = "pass": an ordinary forward proxy for hosts that are not AWS.
plan plan_to_pass(const asked_host& asked) {
    plan p;
    dial(p, asked.host, asked.port.value_or(asked.https ? 443 : 80), asked.https);
    p.sign = conf::sign_mode::none;
    p.traits.errors = signer::wire_protocol::text;
    return p;
}

std::variant<plan, refusal> plan_without_route(const conf::config& c, const asked_host& asked) {
    const derived_scope derived = is_numeric_host(asked.host) ? derived_scope{signer::scope_refusal::not_aws}
                                                              : signer::scope_of(asked.host, asked.path);
    if (const auto* scope = std::get_if<signer::host_scope>(&derived)) {
        return plan_by_name(*scope, asked);
    }
    const auto why = std::get<signer::scope_refusal>(derived);
    if (why == signer::scope_refusal::not_aws && c.policy.other == conf::other_hosts::pass &&
        !is_numeric_host(asked.host)) {
        return plan_to_pass(asked);
    }
    return refuse_host(why, asked.host);
}

} // namespace

std::variant<plan, refusal> make_plan(const conf::config& c, std::string_view default_region, const asked_host& asked) {
    const route_choice choice = choose_route(c.routes, asked.host, asked.method, asked.path);
    if (choice.unclear) {
        return refuse_path();
    }
    return make_plan(c, default_region, asked, choice.route);
}

std::variant<plan, refusal>
make_plan(const conf::config& c, std::string_view default_region, const asked_host& asked, const conf::route* r) {
    auto made = r ? plan_by_route(*r, default_region, asked) : plan_without_route(c, asked);
    auto* const p = std::get_if<plan>(&made);
    if (p == nullptr) {
        return made;
    }
    p->limits = limits_of(c.upstream, r);
    p->is_default_region = p->is_default_region && !asks_for_regions(c.policy);
    const bool is_elsewhere = r && r->upstream;
    const policy_facts facts{
        asked.host,
        is_elsewhere ? std::string_view{r->upstream->host} : asked.host,
        p->service,
        p->region,
        r != nullptr,
        p->sign != conf::sign_mode::none};
    auto decided = decide_for_host(c.policy, facts);
    if (auto* no = std::get_if<refusal>(&decided)) {
        return std::move(*no);
    }
    p->rules = std::get<shared_rules>(std::move(decided));
    return made;
}

refusal refuse_path() {
    return {
        400,
        "ambiguous-path",
        "A route asks for the path, and this one could be read in two ways: send it without \".\", \"..\" and empty "
        "segments, backslashes and escaped slashes."};
}

} // namespace countersign::proxy
