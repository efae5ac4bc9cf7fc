// What a client asks for: a parsed head becomes a request with exactly one meaning, or a refusal. Target form, host,
// framing of the body, what of the head ends here (RFC 9110 7.6.1), what must not be signed for: requests of web pages,
// loops, methods that echo. Pure; any thread. Views point into the head that was parsed.
#pragma once

#include "proxy/http/head.hpp"
#include "proxy/http/payload_claim.hpp"
#include "proxy/http/refusal.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy {

enum class body_framing : std::uint8_t { none, length, chunked };

// X-Countersign-Dry-Run: what would be sent is shown instead. `other`: any value but one "sign".
enum class dry_run : std::uint8_t { no, sign, other };

struct inbound {
    std::string_view method;
    std::string_view path;             // of the target, "/" where it was empty
    std::string_view query;            // without '?'
    std::string_view path_and_query;   // both, as they came
    std::string_view authority;        // host[:port] as the client wrote it
    std::string_view host;             // lower-case copy lives in host_text; no port, no final dot, no brackets
    std::optional<std::uint16_t> port; // as the client wrote it
    bool absolute_form = false;
    bool https = false; // absolute-form with https://
    body_framing framing = body_framing::none;
    std::uint64_t content_length = 0;
    bool http_1_0 = false;
    bool keep_alive = true;
    bool expects_continue = false;
    bool takes_trailers = false; // TE: trailers
    payload_claim claim = payload_claim::none;
    std::string_view content_sha256; // X-Amz-Content-Sha256
    std::optional<std::uint64_t>
        decoded_length;           // X-Amz-Decoded-Content-Length: without the client's aws-chunked coding
    std::string_view amz_trailer; // X-Amz-Trailer: names, as they came
    std::string_view amz_target;  // X-Amz-Target: the operation, for JSON services
    bool is_head = false;
    dry_run dry = dry_run::no;
    std::span<field> fields; // those that stay_here are not passed on

    static constexpr std::size_t longest_host = 253; // RFC 1035 2.3.4
    char host_text[longest_host + 1];
};

// What the rules below need to know of the configuration.
struct inbound_rules {
    std::string_view via_name; // our own in Via, for loops
    std::span<const std::string> allow_origin;
};

// nullopt: `out` is complete. A refusal with `closes` status (400, 431 …) ends the connection, since what follows
// cannot be trusted; see ends_connection.
std::optional<refusal> read_inbound(const request_head& head, const inbound_rules& rules, inbound& out);

refusal refuse_head(head_error e);

// RFC 9112 6.3 and 9.6: after a framing error nothing on the connection may be used.
bool ends_connection(const refusal& r) noexcept;

// Content-Length: digits only, no sign, no list, fits 63 bits. RFC 9110 8.6.
std::optional<std::uint64_t> parse_content_length(std::string_view value) noexcept;

} // namespace countersign::proxy
