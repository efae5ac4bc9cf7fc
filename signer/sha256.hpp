// SHA-256 and HMAC-SHA256 without allocation. The only file (with its .cpp) that uses OpenSSL's low-level
// SHA-256: the EVP interface allocates on each use and costs up to four times as much for short texts. Any
// thread; values are copied freely. Digest states of keys are wiped when they are destroyed. Results are not looked at:
// these calls compute in the memory that they are given, and OpenSSL 3 (crypto/sha/sha256.c, md32_common.h) knows one
// failure only, a digest length in the state that nothing here sets.
#pragma once

#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace countersign::signer {

using digest = std::array<unsigned char, 32>;

// A running hash: update() as often as needed, then finish() once.
class sha256 {
public:
    sha256() noexcept;
    void update(std::string_view bytes) noexcept;
    digest finish() noexcept;

private:
    SHA256_CTX state_;
};

digest sha256_of(std::string_view bytes) noexcept;

// HMAC-SHA256 (RFC 2104) with the key's two pads hashed in advance.
class hmac_key {
public:
    explicit hmac_key(std::string_view key) noexcept;
    // The key is both, one after the other ("AWS4" and a secret); no second copy of the secret is left behind.
    hmac_key(std::string_view prefix, std::string_view rest) noexcept;
    ~hmac_key();
    hmac_key(const hmac_key&) noexcept = default;
    hmac_key& operator=(const hmac_key&) noexcept = default;

    digest mac(std::string_view text) const noexcept;

private:
    using key_block = std::array<unsigned char, 64>;
    void start(key_block& block) noexcept; // wipes it

    SHA256_CTX inner_;
    SHA256_CTX outer_;
};

// Writes two lower-case hex digits for each byte: 64 for a digest.
void write_hex(const digest& value, char* out) noexcept;
void write_hex(std::span<const unsigned char> bytes, char* out) noexcept;

// H("") in hex: the payload hash of a request without a body.
inline constexpr std::string_view empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

} // namespace countersign::signer
