#include "proxy/own_proxy.hpp"

#include "chain/text.hpp"
#include "proxy/http/head.hpp"
#include "proxy/net/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace countersign::proxy {

namespace {

namespace ip = boost::asio::ip;

struct place {
    std::string_view host; // without brackets
    unsigned port = 80;
};

// The host is empty where it could not be ours.
place place_of(std::string_view value) noexcept {
    place p;
    value = chain::trimmed(value);
    if (const std::size_t scheme = value.find("://"); scheme != std::string_view::npos) {
        p.port = equal_ignoring_case(value.substr(0, scheme), "https") ? 443 : 80;
        value.remove_prefix(scheme + 3);
    }
    value = value.substr(0, value.find_first_of("/?#"));
    if (const std::size_t user = value.rfind('@'); user != std::string_view::npos) {
        value.remove_prefix(user + 1);
    }
    const bool is_bracketed = value.starts_with('[');
    const std::size_t end = is_bracketed ? value.find(']') : value.find(':');
    p.host = is_bracketed ? value.substr(1, end == std::string_view::npos ? end : end - 1) : value.substr(0, end);
    const std::size_t colon = end == std::string_view::npos ? end : value.find(':', end);
    if (colon != std::string_view::npos) {
        const std::string_view port = value.substr(colon + 1);
        const auto [last, error] = std::from_chars(port.data(), port.data() + port.size(), p.port);
        if (error != std::errc{} || last != port.data() + port.size()) {
            p.host = {};
        }
    }
    return p;
}

bool is_local_name(std::string_view host) noexcept {
    constexpr std::string_view local = "localhost";
    return host.size() >= local.size() && equal_ignoring_case(host.substr(host.size() - local.size()), local) &&
           (host.size() == local.size() || host[host.size() - local.size() - 1] == '.');
}

} // namespace

bool names_listener(std::string_view value, const ip::tcp::endpoint& listener) {
    const place p = place_of(value);
    const ip::address ours = listener.address();
    if (p.host.empty() || p.port != listener.port()) {
        return false;
    }
    if (is_local_name(p.host)) {
        return is_loopback(ours) || ours.is_unspecified();
    }
    boost::system::error_code is_name;
    const ip::address named = ip::make_address(std::string(p.host), is_name);
    if (is_name) {
        return false;
    }
    // A client that connects to 0.0.0.0 reaches this machine, and a listener there is reached at all its addresses.
    const bool reaches_loopback = is_loopback(named) || named.is_unspecified();
    return named == ours || (reaches_loopback && ours.is_unspecified()) ||
           (named.is_unspecified() && is_loopback(ours));
}

std::vector<std::string>
variables_that_name_us(const chain::world& outside, std::span<const ip::tcp::endpoint> listeners) {
    constexpr std::array<const char*, 6> variables{
        "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"};
    std::vector<std::string> found;
    for (const char* const name : variables) {
        const std::optional<std::string> value = outside.env(name);
        const bool names_us = value && std::any_of(listeners.begin(), listeners.end(), [&](const auto& listener) {
                                  return names_listener(*value, listener);
                              });
        if (names_us) {
            found.emplace_back(name);
        }
    }
    return found;
}

std::string own_proxy_warning(const chain::world& outside, std::span<const ip::tcp::endpoint> listeners) {
    const std::vector<std::string> names = variables_that_name_us(outside, listeners);
    if (names.empty()) {
        return {};
    }
    return fmt::format(
        "{} in the environment names this proxy: countersign itself ignores it, but a credential_process inherits it "
        "and would ask the proxy for the credentials that the proxy waits for. Unset it here, set it for clients",
        fmt::join(names, ", ")
    );
}

} // namespace countersign::proxy
