#include "proxy/http/inbound.hpp"

#include "proxy/http/hop_by_hop.hpp"
#include "signer/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace countersign::proxy {

namespace {

refusal bad_request(std::string_view code, std::string_view message) {
    return {400, code, std::string(message)};
}

// Every '%' begins an escape. "%zz" means different things to different servers.
bool escapes_are_whole(std::string_view text) noexcept {
    for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 1)) {
        if (i + 2 >= text.size() || signer::hex_value(text[i + 1]) < 0 || signer::hex_value(text[i + 2]) < 0) {
            return false;
        }
    }
    return true;
}

bool is_host_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

// "a.b" but not ".a", "a..b", ""
bool labels_are_whole(std::string_view host) noexcept {
    return !host.empty() && host.front() != '.' && host.back() != '.' && host.find("..") == std::string_view::npos;
}

bool parse_port(std::string_view text, std::optional<std::uint16_t>& port) noexcept {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > 65535 || text.size() > 5) {
        return false;
    }
    port = static_cast<std::uint16_t>(value);
    return true;
}

// "[::1]:80" → "::1"; the characters are checked here, the address itself by who dials it.
bool split_ipv6(std::string_view authority, std::string_view& host, std::string_view& rest) noexcept {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos || end < 3) {
        return false;
    }
    host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
    return std::all_of(host.begin(), host.end(), [](char c) {
        return signer::hex_value(c) >= 0 || c == ':' || c == '.';
    });
}

// RFC 9110 4.2 without userinfo (4.2.4). Fills host, host_text and port.
bool parse_authority(std::string_view authority, inbound& out) noexcept {
    out.authority = authority;
    std::string_view host;
    std::string_view rest;
    const bool bracketed = authority.starts_with('[');
    if (bracketed) {
        if (!split_ipv6(authority, host, rest)) {
            return false;
        }
    } else {
        const std::size_t colon = authority.find(':');
        host = authority.substr(0, colon);
        rest = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
        if (host.ends_with('.')) {
            host.remove_suffix(1);
        }
    }
    if (host.size() > inbound::longest_host || (!bracketed && !labels_are_whole(host))) {
        return false;
    }
    for (std::size_t i = 0; i < host.size(); ++i) {
        const char c = host[i];
        out.host_text[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        if (!bracketed && !is_host_char(out.host_text[i])) {
            return false;
        }
    }
    out.host = {out.host_text, host.size()};
    out.port.reset();
    return rest.empty() || (rest.front() == ':' && parse_port(rest.substr(1), out.port));
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
    return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// RFC 9112 3.2.1 and 3.2.2
std::optional<refusal> read_target(std::string_view target, inbound& out) {
    out.absolute_form = !target.starts_with('/');
    if (out.absolute_form) {
        out.https = starts_with_ignoring_case(target, "https://");
        if (!out.https && !starts_with_ignoring_case(target, "http://")) {
            return bad_request("bad-target", "The request target is neither a path nor an http:// or https:// URL.");
        }
        target.remove_prefix(out.https ? 8 : 7);
        const std::size_t end = std::min(target.find_first_of("/?"), target.size());
        if (!parse_authority(target.substr(0, end), out)) {
            return bad_request("bad-target", "The host in the request target is not valid.");
        }
        target.remove_prefix(end);
    }
    out.path_and_query = target;
    const std::size_t mark = target.find('?');
    out.path = target.substr(0, mark);
    out.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
    if (out.path.empty()) {
        out.path = "/";
    }
    if (!escapes_are_whole(out.path) || !escapes_are_whole(out.query)) {
        return bad_request(
            "bad-target", "The request target has a '%' without two hex digits; write a literal one as %25."
        );
    }
    return std::nullopt;
}

std::uint16_t port_or_default(const inbound& in) noexcept {
    return in.port.value_or(in.https ? 443 : 80);
}

// RFC 9112 3.2: exactly one Host; in absolute-form it must say the same as the target.
std::optional<refusal> read_host(std::span<field> fields, inbound& out) {
    const field* host = nullptr;
    for (field& f : fields) {
        if (f.id == field_name::host) {
            if (host) {
                return bad_request("bad-host", "The request has more than one Host field.");
            }
            host = &f;
            f.stays_here = true; // written anew
        }
    }
    if (!host) {
        if (out.absolute_form && out.http_1_0) {
            return std::nullopt;
        }
        return bad_request("bad-host", "The request has no Host field.");
    }
    if (!out.absolute_form) {
        if (!parse_authority(host->value, out)) {
            return bad_request("bad-host", "The Host field is not a valid host name.");
        }
        return std::nullopt;
    }
    inbound from_field;
    from_field.https = out.https;
    if (!parse_authority(host->value, from_field) || from_field.host != out.host ||
        port_or_default(from_field) != port_or_default(out)) {
        return bad_request("bad-host", "The Host field and the request target name different hosts.");
    }
    return std::nullopt;
}

// RFC 9112 6.1 to 6.3
std::optional<refusal> read_framing(std::span<field> fields, inbound& out) {
    bool has_length = false;
    bool has_coding = false;
    for (field& f : fields) {
        if (f.id == field_name::content_length) {
            const auto length = parse_content_length(f.value);
            if (!length || has_length) {
                return bad_request("bad-framing", "The request's Content-Length is malformed or repeated.");
            }
            has_length = true;
            f.stays_here = true; // written anew
            out.framing = body_framing::length;
            out.content_length = *length;
        } else if (f.id == field_name::transfer_encoding) {
            if (has_coding || !equal_ignoring_case(f.value, "chunked") || out.http_1_0) {
                return bad_request("bad-framing", "The only transfer coding understood is one 'chunked' in HTTP/1.1.");
            }
            has_coding = true;
            out.framing = body_framing::chunked;
        }
    }
    if (has_length && has_coding) {
        return bad_request("bad-framing", "The request has both Content-Length and Transfer-Encoding.");
    }
    return std::nullopt;
}

std::optional<refusal> read_expect(std::string_view value, inbound& out) {
    if (!equal_ignoring_case(value, "100-continue")) {
        return refusal{417, "bad-expectation", "The only expectation understood is 100-continue."};
    }
    out.expects_continue = !out.http_1_0;
    return std::nullopt;
}

refusal said_twice(std::string_view name) {
    return {400, "ambiguous-payload", fmt::format("{} was sent twice.", name)};
}

std::optional<refusal> read_claim(std::string_view value, inbound& out) {
    if (!out.content_sha256.empty() && out.content_sha256 != value) {
        return said_twice("X-Amz-Content-Sha256");
    }
    out.content_sha256 = value;
    out.claim = claim_of(value);
    return std::nullopt;
}

std::optional<refusal> read_decoded_length(std::string_view value, inbound& out) {
    const auto length = parse_content_length(value);
    if (!length) {
        return bad_request("bad-decoded-length", "X-Amz-Decoded-Content-Length is not a number.");
    }
    if (out.decoded_length && out.decoded_length != length) {
        return said_twice("X-Amz-Decoded-Content-Length");
    }
    out.decoded_length = length;
    return std::nullopt;
}

// What the client asks of its connection to us.
struct connection_wishes {
    bool close = false;
    bool keep_alive = false;
    bool websocket = false;
};

void read_connection(std::string_view value, connection_wishes& wishes) noexcept {
    for_each_element(value, [&](std::string_view option) {
        wishes.close = wishes.close || equal_ignoring_case(option, "close");
        wishes.keep_alive = wishes.keep_alive || equal_ignoring_case(option, "keep-alive");
    });
}

// A web page's script cannot leave these out, and no AWS client sends them.
std::optional<refusal> refuse_browser(const field& f, const inbound_rules& rules) {
    const bool allowed =
        f.id == field_name::origin
            ? std::find(rules.allow_origin.begin(), rules.allow_origin.end(), f.value) != rules.allow_origin.end()
            : f.value == "none" || (f.value == "same-origin" && !rules.allow_origin.empty());
    constexpr auto advice =
        "The request was made by a web page. List its origin in listen.allow_origin if that is meant.";
    return allowed ? std::optional<refusal>{} : refusal{403, "browser-request", advice};
}

std::optional<refusal> read_field(const field& f, const inbound_rules& rules, inbound& out, connection_wishes& wishes) {
    switch (f.id) {
    case field_name::connection:
        read_connection(f.value, wishes);
        break;
    case field_name::upgrade:
        wishes.websocket = wishes.websocket || offers_websocket(f.value);
        break;
    case field_name::expect:
        return read_expect(f.value, out);
    case field_name::te:
        for_each_element(f.value, [&](std::string_view coding) {
            out.takes_trailers = out.takes_trailers || equal_ignoring_case(coding, "trailers");
        });
        break;
    case field_name::amz_content_sha256:
        return read_claim(f.value, out);
    case field_name::amz_decoded_length:
        return read_decoded_length(f.value, out);
    case field_name::amz_trailer:
        out.amz_trailer = f.value;
        break;
    case field_name::amz_target:
        out.amz_target = f.value;
        break;
    case field_name::countersign_dry_run:
        out.dry = f.value == "sign" && out.dry == dry_run::no ? dry_run::sign : dry_run::other;
        break;
    case field_name::origin:
    case field_name::sec_fetch_site:
        return refuse_browser(f, rules);
    case field_name::via:
        if (via_names(f.value, rules.via_name)) {
            return refusal{508, "loop", "The request already came through this proxy: its upstream leads back here."};
        }
        break;
    default:
        break;
    }
    return std::nullopt;
}

std::optional<refusal> refuse_method(std::string_view method) {
    if (method == "TRACE" || method == "TRACK") { // would show signature and token to the client
        return refusal{405, "method-refused", "TRACE is never forwarded: its answer would echo the signature."};
    }
    if (method == "CONNECT") {
        return refusal{
            501,
            "connect-not-available",
            "CONNECT is not available in this version. Use http:// URLs with http_proxy: the proxy speaks TLS to AWS."};
    }
    return std::nullopt;
}

refusal refuse_websocket() {
    return {
        501,
        "upgrade-not-available",
        "WebSockets are not relayed in this version, and nothing was sent to the service. Sign the address with "
        "`countersign presign wss://...` and connect to it without the proxy."};
}

} // namespace

std::optional<std::uint64_t> parse_content_length(std::string_view value) noexcept {
    if (value.empty() || value.size() > 18 || value.find_first_not_of("0123456789") != std::string_view::npos) {
        return std::nullopt;
    }
    std::uint64_t length = 0;
    std::from_chars(value.data(), value.data() + value.size(), length);
    return length;
}

std::optional<refusal> read_inbound(const request_head& head, const inbound_rules& rules, inbound& out) {
    out.method = head.method;
    out.is_head = head.method == "HEAD";
    out.http_1_0 = head.minor_version == 0;
    out.fields = head.fields;
    if (auto no = refuse_method(head.method)) {
        return no;
    }
    if (auto no = read_target(head.target, out)) {
        return no;
    }
    if (auto no = read_host(head.fields, out)) {
        return no;
    }
    if (auto no = read_framing(head.fields, out)) {
        return no;
    }
    connection_wishes wishes;
    for (const field& f : head.fields) {
        if (auto no = read_field(f, rules, out, wishes)) {
            return no;
        }
    }
    if (wishes.websocket) {
        return refuse_websocket();
    }
    out.keep_alive = !wishes.close && (!out.http_1_0 || wishes.keep_alive);
    mark_hop_by_hop(head.fields);
    return std::nullopt;
}

refusal refuse_head(head_error e) {
    switch (e) {
    case head_error::bad_version:
        return {505, "bad-version", "Only HTTP/1.1 and HTTP/1.0 are understood."};
    case head_error::target_too_long:
        return {414, "target-too-long", "The request line is longer than 16 KiB."};
    case head_error::line_too_long:
        return {431, "head-too-large", "A header field is longer than 16 KiB."};
    case head_error::too_many_fields:
        return {431, "head-too-large", "The request has more than 200 header fields."};
    case head_error::head_too_long:
        return {431, "head-too-large", "The request head is longer than 64 KiB."};
    default: {
        refusal r{400, "malformed-request", "The request is malformed: "};
        r.message.append(to_string(e)).append(".");
        return r;
    }
    }
}

bool ends_connection(const refusal& r) noexcept {
    switch (r.status) {
    case 400:
    case 408:
    case 413:
    case 414:
    case 417:
    case 431:
    case 501:
    case 505:
    case 507:
        return true;
    default:
        return false;
    }
}

} // namespace countersign::proxy
