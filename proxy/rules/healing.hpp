// An answer that says that the request was signed with the wrong thing (expired keys, another region), and what helps:
// decided by what the answer says, what the attempt was signed with, and what is known by now. Pure; any thread.
#pragma once

#include "proxy/rules/plan.hpp"
#include "proxy/rules/signed_as.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace countersign::proxy {

// Are these the same keys: access key id, secret and token? Read again, the same keys are another object, not others.
bool same_keys(const chain::credentials* a, const chain::credentials* b) noexcept;

// What an answer says about the signature.
struct complaint {
    std::string_view code;    // the service's error code, "" when there is none
    std::string_view region;  // the region that S3 says the signature should be for, "" when it says nothing
    bool is_nameless = false; // 400 or 403 to a HEAD: there is no body to say why
};

// What there is by now, whoever found it out.
struct known_now {
    const chain::credentials* keys = nullptr; // null: none
    std::chrono::system_clock::time_point time;
};

// Each remedy is tried once for a request.
struct tried_remedies {
    bool other_keys = false;
    bool renewal = false;
    bool region = false;
    bool place = false; // see redirect.hpp
};

enum class remedy : std::uint8_t {
    none,
    other_keys, // sign again at once: there are other keys already
    renewal,    // ask for other keys and wait for them
    region,     // sign again for the region that the answer names
};

// REQUIRES: the attempt was signed.
remedy find_remedy(
    const complaint& says, const signed_as& with, const plan& where, const known_now& known, const tried_remedies& tried
) noexcept;

// Keys that can be signed with instead of `than`.
bool are_other_keys(const known_now& known, const signed_as& than) noexcept;

} // namespace countersign::proxy
