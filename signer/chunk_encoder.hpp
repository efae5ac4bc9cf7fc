// Writes aws-chunked bodies (signer/aws_chunked.hpp) around bytes that the caller keeps: each byte is hashed once and
// never copied. Must never be fed more than room() says. Nothing is allocated but trailers, from the caller's memory
// resource. One thread at a time.
//
//   add(bytes) … until room() is 0 or the body ends; then write head + those bytes + tail; again from room() anew.
//   At the end: write finish(…).
#pragma once

#include "signer/aws_chunked.hpp"
#include "signer/chunk_signer.hpp"

#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>

namespace countersign::signer {

class chunk_encoder {
public:
    // The texts around one chunk; good until the next call.
    struct frame {
        std::string_view head;
        std::string_view tail;
    };

    // A signed form. REQUIRES: the signer's algorithm is the form's. A chunk_size below smallest_chunk_size is raised
    // to it, one beyond 2^60 − 1 lowered. `sum`: computed over the whole body, sent as a trailer; left out by forms
    // without one.
    chunk_encoder(
        chunk_form form,
        chunk_signer signer,
        std::optional<checksum_kind> sum = std::nullopt,
        std::uint64_t chunk_size = usual_chunk_size
    );
    // chunk_form::unsigned_trailer
    explicit chunk_encoder(std::optional<checksum_kind> sum, std::uint64_t chunk_size = usual_chunk_size);

    // What encoded_length() is to be asked with.
    std::uint64_t chunk_size() const noexcept { return chunk_size_; }

    // Bytes that the chunk that is being filled still takes.
    std::uint64_t room() const noexcept { return chunk_size_ - filled_; }

    // The next bytes of the chunk. REQUIRES: bytes.size() ≤ room().
    void add(std::string_view bytes) noexcept;

    // Ends the chunk that was filled. REQUIRES: it is not empty; and full, unless it is the last one: else S3 refuses
    // the body, and its length is not that of encoded_length(). Throws with v4a only (signer/sigv4a.hpp).
    frame close_chunk();

    // The empty last chunk, and the trailers: the checksum and those passed on, names in lower case, sorted by name
    // (forms without trailer leave them out). REQUIRES: the chunk that was being filled is closed; names of `passed`
    // are tokens, differ from each other, from the checksum's and from trailer_signature_name; their values have no CR
    // or LF and no white space around them. Lives in `memory`. Throws as close_chunk() does.
    std::string_view finish(std::span<const trailer> passed, std::pmr::memory_resource& memory);

private:
    chunk_encoder(
        chunk_form form, std::optional<chunk_signer> signer, std::optional<checksum_kind> sum, std::uint64_t chunk_size
    );
    std::string_view write_head(std::uint64_t size);

    std::optional<chunk_signer> signer_;
    std::optional<checksum> sum_;
    sha256 hash_; // of the chunk, if it is signed
    std::uint64_t chunk_size_;
    std::uint64_t filled_ = 0;
    chunk_form form_;
    std::array<char, 15 + 17 + most_ecdsa_hex + 2> head_; // digits, ";chunk-signature=", signature, CRLF
};

} // namespace countersign::signer
