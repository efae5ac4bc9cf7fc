#include "signer/inspected.hpp"

#include "signer/claim.hpp"

namespace countersign::signer {

std::string in_words(std::chrono::seconds span) {
    const auto count = span.count();
    if (count < 120) {
        return std::to_string(count) + " s";
    }
    if (count < 2 * 3600) {
        return std::to_string(count / 60) + " min";
    }
    return count < 2 * 86400 ? std::to_string(count / 3600) + " hours" : std::to_string(count / 86400) + " days";
}

std::string validity(const inspection& found, std::chrono::sys_seconds now) {
    if (!found.signed_at || (found.where == placement::query && !found.expires)) {
        return {};
    }
    const std::chrono::sys_seconds end =
        *found.signed_at + (found.where == placement::query ? *found.expires : clock_tolerance);
    if (now > end) {
        return joined({"expired ", in_words(now - end), " ago"});
    }
    if (*found.signed_at > now + clock_tolerance) {
        return joined({"not valid for another ", in_words(*found.signed_at - now)});
    }
    return joined({"valid for another ", in_words(end - now)});
}

} // namespace countersign::signer
