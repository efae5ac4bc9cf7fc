// Where a request goes and as what it is signed: the first route that matches, else what the host name says. Pure; any
// thread. The worker keeps the plan of each host it has seen (proxy/destination.hpp).
#pragma once

#include "conf/config.hpp"
#include "proxy/refusal.hpp"
#include "signer/scope.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::proxy {

struct plan {
    std::string authority; // the Host field to send: host, and port where it is not the scheme's default
    std::string tls_name;  // server name to ask for and to verify; "" without TLS
    std::string dial_host;
    std::uint16_t dial_port = 443;
    bool public_only = true; // after name resolution only public addresses may be dialled
    conf::sign_mode sign = conf::sign_mode::header;
    conf::payload_mode payload = conf::payload_mode::automatic;
    std::string service;
    std::string region;
    signer::service_traits traits;
    std::optional<unsigned> max_attempts;
    std::vector<std::string> sign_headers;     // exceptions from the rule of signer/headers.hpp,
    std::vector<std::string> unsigned_headers; // as in conf::route
};

// What the client named; `host` as in inbound.
struct asked_host {
    std::string_view host;
    std::optional<std::uint16_t> port;
    bool https = false;
};

// `default_region` is for routes that name a service but neither region nor a host that tells it.
std::variant<plan, refusal> make_plan(const conf::config& c, std::string_view default_region, const asked_host& asked);

} // namespace countersign::proxy
