// One request and one answer of the sandbox, free of sockets: what its services read and what they return.
// Plain values, owned; any thread. Nothing here trusts the text: names and values are as they arrived.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy::sandbox {

struct field {
    std::string name;
    std::string value;
};

struct request {
    std::string method;
    std::string path;  // of the request target, percent-encoded as received; never empty
    std::string query; // as received, without the '?'
    std::vector<field> headers;
    std::string body;

    // The first header of that name (any case), "" when there is none.
    std::string_view header(std::string_view name) const noexcept;

    // Lower-case host name of the Host header, without port and brackets.
    std::string host() const;
};

// How an answer reaches the client. Everything but `whole` is a fault that the client asked for.
enum class delivery : std::uint8_t {
    whole,
    truncated, // full Content-Length, half of the body, then the connection is closed
    closed,    // no answer at all: orderly close
    reset,     // no answer at all: TCP reset
};

struct answer {
    unsigned status = 200;
    std::vector<field> headers; // without Content-Length and Connection
    std::string body;           // of a HEAD request too; the connection leaves it out
    delivery how = delivery::whole;
    std::chrono::milliseconds delay{0};
};

answer text_answer(unsigned status, std::string_view content_type, std::string body);

// "%41+b" → "A+b". A '%' without two hex digits stays as it is.
std::string percent_decode(std::string_view text);

// Everything but unreserved characters and '/' as %XX: "a b" → "a%20b".
std::string percent_encode(std::string_view text);

// Name-value pairs of a query or an x-www-form-urlencoded body, decoded ('+' is a blank), in their order.
std::vector<field> parse_form(std::string_view text);

// The first value of that name; nullopt when there is none. "" for a name without a value.
std::optional<std::string> find_value(const std::vector<field>& form, std::string_view name);

bool equals_any_case(std::string_view a, std::string_view b) noexcept;

// 2015-08-30T12:36:00Z
std::string iso_time(std::chrono::sys_seconds when);

// Sun, 30 Aug 2015 12:36:00 GMT (RFC 9110 section 5.6.7)
std::string http_time(std::chrono::sys_seconds when);

} // namespace countersign::proxy::sandbox
