// What encoder and decoder of aws-chunked bodies share: the forms, their names, lengths and limits. Uploads to S3 only.
// Pure; any thread. Standard: "Signature calculations for the authorization header: transferring payload in multiple
// chunks" in the S3 API Reference, and its page about trailing headers.
//
//   signed    <hex>;chunk-signature=<sig>\r\n<bytes>\r\n … 0;chunk-signature=<sig>\r\n\r\n
//   trailer   … 0;chunk-signature=<sig>\r\n<name>:<value>\r\n … x-amz-trailer-signature:<sig>\r\n\r\n
//   unsigned  <hex>\r\n<bytes>\r\n … 0\r\n<name>:<value>\r\n … \r\n
#pragma once

#include "signer/checksum.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace countersign::signer {

enum class chunk_form : std::uint8_t {
    signed_v4,          // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
    signed_v4_trailer,  // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
    signed_v4a,         // STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD
    signed_v4a_trailer, // STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER
    unsigned_trailer,   // STREAMING-UNSIGNED-PAYLOAD-TRAILER
};

// The value of x-amz-content-sha256.
std::string_view payload_hash_of(chunk_form form) noexcept;

// The other way round, exactly; nullopt for everything else.
std::optional<chunk_form> chunk_form_of(std::string_view payload_hash) noexcept;

constexpr bool has_trailer(chunk_form form) noexcept {
    return form != chunk_form::signed_v4 && form != chunk_form::signed_v4a;
}

// Of each signature on the wire, in characters: 64, 144 (padded on the right with '*') or, for the unsigned form, 0.
std::size_t signature_length(chunk_form form) noexcept;

// One trailer field. The value has no white space around it.
struct trailer {
    std::string_view name;
    std::string_view value;
};

// Lengths of a trailer whose value is not known yet.
struct trailer_shape {
    std::size_t name;
    std::size_t value;
};

inline trailer_shape shape_of(checksum_kind kind) noexcept {
    return {header_name(kind).size(), text_length(kind)};
}
inline trailer_shape shape_of(const trailer& field) noexcept {
    return {field.name.size(), field.value.size()};
}

inline constexpr std::uint64_t smallest_chunk_size = 8 * 1024; // S3 refuses smaller ones, save the last
inline constexpr std::uint64_t usual_chunk_size = 64 * 1024;
inline constexpr std::string_view trailer_signature_name = "x-amz-trailer-signature";

// Feeds both, either may be null, in pieces that the first-level cache holds: the second finds each byte there.
void hash_together(std::string_view bytes, sha256* hash, checksum* sum) noexcept;

// Bytes on the wire of `decoded` bytes in chunks of `chunk_size`: the request's content-length. nullopt when that is
// beyond 64 bits. `trailers`: checksum and passed ones, without the signature. REQUIRES: chunk_size ≠ 0.
std::optional<std::uint64_t> encoded_length(
    std::uint64_t decoded, std::uint64_t chunk_size, chunk_form form, std::span<const trailer_shape> trailers = {}
) noexcept;

} // namespace countersign::signer
