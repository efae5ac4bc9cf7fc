#include "proxy/rules/healing.hpp"

#include <algorithm>
#include <array>

namespace countersign::proxy {

namespace {

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
    if (says.is_nameless && !tried.other_keys && are_other_keys(known, with)) {
        return remedy::other_keys;
    }
    return remedy::none;
}

} // namespace countersign::proxy
