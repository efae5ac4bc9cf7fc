// The head of an upstream's answer: parsed into x.reply with exactly one framing, and written anew for the client.
// Pure but for x. RFC 9112 section 6.3, seen from the side of a proxy that trusts nothing.
#pragma once

#include "proxy/exchange.hpp"

#include <string_view>

namespace countersign::proxy {

// io_error::none or malformed. `head` must stay where it is while x.reply is used. Interim (1xx) heads are parsed too.
io_error parse_answer_head(std::string_view head, exchange& x) noexcept;

// How the client is told where the answer ends.
enum class client_framing : std::uint8_t {
    same,      // as the upstream has it
    dechunked, // an HTTP/1.0 client: the connection's end is the answer's
    chunked,   // the upstream's connection ended it; a truncation must stay visible
};
client_framing framing_for(const exchange& x) noexcept;

// Status line and fields, their order and spelling untouched; only what ends here (RFC 9110 7.6.1) is left out, and
// what the client's connection needs is added. Lies in x.attempt_memory().
std::string_view write_answer_head(exchange& x, client_framing framing, bool keep_alive);

} // namespace countersign::proxy
