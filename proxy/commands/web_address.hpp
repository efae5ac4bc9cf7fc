// A URL as people give it to `presign` and `inspect`: taken apart without changing a byte of path and query (a raw
// blank or a letter beyond ASCII is kept; signing encodes it). Pure; throws std::runtime_error with one line for the
// user: start-up code only.
#pragma once

#include <string>
#include <string_view>

namespace countersign::proxy {

struct web_address {
    std::string_view scheme; // http, https, ws, wss
    std::string host;        // lower-case, without port and final dot; an IPv6 address in brackets
    std::string_view port;   // digits, "" where there is none
    std::string_view path;   // "" or beginning with '/'
    std::string_view query;  // without the '?'

    // `text` without a scheme is https. No userinfo, no fragment, no control bytes. REQUIRES: `text` lives as long.
    static web_address parse(std::string_view text);

    // HOST, or HOST:PORT where the port is not the scheme's own: the Host field that clients send.
    std::string host_field() const;
};

} // namespace countersign::proxy
