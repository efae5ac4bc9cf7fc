// What is special about signing for a service. Constants; any thread.
#pragma once

#include "signer/wire_protocol.hpp"

#include <cstdint>
#include <string_view>

namespace countersign::signer {

// How the canonical path is made (CanonicalUri in "Create a signed AWS API request").
enum class path_rule : std::uint8_t {
    standard, // normalised (RFC 3986 5.2.4), then percent-encoded once more
    s3,       // exactly as sent
    // The two steps of `standard` one by one. No service has these; `countersign sign` offers them.
    normalized_only,
    encoded_only,
};

struct service_traits {
    path_rule path = path_rule::standard;
    bool content_sha256_header = false; // the service demands x-amz-content-sha256
    bool payload_unsigned = false;      // it takes no other payload hash than UNSIGNED-PAYLOAD
    bool token_after_signing = false;   // a presigned URL's session token is added unsigned
    wire_protocol errors = wire_protocol::json;
};

// Traits by signing name; the defaults for a name that is not known.
const service_traits& traits_of(std::string_view service) noexcept;

} // namespace countersign::signer
