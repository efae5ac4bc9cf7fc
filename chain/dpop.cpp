#include "chain/dpop.hpp"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace countersign::chain {

namespace {

template <auto Free>
struct freed_by {
    template <class Thing>
    void operator()(Thing* thing) const {
        Free(thing);
    }
};
using key_pointer = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using number_pointer = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using bio_pointer = std::unique_ptr<BIO, freed_by<BIO_free>>;
using context_pointer = std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX_free>>;
using signature_pointer = std::unique_ptr<ECDSA_SIG, freed_by<ECDSA_SIG_free>>;

constexpr std::size_t coordinate_size = 32;
using bytes = std::span<const unsigned char>;

// RFC 4648 section 5, without padding.
std::string base64url(bytes text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const unsigned char byte : text) {
        held = (held << 8U) | byte;
        for (bits += 8; bits >= 6; bits -= 6)
            out += digits[(held >> (bits - 6)) & 63U];
    }
    if (bits > 0)
        out += digits[(held << (6 - bits)) & 63U];
    return out;
}

std::string base64url(std::string_view text) {
    return base64url(bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size()));
}

std::optional<std::string> coordinate_text(const BIGNUM* number) {
    std::array<unsigned char, coordinate_size> raw{};
    if (!number || BN_bn2binpad(number, raw.data(), coordinate_size) != coordinate_size)
        return std::nullopt;
    return base64url(raw);
}

std::optional<std::string> coordinate_of(const EVP_PKEY* key, const char* which) {
    BIGNUM* number = nullptr;
    const bool found = EVP_PKEY_get_bn_param(key, which, &number) == 1;
    const number_pointer owned(number);
    return found ? coordinate_text(number) : std::nullopt;
}

// Without a callback OpenSSL would ask the terminal for a password.
int no_password(char*, int, int, void*) {
    return 0;
}

key_pointer read_key(std::string_view pem) {
    const bio_pointer text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    key_pointer key(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr) : nullptr);
    std::array<char, 64> curve{};
    if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key.get(), curve.data(), curve.size(), nullptr) != 1 ||
        std::string_view(curve.data()) != SN_X9_62_prime256v1)
        return nullptr;
    return key;
}

// r and s, 32 bytes each, instead of the ASN.1 that OpenSSL makes.
std::optional<std::string> signature_of(EVP_PKEY* key, std::string_view text) {
    const context_pointer context(EVP_MD_CTX_new());
    const auto* const begin = reinterpret_cast<const unsigned char*>(text.data());
    std::array<unsigned char, 128> der{};
    std::size_t size = der.size();
    if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
        EVP_DigestSign(context.get(), der.data(), &size, begin, text.size()) != 1)
        return std::nullopt;
    if (size == 0 || size > der.size()) // without memory OpenSSL 3.0 calls it done all the same
        return std::nullopt;
    const unsigned char* at = der.data();
    const signature_pointer pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
    std::array<unsigned char, 2 * coordinate_size> raw{};
    if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw.data(), coordinate_size) != coordinate_size ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw.data() + coordinate_size, coordinate_size) != coordinate_size)
        return std::nullopt;
    return base64url(raw);
}

} // namespace

result<secret>
dpop_proof(std::string_view pem, std::string_view url, std::string_view id, std::chrono::system_clock::time_point now) {
    if (id.empty())
        return failure{"OpenSSL gives no random number for a proof's id", true};
    const auto key = read_key(pem);
    ERR_clear_error(); // nothing of ours is left for who looks next (TLS)
    if (!key)
        return failure{"dpopKey is no P-256 private key in PEM"};
    const auto x = coordinate_of(key.get(), OSSL_PKEY_PARAM_EC_PUB_X);
    const auto y = coordinate_of(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y);
    if (!x || !y)
        return failure{"dpopKey has no public half"};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    std::string token = base64url(fmt::format(
        R"({{"typ":"dpop+jwt","alg":"ES256","jwk":{{"kty":"EC","x":"{}","y":"{}","crv":"P-256"}}}})", *x, *y
    ));
    token += "." + base64url(fmt::format(R"({{"jti":"{}","htm":"POST","htu":"{}","iat":{}}})", id, url, seconds));
    const auto signature = signature_of(key.get(), token);
    ERR_clear_error();
    if (!signature)
        return failure{"dpopKey cannot sign"};
    return secret(token + "." + *signature);
}

std::string random_uuid() {
    std::array<unsigned char, 16> raw{};
    if (RAND_bytes(raw.data(), static_cast<int>(raw.size())) != 1)
        return {};
    raw[6] = static_cast<unsigned char>((raw[6] & 0x0fU) | 0x40U);
    raw[8] = static_cast<unsigned char>((raw[8] & 0x3fU) | 0x80U);
    std::string text;
    for (std::size_t i = 0; i < raw.size(); ++i)
        text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", raw[i]);
    return text;
}

} // namespace countersign::chain
