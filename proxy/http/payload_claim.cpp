#include "proxy/http/payload_claim.hpp"

namespace countersign::proxy {

payload_claim claim_of(std::string_view content_sha256) noexcept {
    constexpr std::size_t hash_length = 64;
    if (content_sha256 == "UNSIGNED-PAYLOAD") {
        return payload_claim::unsigned_payload;
    }
    if (content_sha256.starts_with("STREAMING-")) {
        return payload_claim::streaming;
    }
    const bool is_hex = content_sha256.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    return is_hex && content_sha256.size() == hash_length ? payload_claim::hash : payload_claim::none;
}

} // namespace countersign::proxy
