#include "conf/keys.hpp"

#include "conf/error.hpp"
#include "conf/route_keys.hpp"
#include "conf/rule.hpp"
#include "conf/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace countersign::conf {
namespace {

using std::string_view;

template <class Choice>
using choice = std::pair<string_view, Choice>;

template <class Choice>
Choice pick(const value& v, std::initializer_list<choice<Choice>> choices) {
    return v.one_of(std::span<const choice<Choice>>(choices.begin(), choices.size()));
}

unsigned attempts(const value& v) {
    return static_cast<unsigned>(v.number(1, 100));
}

unsigned count(const value& v, std::uint64_t least, std::uint64_t most) {
    return static_cast<unsigned>(v.number(least, most));
}

std::vector<endpoint> endpoints(const value& v) {
    std::vector<endpoint> all;
    for (const value& one : v.list()) {
        all.push_back(one.address());
    }
    if (all.empty()) {
        v.fail("names no address");
    }
    return all;
}

std::vector<std::string> texts(const value& v) {
    std::vector<std::string> all;
    for (const value& one : v.list()) {
        all.push_back(one.printable_text());
    }
    return all;
}

std::string scope_name(const value& v) {
    std::string name = v.printable_text();
    const bool is_known = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
    if (!is_known) {
        v.fail("expected lower-case letters, digits and '-', as in \"s3\" or \"eu-west-1\"");
    }
    return name;
}

// One region, or the patterns of a region set for SigV4A: "*", ["us-east-1", "eu-*"].
std::string region_or_set(const value& v) {
    std::string all;
    for (const value& one : v.list()) {
        all += (all.empty() ? "" : ",") + one.printable_text();
    }
    if (all.empty()) {
        v.fail("an empty list names no region; leave it out to take that of the host");
    }
    const bool is_known = all.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-*,") == std::string::npos;
    const bool has_gap = all.starts_with(',') || all.ends_with(',') || all.find(",,") != std::string::npos;
    if (!is_known || has_gap) {
        v.fail("expected a region, as in \"eu-west-1\", or a region set for SigV4A, as in \"us-east-1,eu-*\"");
    }
    return all;
}

endpoint dialled(const value& v) {
    const endpoint found = v.address();
    if (found.port == 0) {
        v.fail("port 0 cannot be dialled");
    }
    return found;
}

scheme read_scheme(const value& v) {
    return pick<scheme>(v, {{"https", scheme::https}, {"http", scheme::http}});
}

// "https://search.example.com" → https, search.example.com:443
void read_upstream(const value& v, route& r) {
    const std::string url = v.printable_text();
    const auto end_of_scheme = url.find("://");
    const string_view name = string_view(url).substr(0, std::min(end_of_scheme, url.size()));
    if (end_of_scheme == std::string::npos || (name != "https" && name != "http")) {
        v.fail("expected a URL, as in \"https://search.example.com\" or \"http://127.0.0.1:9000\"");
    }
    string_view authority = string_view(url).substr(end_of_scheme + 3);
    if (authority.find('@') != string_view::npos) {
        v.fail("a user or password in a URL is never used; credentials come from the provider chain");
    }
    if (authority.ends_with('/')) {
        authority.remove_suffix(1);
    }
    if (authority.empty() || authority.find_first_of("/?#") != string_view::npos) {
        v.fail("only scheme, host and port can be given; the path is the request's own");
    }
    r.upstream_scheme = name == "https" ? scheme::https : scheme::http;
    const bool has_port = authority.rfind(':') != string_view::npos && !authority.ends_with(']');
    const string_view default_port = name == "https" ? ":443" : ":80";
    const std::string whole = std::string(authority) + std::string(has_port ? string_view() : default_port);
    try {
        r.upstream = parse_endpoint(whole, v.key());
    } catch (const error&) {
        v.fail("the URL's host or port is not valid");
    }
    if (r.upstream->port == 0) {
        v.fail("port 0 cannot be dialled");
    }
}

constexpr std::array listen_keys{
    key<config>{"address", [](const value& v, config& c) { c.listen.address = endpoints(v); }},
    key<config>{"allow_remote", [](const value& v, config& c) { c.listen.allow_remote = v.boolean(); }},
    key<config>{"workers", [](const value& v, config& c) { c.listen.workers = count(v, 0, 1024); }},
    key<config>{
        "max_connections", [](const value& v, config& c) { c.listen.max_connections = count(v, 1, 1'000'000); }},
    key<config>{"header_timeout", [](const value& v, config& c) { c.listen.header_timeout = v.duration(); }},
    key<config>{"body_timeout", [](const value& v, config& c) { c.listen.body_timeout = v.duration(); }},
    key<config>{"idle_timeout", [](const value& v, config& c) { c.listen.idle_timeout = v.duration(); }},
    key<config>{"drain_timeout", [](const value& v, config& c) { c.listen.drain_timeout = v.duration(); }},
    key<config>{"allow_origin", [](const value& v, config& c) { c.listen.allow_origin = texts(v); }},
};

void read_admin_address(const value& v, config& c) {
    c.admin.address = v.text() == "off" ? std::nullopt : std::optional(v.address());
}

constexpr std::array admin_keys{
    key<config>{"address", read_admin_address},
};

constexpr std::array credential_keys{
    key<config>{"profile", [](const value& v, config& c) { c.credentials.profile = v.text(); }},
    key<config>{"region", [](const value& v, config& c) { c.credentials.region = scope_name(v); }},
    key<config>{"access_key_id", [](const value& v, config& c) { c.credentials.access_key_id = v.printable_text(); }},
    key<config>{
        "secret_access_key_file", [](const value& v, config& c) { c.credentials.secret_access_key_file = v.text(); }},
};

constexpr std::array upstream_keys{
    key<config>{"ca_file", [](const value& v, config& c) { c.upstream.ca_file = v.text(); }},
    key<config>{"connect_timeout", [](const value& v, config& c) { c.upstream.connect_timeout = v.duration(); }},
    key<config>{"tls_timeout", [](const value& v, config& c) { c.upstream.tls_timeout = v.duration(); }},
    key<config>{"request_timeout", [](const value& v, config& c) { c.upstream.request_timeout = v.duration(); }},
    key<config>{"response_timeout", [](const value& v, config& c) { c.upstream.response_timeout = v.duration(); }},
    key<config>{"idle_timeout", [](const value& v, config& c) { c.upstream.idle_timeout = v.duration(); }},
    key<config>{
        "max_idle_per_host", [](const value& v, config& c) { c.upstream.max_idle_per_host = count(v, 0, 10'000); }},
};

constexpr std::array payload_keys{
    key<config>{"memory_limit", [](const value& v, config& c) { c.payload.memory_limit = v.size(); }},
    key<config>{"replay_limit", [](const value& v, config& c) { c.payload.replay_limit = v.size(); }},
    key<config>{"memory_total", [](const value& v, config& c) { c.payload.memory_total = v.size(); }},
    key<config>{"spill_limit", [](const value& v, config& c) { c.payload.spill_limit = v.size(); }},
    key<config>{"spill_directory", [](const value& v, config& c) { c.payload.spill_directory = v.printable_text(); }},
};

retry_mode mode_of_retries(const value& v) {
    return pick<retry_mode>(
        v, {{"standard", retry_mode::standard}, {"adaptive", retry_mode::adaptive}, {"off", retry_mode::off}}
    );
}

void read_unknown_outcome(const value& v, config& c) {
    c.retry.unknown_outcome = pick<unknown_outcome>(
        v, {{"safe", unknown_outcome::safe}, {"all", unknown_outcome::all}, {"never", unknown_outcome::never}}
    );
}

constexpr std::array retry_keys{
    key<config>{"mode", [](const value& v, config& c) { c.retry.mode = mode_of_retries(v); }},
    key<config>{"max_attempts", [](const value& v, config& c) { c.retry.max_attempts = attempts(v); }},
    key<config>{"max_elapsed", [](const value& v, config& c) { c.retry.max_elapsed = v.duration(); }},
    key<config>{"unknown_outcome", read_unknown_outcome},
};

void read_other_hosts(const value& v, config& c) {
    c.policy.other = pick<other_hosts>(v, {{"deny", other_hosts::deny}, {"pass", other_hosts::pass}});
}

constexpr std::array policy_keys{
    key<config>{"other_hosts", read_other_hosts},
    key<config>{"allow", [](const value& v, config& c) { c.policy.allow = read_rules(v); }},
    key<config>{"deny", [](const value& v, config& c) { c.policy.deny = read_rules(v); }},
    key<config>{"dry_run", [](const value& v, config& c) { c.policy.dry_run = v.boolean(); }},
};

void read_log_level(const value& v, config& c) {
    c.log.level = pick<log_level>(
        v,
        {{"debug", log_level::debug},
         {"info", log_level::info},
         {"warn", log_level::warn},
         {"error", log_level::error},
         {"off", log_level::off}}
    );
}

void read_log_format(const value& v, config& c) {
    c.log.format = pick<log_format>(v, {{"text", log_format::text}, {"json", log_format::json}});
}

constexpr std::array log_keys{
    key<config>{"level", read_log_level},
    key<config>{"format", read_log_format},
    key<config>{"access", [](const value& v, config& c) { c.log.access = v.boolean(); }},
};

void read_sign(const value& v, route& r) {
    r.sign =
        pick<sign_mode>(v, {{"header", sign_mode::header}, {"query", sign_mode::query}, {"none", sign_mode::none}});
}

void read_payload(const value& v, route& r) {
    r.payload = pick<payload_mode>(
        v,
        {{"auto", payload_mode::automatic},
         {"signed", payload_mode::signed_body},
         {"streaming", payload_mode::streaming},
         {"unsigned", payload_mode::unsigned_body}}
    );
}

constexpr std::array all_route_keys{
    key<route>{"name", [](const value& v, route& r) { r.name = route_name(v); }},
    key<route>{"host", [](const value& v, route& r) { r.host = host_glob(v); }},
    key<route>{"path", [](const value& v, route& r) { r.path = path_prefix(v); }},
    key<route>{"method", [](const value& v, route& r) { r.method = methods(v); }},
    key<route>{"upstream", read_upstream},
    key<route>{"connect", [](const value& v, route& r) { r.connect = dialled(v); }},
    key<route>{"scheme", [](const value& v, route& r) { r.scheme = read_scheme(v); }},
    key<route>{"service", [](const value& v, route& r) { r.service = scope_name(v); }},
    key<route>{"region", [](const value& v, route& r) { r.region = region_or_set(v); }},
    key<route>{"identity", [](const value& v, route& r) { r.identity = v.printable_text(); }},
    key<route>{"sign", read_sign},
    key<route>{"payload", read_payload},
    key<route>{"max_attempts", [](const value& v, route& r) { r.max_attempts = attempts(v); }},
    key<route>{"sign_headers", [](const value& v, route& r) { r.sign_headers = signable_names(v); }},
    key<route>{"unsigned_headers", [](const value& v, route& r) { r.unsigned_headers = omissible_names(v); }},
    key<route>{"retry_mode", [](const value& v, route& r) { r.retry_mode = mode_of_retries(v); }},
    key<route>{"connect_timeout", [](const value& v, route& r) { r.connect_timeout = v.duration(); }},
    key<route>{"request_timeout", [](const value& v, route& r) { r.request_timeout = v.duration(); }},
    key<route>{"response_timeout", [](const value& v, route& r) { r.response_timeout = v.duration(); }},
    key<route>{"idle_timeout", [](const value& v, route& r) { r.idle_timeout = v.duration(); }},
    key<route>{"rate_limit", [](const value& v, route& r) { r.rate_limit = v.requests_in_time(); }},
    key<route>{"rate_limit_wait", [](const value& v, route& r) { r.rate_limit_wait = v.duration_or_none(); }},
    key<route>{"add_headers", [](const value& v, route& r) { r.add_headers = added_headers(v); }},
    key<route>{"remove_headers", [](const value& v, route& r) { r.remove_headers = removed_headers(v); }},
};

const std::array<section, 8> all_sections{{
    {"listen", listen_keys},
    {"admin", admin_keys},
    {"credentials", credential_keys, echo::hidden},
    {"upstream", upstream_keys},
    {"payload", payload_keys},
    {"retry", retry_keys},
    {"policy", policy_keys},
    {"log", log_keys},
}};

constexpr std::array<string_view, 2> announced{
    "upstream.proxy",
    "policy.connect",
};

} // namespace

std::span<const section> sections() noexcept {
    return all_sections;
}

std::span<const key<route>> route_keys() noexcept {
    return all_route_keys;
}

bool is_announced(string_view full_name) noexcept {
    return std::find(announced.begin(), announced.end(), full_name) != announced.end();
}

std::vector<std::string> key_names() {
    std::vector<std::string> names;
    for (const section& s : all_sections) {
        for (const auto& k : s.keys) {
            names.push_back(fmt::format("{}.{}", s.name, k.name));
        }
    }
    for (const auto& k : all_route_keys) {
        names.push_back(fmt::format("route.{}", k.name));
    }
    for (const auto& k : identity_keys()) {
        names.push_back(fmt::format("identity.NAME.{}", k.name));
    }
    for (const auto& k : client_keys()) {
        names.push_back(fmt::format("client.{}", k.name));
    }
    return names;
}

} // namespace countersign::conf
