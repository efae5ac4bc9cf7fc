// The only user of the low-level interface that OpenSSL 3 calls deprecated; the header says why.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "signer/sha256.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

namespace countersign::signer {
namespace {

constexpr std::size_t block_size = 64;

// "00", "01" … "ff": two digits a step.
constexpr auto hex_pairs = [] {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t byte = 0; byte < pairs.size(); ++byte) {
        pairs[byte] = {digits[byte >> 4], digits[byte & 15]};
    }
    return pairs;
}();

inline void put_hex(unsigned char byte, char*& out) noexcept {
    std::memcpy(out, hex_pairs[byte].data(), 2);
    out += 2;
}

void start_pad(SHA256_CTX& state, const std::array<unsigned char, block_size>& key, unsigned char pad) noexcept {
    std::array<unsigned char, block_size> padded;
    for (std::size_t i = 0; i < block_size; ++i) {
        padded[i] = static_cast<unsigned char>(key[i] ^ pad);
    }
    SHA256_Init(&state);
    SHA256_Update(&state, padded.data(), padded.size());
    OPENSSL_cleanse(padded.data(), padded.size());
}

} // namespace

sha256::sha256() noexcept {
    SHA256_Init(&state_);
}

void sha256::update(std::string_view bytes) noexcept {
    SHA256_Update(&state_, bytes.data(), bytes.size());
}

digest sha256::finish() noexcept {
    digest value;
    SHA256_Final(value.data(), &state_);
    return value;
}

digest sha256_of(std::string_view bytes) noexcept {
    sha256 running;
    running.update(bytes);
    return running.finish();
}

hmac_key::hmac_key(std::string_view key) noexcept : hmac_key(std::string_view(), key) {}

hmac_key::hmac_key(std::string_view prefix, std::string_view rest) noexcept {
    key_block block{};
    if (prefix.size() + rest.size() > block.size()) { // RFC 2104 section 2: longer keys are hashed first
        sha256 hash;
        hash.update(prefix);
        hash.update(rest);
        digest shorter = hash.finish();
        std::copy(shorter.begin(), shorter.end(), block.begin());
        OPENSSL_cleanse(shorter.data(), shorter.size());
    } else {
        std::copy(rest.begin(), rest.end(), std::copy(prefix.begin(), prefix.end(), block.begin()));
    }
    start(block);
}

void hmac_key::start(key_block& block) noexcept {
    start_pad(inner_, block, 0x36);
    start_pad(outer_, block, 0x5c);
    OPENSSL_cleanse(block.data(), block.size());
}

hmac_key::~hmac_key() {
    OPENSSL_cleanse(&inner_, sizeof inner_);
    OPENSSL_cleanse(&outer_, sizeof outer_);
}

digest hmac_key::mac(std::string_view text) const noexcept {
    digest value;
    SHA256_CTX state = inner_;
    SHA256_Update(&state, text.data(), text.size());
    SHA256_Final(value.data(), &state);
    state = outer_;
    SHA256_Update(&state, value.data(), value.size());
    SHA256_Final(value.data(), &state);
    return value;
}

void write_hex(const digest& value, char* out) noexcept {
    for (const unsigned char byte : value) { // its length is known: twice as fast as the other
        put_hex(byte, out);
    }
}

void write_hex(std::span<const unsigned char> bytes, char* out) noexcept {
    for (const unsigned char byte : bytes) {
        put_hex(byte, out);
    }
}

} // namespace countersign::signer
