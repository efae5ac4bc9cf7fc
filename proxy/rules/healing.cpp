#include "proxy/rules/healing.hpp"

#include "proxy/http/http_date.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace countersign::proxy {

namespace {

using std::chrono::seconds;

// Services tolerate five minutes or fifteen. A clock that is further off than this is wrong, whatever they say.
constexpr seconds tolerated_skew = std::chrono::minutes{4};

// Those of the SDKs that load credentials anew by themselves (Go, JavaScript, .NET, PHP), and one of S3's own.
// EC2 says RequestExpired of a clock that is wrong, too: without a token it can be nothing else.
bool says_keys_expired(std::string_view code, const signed_as& with) noexcept {
    if (code == "RequestExpired") {
        return !with.keys->value->session_token.empty();
    }
    constexpr std::array<std::string_view, 3> codes{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"};
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// The service does not know the keys: deleted, or not yet everywhere. Asking their source again cannot tell, but other
// keys that are here already may be the ones that took their place.
bool says_keys_unknown(std::string_view code) noexcept {
    constexpr std::array<std::string_view, 4> codes{
        "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "UnrecognizedClientException"};
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool is_far_off(const complaint& says, const signed_as& with) noexcept {
    return says.ahead && std::chrono::abs(*says.ahead - with.clock_offset) > tolerated_skew;
}

// These say nothing but that, wherever the answer's Date is not the one that was signed with.
bool says_clock_wrong(std::string_view code, const signed_as& with) noexcept {
    return code == "RequestTimeTooSkewed" || code == "RequestInTheFuture" ||
           (code == "RequestExpired" && with.keys->value->session_token.empty());
}

// These may say so: where the clock is far off, it is the reason. S3 denies what was presigned in the future.
bool may_say_clock_wrong(std::string_view code, const plan& where) noexcept {
    constexpr std::array<std::string_view, 4> codes{
        "AuthFailure", "InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch"};
    return std::find(codes.begin(), codes.end(), code) != codes.end() ||
           (code == "AccessDenied" && where.sign == conf::sign_mode::query);
}

bool is_about_clock(const complaint& says, const signed_as& with, const plan& where) noexcept {
    if (says_clock_wrong(says.code, with)) {
        return says.ahead && std::chrono::abs(*says.ahead - with.clock_offset) > unnoticed_skew;
    }
    return may_say_clock_wrong(says.code, where) && is_far_off(says, with);
}

} // namespace

bool same_keys(const chain::credentials* a, const chain::credentials* b) noexcept {
    if (a == b || a == nullptr || b == nullptr) {
        return a == b;
    }
    return a->access_key_id == b->access_key_id && a->secret_access_key.reveal() == b->secret_access_key.reveal() &&
           a->session_token.reveal() == b->session_token.reveal();
}

bool are_other_keys(const known_now& known, const signed_as& than) noexcept {
    return known.keys && !known.keys->expired_at(known.time) && !same_keys(known.keys, than.keys->value.get());
}

remedy find_remedy(
    const complaint& says, const signed_as& with, const plan& where, const known_now& known, const tried_remedies& tried
) noexcept {
    if (!tried.clock && is_about_clock(says, with, where)) {
        return remedy::clock;
    }
    const bool expired = says_keys_expired(says.code, with);
    if ((expired || says_keys_unknown(says.code)) && !tried.other_keys && are_other_keys(known, with)) {
        return remedy::other_keys;
    }
    const bool may_change = with.keys->value->provider != "environment"; // … of a process: never
    if (expired && may_change && !tried.renewal) {
        return remedy::renewal;
    }
    const bool is_elsewhere =
        where.is_default_region && says.region != with.region && signer::is_region_beside(says.region, where.region);
    if (is_elsewhere && !tried.region) {
        return remedy::region;
    }
    if (says.is_nameless && !tried.clock && is_far_off(says, with)) {
        return remedy::clock;
    }
    if (says.is_nameless && !tried.other_keys && are_other_keys(known, with)) {
        return remedy::other_keys;
    }
    return remedy::none;
}

std::optional<seconds> clock_ahead(std::string_view date, std::chrono::system_clock::time_point now) noexcept {
    constexpr seconds believable = std::chrono::hours{24};
    const auto ours = std::chrono::floor<seconds>(now);
    const auto theirs = parse_http_date(date, ours);
    if (!theirs || std::chrono::abs(*theirs - ours) > believable) {
        return std::nullopt;
    }
    return *theirs - ours;
}

std::optional<seconds> correct_clock(seconds kept, std::optional<seconds> ahead) noexcept {
    if (kept == seconds{0} || !ahead || std::chrono::abs(*ahead - kept) <= tolerated_skew) {
        return std::nullopt;
    }
    return std::chrono::abs(*ahead) <= tolerated_skew ? seconds{0} : *ahead;
}

} // namespace countersign::proxy
