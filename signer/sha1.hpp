// SHA-1 without allocation, for the checksum x-amz-checksum-sha1 only: never for a signature, it is broken (FIPS 180-4;
// SP 800-131A forbids it there). With its .cpp the only user of OpenSSL's low-level SHA-1, for the reasons in
// signer/sha256.hpp. Any thread; values are copied freely.
#pragma once

#include <openssl/sha.h>

#include <array>
#include <string_view>

namespace countersign::signer {

// A running hash: update() as often as needed, then finish() once.
class sha1 {
public:
    sha1() noexcept;
    void update(std::string_view bytes) noexcept;
    std::array<unsigned char, 20> finish() noexcept;

private:
    SHA_CTX state_;
};

} // namespace countersign::signer
