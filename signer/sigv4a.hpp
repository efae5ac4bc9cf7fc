// SigV4A's own part: P-256 keys derived from a secret access key, and their signatures
// ("AWS4-ECDSA-P256-SHA256"). Not to be used without a need: a signature costs many times that of SigV4.
// OpenSSL's EVP objects are made once for a key and used for each signature; OpenSSL itself allocates while it
// signs. One thread at a time may use a key. Standard: FIPS 186-4 (ECDSA), RFC 3279 section 2.2.3 (DER).
// ecdsa_failure is thrown only where OpenSSL itself fails (no memory, no randomness, no P-256): then there
// is no signature at all.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::signer {

inline constexpr std::string_view sigv4a_algorithm = "AWS4-ECDSA-P256-SHA256";

// The longest signature: 72 bytes of DER (SEQUENCE, two INTEGERs of 33 bytes) in hex.
inline constexpr std::size_t most_ecdsa_hex = 144;

// Lower-case hex of a DER signature, mostly 140 to 144 digits.
class ecdsa_signature {
public:
    std::string_view hex() const noexcept { return {hex_.data(), size_}; }

private:
    friend class ecdsa_key;
    std::array<char, most_ecdsa_hex> hex_{};
    std::size_t size_ = 0;
};

struct ecdsa_failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

namespace detail {
struct free_key {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct free_context {
    void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};
} // namespace detail
using evp_key = std::unique_ptr<EVP_PKEY, detail::free_key>;
using evp_context = std::unique_ptr<EVP_PKEY_CTX, detail::free_context>;

// An uncompressed point of the curve (SEC 1 section 2.3.3): 04, X, Y.
using curve_point = std::array<unsigned char, 65>;

class ecdsa_public_key {
public:
    // X and Y as 64 hex digits each; nullopt when they are not, or not a point of the curve.
    static std::optional<ecdsa_public_key> from_hex(std::string_view x, std::string_view y);

    // Is `hex_der` this key's signature of the text? False for all that is not exact DER in lower-case hex.
    bool verify(std::string_view string_to_sign, std::string_view hex_der) const noexcept;

    // 64 lower-case hex digits each.
    std::string x() const;
    std::string y() const;

private:
    friend class ecdsa_key;
    ecdsa_public_key(const curve_point& point, evp_key key, evp_context context) noexcept
        : point_(point), key_(std::move(key)), context_(std::move(context)) {}

    curve_point point_;
    evp_key key_;
    evp_context context_;
};

class ecdsa_key {
public:
    // The key that AWS derives too (NIST SP 800-108, counter mode): depends on nothing but the two, lasts as long
    // as they do. The private number lives in OpenSSL's object only, which wipes it.
    static ecdsa_key derive(std::string_view access_key_id, std::string_view secret);

    // Another one each time: the standard draws a random number.
    ecdsa_signature sign(std::string_view string_to_sign) const;

    ecdsa_public_key public_key() const;

private:
    ecdsa_key(const curve_point& point, evp_key key, evp_context context) noexcept
        : point_(point), key_(std::move(key)), context_(std::move(context)) {}

    curve_point point_;
    evp_key key_;
    evp_context context_; // ready to sign
};

// Remembers derived keys; the counterpart of key_cache, of one worker too. Bounded: the least recently used goes.
class ecdsa_key_cache {
public:
    explicit ecdsa_key_cache(std::size_t capacity = 16);
    ~ecdsa_key_cache();

    // The reference is good until the next call. Secrets are compared in constant time, their copies wiped.
    const ecdsa_key& find(std::string_view access_key_id, std::string_view secret);

    // Forgets everything, for example when credentials were replaced.
    void clear() noexcept;

private:
    struct entry;
    std::vector<std::unique_ptr<entry>> entries_; // the most recently used first
    std::size_t capacity_;
};

} // namespace countersign::signer
