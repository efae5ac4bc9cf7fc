// A request as signer and verifier look at it. Views into the caller's memory; any thread.
#pragma once

#include <span>
#include <string_view>

namespace countersign::signer {

// One header field of the message. `value` has no white space around it; `name` may have any case.
struct header {
    std::string_view name;
    std::string_view value;
};

// A request as it will stand on the wire.
struct request {
    std::string_view method;
    std::string_view path;           // of the request target, percent-encoded; "" means "/"
    std::string_view query;          // without the '?'; see wire_query in signer/target.hpp
    std::span<const header> headers; // in the order of the message. Host is among them.
    std::string_view payload_hash;   // 64 hex digits, UNSIGNED-PAYLOAD or a STREAMING-… literal
};

} // namespace countersign::signer
