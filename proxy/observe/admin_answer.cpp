#include "proxy/observe/admin_answer.hpp"

#include "proxy/http/escaped.hpp"
#include "proxy/net/address.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <cmath>

namespace countersign::proxy {
namespace {

namespace http = boost::beast::http;

std::string_view name_of(readiness_state state) noexcept {
    switch (state) {
    case readiness_state::ready:
        return "ready";
    case readiness_state::draining:
        return "draining";
    case readiness_state::no_credentials:
        return "no-credentials";
    case readiness_state::expired_credentials:
        return "expired-credentials";
    }
    return "unknown";
}

std::string_view value_of(const admin_request& request, std::string_view name) {
    const auto found = request.find(name);
    return found == request.end() ? std::string_view{} : std::string_view(found->value());
}

// A page of somebody else's loads it. "none" is a typed address, "same-origin" our own status page.
bool is_cross_site(const admin_request& request) {
    const std::string_view site = value_of(request, "Sec-Fetch-Site");
    return request.count(http::field::origin) != 0 || !(site.empty() || site == "none" || site == "same-origin");
}

// "host:port" → "host"; "[::1]:80" → "::1". nullopt where it is not of that form.
std::optional<std::string_view> without_port(std::string_view host) noexcept {
    std::string_view port;
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        port = host.substr(end + 1);
        host = host.substr(1, end - 1);
    } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
        port = host.substr(colon);
        host = host.substr(0, colon);
    }
    const bool port_is_good = port.empty() || (port[0] == ':' && port.size() <= 6 &&
                                               port.find_first_not_of("0123456789", 1) == std::string_view::npos);
    return port_is_good ? std::optional(host) : std::nullopt;
}

} // namespace

bool is_admin_host(std::string_view host, const boost::asio::ip::address& local) {
    const auto name = without_port(host);
    if (!name) {
        return false;
    }
    if (boost::beast::iequals(*name, "localhost")) {
        return true;
    }
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(*name, error); // dotted-quad only: no "127.1", no "0x7f000001"
    return !error && (is_loopback(address) || address == local);
}

std::optional<refusal> refuse_admin(const admin_request& request, const boost::asio::ip::address& local) {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
        return refusal{
            .status = 405, .code = "admin-method", .message = "The admin listener answers GET and HEAD only."};
    }
    if (request.count(http::field::host) != 1 || !is_admin_host(request[http::field::host], local)) {
        return refusal{
            .status = 403,
            .code = "admin-host",
            .message = "Ask for the admin listener by its address or as localhost."};
    }
    if (is_cross_site(request)) {
        return refusal{.status = 403, .code = "admin-origin", .message = "Web pages may not use the admin listener."};
    }
    if (!request.target().starts_with('/')) {
        return refusal{.status = 400, .code = "admin-target", .message = "The admin listener is not a proxy."};
    }
    return std::nullopt;
}

admin_answer readiness_answer(const readiness& r) {
    const bool is_ready = r.state == readiness_state::ready;
    boost::json::object body{{"ready", is_ready}, {"state", name_of(r.state)}};
    if (!r.error.empty()) {
        body["last_error"] = escaped(r.error);
    }
    return {is_ready ? 200u : 503u, "application/json", boost::json::serialize(body) + "\n"};
}

admin_answer
status_answer(const readiness& r, std::span<const credential_gauge> credentials, std::string_view services) {
    admin_answer answer;
    answer.body = fmt::format("countersign {}\nstate: {}\n", COUNTERSIGN_VERSION, name_of(r.state));
    for (const credential_gauge& c : credentials) {
        answer.body += fmt::format("credentials {}: from {}, ", escaped(c.identity), escaped(c.provider));
        if (std::isinf(c.expiry_seconds)) {
            answer.body += "without expiry\n";
        } else if (c.expiry_seconds <= 0) {
            answer.body += "expired\n";
        } else {
            answer.body += fmt::format("for {:.0f} s more\n", c.expiry_seconds);
        }
    }
    if (!r.error.empty()) {
        answer.body += fmt::format("last error: {}\n", escaped(r.error));
    }
    answer.body += services;
    answer.body += "see: /healthz /readyz /metrics\n";
    return answer;
}

std::string render(const admin_answer& a, bool head_request) {
    std::string text = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        a.status,
        reason_phrase(a.status),
        a.content_type,
        a.body.size()
    );
    if (!head_request) {
        text += a.body;
    }
    return text;
}

} // namespace countersign::proxy
