#include "chain/credentials.hpp"

#include <openssl/crypto.h>

#include <ostream>
#include <utility>

namespace countersign::chain {

secret::secret(std::string_view text) : text_(text) {}
secret::secret(const secret& other) = default;
// A short string is moved by copying it: the copy that stays behind must be wiped too.
secret::secret(secret&& other) noexcept : text_(std::move(other.text_)) {
    OPENSSL_cleanse(other.text_.data(), other.text_.capacity());
    other.text_.clear();
}
secret& secret::operator=(secret other) noexcept {
    text_.swap(other.text_);
    return *this;
}
secret::~secret() {
    OPENSSL_cleanse(text_.data(), text_.capacity());
}

std::ostream& operator<<(std::ostream& out, const secret&) {
    return out << "[redacted]";
}

} // namespace countersign::chain
