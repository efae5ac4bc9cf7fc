// Where a request goes and as what it is signed: the first route that matches, else what the host name says; and what
// policy.allow and policy.deny say about that. Pure; any thread. The worker keeps the plan of each host it has seen
// (proxy/destination.hpp).
#pragma once

#include "conf/config.hpp"
#include "proxy/http/refusal.hpp"
#include "proxy/rules/policy.hpp"
#include "signer/scope.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::proxy {

// The time-outs of [upstream], or a route's own.
struct time_limits {
    conf::milliseconds connect{5000};
    conf::milliseconds request{60000};
    conf::milliseconds response{conf::usual_response_timeout};
    conf::milliseconds idle{20000};
    bool response_is_set = false; // by the configuration: it stands over what the service may take
};

struct plan {
    std::string authority;   // the Host field to send: host, and port where it is not the scheme's default
    std::string tls_name;    // server name to ask for and to verify; "" without TLS
    std::string path_prefix; // "/my.bucket": goes in front of the path (signer/bucket_host.hpp); mostly ""
    std::string dial_host;
    std::uint16_t dial_port = 443;
    bool public_only = true; // after name resolution only public addresses may be dialled
    conf::sign_mode sign = conf::sign_mode::header;
    conf::payload_mode payload = conf::payload_mode::automatic;
    std::string service;
    std::string region;             // SigV4A: the region set
    bool sigv4a = false;            // the endpoint, or its route, stands for several regions
    bool is_default_region = false; // signer::host_scope::is_default_region; never where a policy asks for regions
    bool is_scope_of_host = false;  // service and region are what the host's name says
    signer::service_traits traits;
    std::optional<unsigned> max_attempts;
    std::size_t identity = 0;                  // conf::identity::number
    std::vector<std::string> sign_headers;     // exceptions from the rule of signer/headers.hpp,
    std::vector<std::string> unsigned_headers; // as in conf::route
    std::optional<conf::retry_mode> retry_mode;
    time_limits limits;
    std::optional<conf::rate> rate_limit;
    conf::milliseconds rate_limit_wait = conf::usual_rate_limit_wait;
    std::vector<conf::header_line> add_headers; // before signing
    std::vector<std::string> remove_headers;    // lower-case
    std::string route;                          // its name for the log, "" without one
    shared_rules rules;                         // what of the policy is left to ask for each request; mostly null
};

// What the client named; as in inbound.
struct asked_host {
    std::string_view host;
    std::optional<std::uint16_t> port;
    bool https = false;
    std::string_view method = "GET"; // these two where a route asks for them
    std::string_view path = "/";
};

// `default_region` is for routes that name a service but neither region nor a host that tells it.
std::variant<plan, refusal> make_plan(const conf::config& c, std::string_view default_region, const asked_host& asked);

// The same with the route chosen already (nullptr: none); method and path are not looked at.
std::variant<plan, refusal>
make_plan(const conf::config& c, std::string_view default_region, const asked_host& asked, const conf::route* r);

// A path that could be read in two ways where a route asks for the path.
refusal refuse_path();

} // namespace countersign::proxy
