// The chain of signatures over an aws-chunked body, made or checked: each signs the hash of one chunk and the signature
// before it, the first follows the request's own (the seed). Knows nothing of bytes on the wire but the padding of
// signatures; never sees a chunk, only its hash. Allocates once, when it is made (OpenSSL itself allocates for each
// ECDSA signature). One thread at a time. Standard: see signer/aws_chunked.hpp.
#pragma once

#include "signer/aws_chunked.hpp"
#include "signer/key.hpp"
#include "signer/sha256.hpp"
#include "signer/sigv4a.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace countersign::signer {

// What signatures of one request have in common.
struct chunk_context {
    std::string_view date;  // of the request, YYYYMMDDTHHMMSSZ
    std::string_view scope; // of the request: instructions::credential_scope
    std::string_view seed;  // the signature of the request: instructions::signature
};

enum class chunk_algorithm : std::uint8_t { hmac_sha256, ecdsa_p256 };

// The texts that are signed, one after another.
class chunk_chain {
public:
    chunk_chain(chunk_algorithm algorithm, const chunk_context& context);

    // Good until the next call of any of the three.
    std::string_view string_to_sign_of_chunk(const digest& hash) noexcept;
    std::string_view string_to_sign_of_trailer(const digest& hash) noexcept;
    // The signature that the next text follows; padding is taken off.
    void follow(std::string_view signature) noexcept;

private:
    std::string_view string_to_sign(std::string_view what, std::string_view before_hash, const digest& hash) noexcept;

    std::string text_;        // algorithm, date and scope for good; then what changes
    std::size_t what_at_;     // "PAYLOAD" or "TRAILER"
    std::size_t previous_at_; // the previous signature
    std::size_t previous_size_;
};

class chunk_signer {
public:
    // The key is copied, and wiped at the end: an upload may outlast a cache's entry.
    chunk_signer(const signing_key& key, const chunk_context& context);
    // REQUIRES: the key outlives this.
    chunk_signer(const ecdsa_key& key, const chunk_context& context);

    chunk_algorithm algorithm() const noexcept;

    // The signature as it stands on the wire (v4a: padded to 144 with '*'); good until the next call. Each call goes
    // one step along the chain. v4a: throws where OpenSSL itself fails, see signer/sigv4a.hpp.
    std::string_view sign_chunk(const digest& hash);
    // `hash` is that of "name:value\n" … of the trailers, see hash_of_trailers().
    std::string_view sign_trailer(const digest& hash);

private:
    std::string_view sign(std::string_view string_to_sign);

    chunk_chain chain_;
    std::variant<signing_key, const ecdsa_key*> key_;
    std::array<char, most_ecdsa_hex> signature_;
};

class chunk_verifier {
public:
    chunk_verifier(const signing_key& key, const chunk_context& context);
    // REQUIRES: the key outlives this.
    chunk_verifier(const ecdsa_public_key& key, const chunk_context& context);

    chunk_algorithm algorithm() const noexcept;

    // Is `signature`, as it stands on the wire, the right one at this step of the chain? Compared in constant time.
    // After a false one no later one can be true.
    bool verify_chunk(const digest& hash, std::string_view signature) noexcept;
    bool verify_trailer(const digest& hash, std::string_view signature) noexcept;

private:
    bool verify(std::string_view string_to_sign, std::string_view signature) noexcept;

    chunk_chain chain_;
    std::variant<signing_key, const ecdsa_public_key*> key_;
};

// H("name:value\n" …). REQUIRES: names in lower case and sorted.
digest hash_of_trailers(std::span<const trailer> sorted) noexcept;

} // namespace countersign::signer
