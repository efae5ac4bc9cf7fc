// The questions that credential sources ask over HTTP/1.1 and the client that asks them: small answers, one
// connection each, every phase with a deadline. It must never follow a redirect, use a proxy (this *is* one),
// or dial an address that was not checked. Control thread only.
#pragma once

#include "chain/credentials.hpp"
#include "chain/resolver.hpp"
#include "chain/task.hpp"

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

inline constexpr std::size_t longest_answer_head = 16 * 1024;
inline constexpr std::size_t longest_answer_body = 64 * 1024;

struct http_field {
    std::string name;
    secret value; // tokens are among them
};

struct http_ask {
    std::string method = "GET";
    std::string url;                                             // http or https, absolute
    std::vector<http_field> fields;                              // Host and Content-Length are added
    secret body;                                                 // of POST and PUT; a form may hold a token
    std::string ca_file;                                         // a profile's ca_bundle; AWS_CA_BUNDLE beats it
    std::chrono::milliseconds connect_limit{2000};               // name, connection and TLS together
    std::chrono::milliseconds read_limit{5000};                  // from the first byte sent to the last one read
    bool (*may_dial)(const boost::asio::ip::address&) = nullptr; // asked of every address of the host; null: any
};

struct http_reply {
    unsigned status = 0;
    std::vector<http_field> fields;
    secret body;

    std::string_view field(std::string_view name) const noexcept; // the first of that name, "" when there is none
};

enum class http_stage : std::uint8_t {
    url,       // not a URL that can be asked
    forbidden, // the host has an address that may not be dialled
    connect,   // no such name, refused, unreachable, or too late
    exchange,  // reset, too late, cut short, no HTTP, or TLS went wrong
    too_large, // head or body over the limit
};

struct http_fault {
    http_stage stage = http_stage::exchange;
    std::string detail;   // one line, no secret, no URL (a URL of a container may hold an id)
    bool is_late = false; // the deadline passed; nobody refused anything
};
[[noreturn]] inline void throw_exception_from_error(const http_fault& f, const boost::source_location&) {
    throw std::runtime_error(f.detail);
}
using http_result = boost::system::result<http_reply, http_fault>;

struct http_url {
    bool tls = false;
    std::string host;   // lower or upper case as written; an IPv6 address without brackets
    std::string port;   // digits; 80 or 443 when the URL has none
    std::string target; // path and query: "/", "/a?b=c"
    std::string host_field;
};

// Absolute http or https with a host; no userinfo, no fragment, no IPv6 zone.
boost::system::result<http_url, http_fault> read_url(std::string_view text);

// REQUIRES: awaited on the io_context of `names`. `ca_file`: roots besides the system's, "" for none.
task<http_result> ask_http(const http_ask& ask, std::string ca_file, resolver& names);

} // namespace countersign::chain
