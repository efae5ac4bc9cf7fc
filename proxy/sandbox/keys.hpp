// The identities that the sandbox knows: one fixed demo key and the temporary keys it hands out itself.
// Never real credentials: nothing is read from the environment or from files. Not synchronised: one thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy::sandbox {

// The key pair that the sandbox always knows. It opens nothing else; --help and the sandbox itself print it.
inline constexpr std::string_view demo_access_key_id = "AKIASANDBOXEXAMPLE00";
inline constexpr std::string_view demo_secret_access_key = "sandbox/secret/for/demos/only/not/AWS000";

// Fills the span with random bytes.
using random_source = std::function<void(std::span<unsigned char>)>;

struct identity {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token; // "" for the fixed key
    std::string arn;
    std::string user_id;
    std::optional<std::chrono::sys_seconds> expires; // nullopt: never
};

inline constexpr std::string_view account_id = "000000000000";

class key_ring {
public:
    explicit key_ring(random_source random);

    // nullptr for a key that was never issued here. Expired keys are still found: the caller says "expired",
    // not "unknown". Good until the next issue().
    const identity* find(std::string_view access_key_id) const noexcept;

    // A new temporary key (ASIA…) for `role`, in a session of that name. Bounded: beyond 1000 keys the oldest
    // goes.
    const identity& issue(std::string_view role, std::string_view session, std::chrono::sys_seconds expires);

    // Likewise for the user of the fixed key itself.
    const identity& issue_session(std::chrono::sys_seconds expires);

private:
    identity& add_temporary(std::chrono::sys_seconds expires);
    // REQUIRES: alphabet has at most 64 characters.
    std::string random_text(std::size_t length, std::string_view alphabet);

    random_source random_;
    identity fixed_;
    std::deque<identity> issued_;
};

} // namespace countersign::proxy::sandbox
