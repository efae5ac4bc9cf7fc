#define OPENSSL_SUPPRESS_DEPRECATED
#include "signer/sha1.hpp"

namespace countersign::signer {

sha1::sha1() noexcept {
    SHA1_Init(&state_);
}

void sha1::update(std::string_view bytes) noexcept {
    SHA1_Update(&state_, bytes.data(), bytes.size());
}

std::array<unsigned char, 20> sha1::finish() noexcept {
    std::array<unsigned char, 20> value;
    SHA1_Final(value.data(), &state_);
    return value;
}

} // namespace countersign::signer
