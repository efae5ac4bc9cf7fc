// An answer that says that the request was signed with the wrong thing (expired keys, another region, a wrong clock),
// and what helps:
// decided by what the answer says, what the attempt was signed with, and what is known by now. Pure; any thread.
#pragma once

#include "proxy/rules/plan.hpp"
#include "proxy/rules/signed_as.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::proxy {

// Are these the same keys: access key id, secret and token? Read again, the same keys are another object, not others.
bool same_keys(const chain::credentials* a, const chain::credentials* b) noexcept;

// What an answer says about the signature.
struct complaint {
    std::string_view code;    // the service's error code, "" when there is none
    std::string_view region;  // the region that S3 says the signature should be for, "" when it says nothing
    bool is_nameless = false; // 400 or 403 to a HEAD: there is no body to say why
    std::optional<std::chrono::seconds> ahead = std::nullopt; // of our clock, as clock_ahead says
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
    bool clock = false;
    bool place = false; // see redirect.hpp
};

enum class remedy : std::uint8_t {
    none,
    other_keys, // sign again at once: there are other keys already
    renewal,    // ask for other keys and wait for them
    region,     // sign again for the region that the answer names
    clock,      // sign again with the time that the answer tells
};

// REQUIRES: the attempt was signed.
remedy find_remedy(
    const complaint& says, const signed_as& with, const plan& where, const known_now& known, const tried_remedies& tried
) noexcept;

// Keys that can be signed with instead of `than`.
bool are_other_keys(const known_now& known, const signed_as& than) noexcept;

// Differences between two clocks below this are nothing to talk about: Dates are whole seconds, and answers take time.
constexpr std::chrono::seconds unnoticed_skew{10};

// How far the service's clock is ahead of ours, as the answer's Date says. nullopt: there is none that can be read, or
// one that is more than a day off, which is believed to be wrong itself.
std::optional<std::chrono::seconds>
clock_ahead(std::string_view date, std::chrono::system_clock::time_point now) noexcept;

// What takes the place of a clock_offset that was learned before, where a later answer speaks against it: zero when our
// clock was set right. nullopt: nothing does.
std::optional<std::chrono::seconds>
correct_clock(std::chrono::seconds kept, std::optional<std::chrono::seconds> ahead) noexcept;

} // namespace countersign::proxy
