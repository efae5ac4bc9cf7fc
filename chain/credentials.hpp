// AWS credentials as a value. The secret parts are wiped when the value dies, print as "[redacted]" and are
// only reachable by name. Immutable once shared: one thread makes them, all may read.
#pragma once

#include "signer/key_memory.hpp"

#include <chrono>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

// A string in memory for keys, which is wiped; never prints.
class secret {
public:
    secret() = default;
    explicit secret(std::string_view text);
    secret(const secret& other);
    secret(secret&& other) noexcept;
    secret& operator=(secret other) noexcept;
    ~secret();

    std::string_view reveal() const noexcept { return text_; }
    bool empty() const noexcept { return text_.empty(); }

private:
    signer::key_text text_;
};
std::ostream& operator<<(std::ostream& out, const secret&); // "[redacted]"

struct credentials {
    std::string access_key_id;
    secret secret_access_key;
    secret session_token;                                            // empty for long-lived keys
    std::optional<std::chrono::system_clock::time_point> expiration; // none: never
    // The same as the source said it (RFC 3339), where it is later than the clock can count to; "" else. Caches do say
    // 3025, and who asks for the keys is told what they say.
    std::string stated_end = {};
    std::string account_id; // "" when unknown
    std::string provider;   // "environment", "container", … for logs and metrics
    std::string notice;     // why they are used past their expiry; "" for all others. One line, no secret

    bool expired_at(std::chrono::system_clock::time_point now) const noexcept {
        return expiration && *expiration <= now;
    }
};

using shared_credentials = std::shared_ptr<const credentials>;

} // namespace countersign::chain
