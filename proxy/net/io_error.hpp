// What can go wrong between two sockets, in the proxy's own words. One value per thing that is answered, logged or
// retried differently; errno and OpenSSL's codes are mapped to it at once, where they arise.
#pragma once

#include <cstdint>
#include <string_view>

namespace countersign::proxy {

enum class io_error : std::uint8_t {
    none,
    closed,          // the other side closed in an orderly way
    reset,           // the connection broke
    timed_out,       // a deadline of ours passed
    cancelled,       // the client left, or the proxy shuts down
    resolve_failed,  // the name has no address
    address_refused, // the name has only addresses that may not be dialled
    connect_failed,  // nobody answers there
    tls_failed,      // handshake or verification
    truncated,       // closed in the middle of a message
    malformed,       // not HTTP/1.1 as RFC 9112 has it
    too_large,       // beyond a limit of ours
    answered_early,  // the other side speaks before all was sent
    interrupted,     // a wait was ended because something else has come up
    wrong_body,      // a request's body is not what its head says of it
    storage_full,    // no room for a temporary file
    storage_failed,  // a temporary file cannot be made, written or read
};

std::string_view to_string(io_error e) noexcept;

} // namespace countersign::proxy
