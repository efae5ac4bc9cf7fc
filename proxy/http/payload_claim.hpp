// A caller's own word about its payload, in X-Amz-Content-Sha256. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace countersign::proxy {

enum class payload_claim : std::uint8_t {
    none,
    unsigned_payload,
    streaming, // STREAMING-…: in aws-chunked coding
    hash,      // 64 hex digits in lower case
};

payload_claim claim_of(std::string_view content_sha256) noexcept;

} // namespace countersign::proxy
