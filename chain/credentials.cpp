#include "chain/credentials.hpp"

#include <ostream>
#include <utility>

namespace countersign::chain {

secret::secret(std::string_view text) : text_(signer::to_key_text(text)) {}
secret::secret(const secret& other) : secret(other.reveal()) {}
secret::secret(secret&& other) noexcept : text_(std::exchange(other.text_, {})) {}
secret& secret::operator=(secret other) noexcept {
    text_.swap(other.text_);
    return *this;
}
secret::~secret() = default; // the memory wipes itself

std::ostream& operator<<(std::ostream& out, const secret&) {
    return out << "[redacted]";
}

} // namespace countersign::chain
