#include "signer/chunk_signer.hpp"

#include "signer/encode.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace countersign::signer {
namespace {

constexpr std::string_view of_chunk = "PAYLOAD";
constexpr std::string_view of_trailer = "TRAILER";
static_assert(of_chunk.size() == of_trailer.size()); // one replaces the other in place

constexpr std::size_t hash_length = 64;
constexpr std::size_t longest_rest = most_ecdsa_hex + 1 + empty_hash.size() + 1 + hash_length;

std::string_view without_padding(std::string_view signature) noexcept {
    return signature.substr(0, signature.find_last_not_of('*') + 1).substr(0, most_ecdsa_hex);
}

template <class Key>
chunk_algorithm algorithm_of(const Key& key) noexcept {
    return key.index() == 0 ? chunk_algorithm::hmac_sha256 : chunk_algorithm::ecdsa_p256;
}

void write_mac(const signing_key& key, std::string_view text, char* out) noexcept {
    digest mac = key.mac(text);
    write_hex(mac, out);
    OPENSSL_cleanse(mac.data(), mac.size());
}

} // namespace

chunk_chain::chunk_chain(chunk_algorithm algorithm, const chunk_context& context)
    : what_at_(0), previous_at_(0), previous_size_(0) {
    const std::string_view start =
        algorithm == chunk_algorithm::hmac_sha256 ? "AWS4-HMAC-SHA256-" : "AWS4-ECDSA-P256-SHA256-";
    text_.reserve(start.size() + of_chunk.size() + context.date.size() + context.scope.size() + 3 + longest_rest);
    text_.append(start);
    what_at_ = text_.size();
    text_.append(of_chunk).append("\n").append(context.date).append("\n").append(context.scope).append("\n");
    previous_at_ = text_.size();
    text_.resize(previous_at_ + longest_rest);
    follow(context.seed);
}

std::string_view
chunk_chain::string_to_sign(std::string_view what, std::string_view before_hash, const digest& hash) noexcept {
    std::memcpy(text_.data() + what_at_, what.data(), what.size());
    pen out(text_.data() + previous_at_ + previous_size_);
    out.put('\n');
    out.put(before_hash);
    write_hex(hash, out.at());
    return {text_.data(), static_cast<std::size_t>(out.at() + hash_length - text_.data())};
}

std::string_view chunk_chain::string_to_sign_of_chunk(const digest& hash) noexcept {
    // EMPTY stands for the chunk's headers, which no version of the standard has.
    constexpr std::string_view before_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
    static_assert(before_hash.substr(0, hash_length) == empty_hash);
    return string_to_sign(of_chunk, before_hash, hash);
}

std::string_view chunk_chain::string_to_sign_of_trailer(const digest& hash) noexcept {
    return string_to_sign(of_trailer, {}, hash);
}

void chunk_chain::follow(std::string_view signature) noexcept {
    const std::string_view kept = without_padding(signature);
    std::copy(kept.begin(), kept.end(), text_.begin() + static_cast<std::ptrdiff_t>(previous_at_));
    previous_size_ = kept.size();
}

chunk_signer::chunk_signer(const signing_key& key, const chunk_context& context)
    : chain_(chunk_algorithm::hmac_sha256, context), key_(key), signature_{} {}

chunk_signer::chunk_signer(const ecdsa_key& key, const chunk_context& context)
    : chain_(chunk_algorithm::ecdsa_p256, context), key_(&key), signature_{} {}

chunk_algorithm chunk_signer::algorithm() const noexcept {
    return algorithm_of(key_);
}

std::string_view chunk_signer::sign_chunk(const digest& hash) {
    return sign(chain_.string_to_sign_of_chunk(hash));
}

std::string_view chunk_signer::sign_trailer(const digest& hash) {
    return sign(chain_.string_to_sign_of_trailer(hash));
}

std::string_view chunk_signer::sign(std::string_view string_to_sign) {
    std::size_t size = hash_length;
    if (const auto* const key = std::get_if<signing_key>(&key_)) {
        write_mac(*key, string_to_sign, signature_.data());
    } else {
        const ecdsa_signature made = (*std::get_if<const ecdsa_key*>(&key_))->sign(string_to_sign);
        signature_.fill('*');
        std::copy(made.hex().begin(), made.hex().end(), signature_.begin());
        size = signature_.size();
    }
    const std::string_view signature(signature_.data(), size);
    chain_.follow(signature);
    return signature;
}

chunk_verifier::chunk_verifier(const signing_key& key, const chunk_context& context)
    : chain_(chunk_algorithm::hmac_sha256, context), key_(key) {}

chunk_verifier::chunk_verifier(const ecdsa_public_key& key, const chunk_context& context)
    : chain_(chunk_algorithm::ecdsa_p256, context), key_(&key) {}

chunk_algorithm chunk_verifier::algorithm() const noexcept {
    return algorithm_of(key_);
}

bool chunk_verifier::verify_chunk(const digest& hash, std::string_view signature) noexcept {
    return verify(chain_.string_to_sign_of_chunk(hash), signature);
}

bool chunk_verifier::verify_trailer(const digest& hash, std::string_view signature) noexcept {
    return verify(chain_.string_to_sign_of_trailer(hash), signature);
}

bool chunk_verifier::verify(std::string_view string_to_sign, std::string_view signature) noexcept {
    bool fits = false;
    if (const auto* const key = std::get_if<signing_key>(&key_)) {
        std::array<char, hash_length> wanted;
        write_mac(*key, string_to_sign, wanted.data());
        fits = signature.size() == wanted.size() && CRYPTO_memcmp(signature.data(), wanted.data(), wanted.size()) == 0;
        OPENSSL_cleanse(wanted.data(), wanted.size());
    } else {
        const ecdsa_public_key& public_key = **std::get_if<const ecdsa_public_key*>(&key_);
        fits = signature.size() == most_ecdsa_hex && public_key.verify(string_to_sign, without_padding(signature));
    }
    chain_.follow(signature);
    return fits;
}

digest hash_of_trailers(std::span<const trailer> sorted) noexcept {
    sha256 hash;
    for (const trailer& field : sorted) {
        hash.update(field.name);
        hash.update(":");
        hash.update(field.value);
        hash.update("\n");
    }
    return hash.finish();
}

} // namespace countersign::signer
