#include "signer/headers.hpp"

#include "signer/encode.hpp"

#include <algorithm>
#include <array>

namespace countersign::signer {
namespace {

// Applies `rule` to a name of any case. No name with a rule of its own is longer than the buffer, and what is
// longer is judged by its beginning.
template <class Rule>
bool by_lower_case(std::string_view name, Rule rule) noexcept {
    std::array<char, 32> buffer;
    pen lower(buffer.data());
    lower.put_lower(name.substr(0, buffer.size()));
    return rule(lower.since(buffer.data()));
}

} // namespace

bool lower_is_signed(std::string_view name) noexcept {
    switch (name.empty() ? '\0' : name.front()) {
    case 'x':
        return name.starts_with("x-amz-");
    case 'h':
        return name == "host";
    case 'c':
        return name == "content-type" || name == "content-md5";
    case 'r':
        return name == "range";
    case 'i':
        return name.starts_with("if-");
    default:
        return false;
    }
}

bool lower_is_skipped(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 16> skipped{
        "authorization",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    };
    return std::find(skipped.begin(), skipped.end(), name) != skipped.end();
}

bool is_owned_by_signing(std::string_view name) noexcept {
    switch (name.size()) {
    case 4:
        return equals_ignoring_case(name, "date");
    case 10:
        return equals_ignoring_case(name, "x-amz-date");
    case 13:
        return equals_ignoring_case(name, "authorization");
    case 16:
        return equals_ignoring_case(name, "x-amz-region-set");
    case 20:
        return equals_ignoring_case(name, "x-amz-security-token") || equals_ignoring_case(name, "x-amz-content-sha256");
    default:
        return false;
    }
}

bool can_be_added(std::string_view name) noexcept {
    return !name.empty() && !lower_is_skipped(name) && (name == "date" || !is_owned_by_signing(name));
}

bool can_be_left_out(std::string_view name) noexcept {
    return name != "host" && !name.starts_with("x-amz-");
}

bool is_signed(std::string_view name) noexcept {
    return by_lower_case(name, lower_is_signed);
}

bool is_skipped(std::string_view name) noexcept {
    return by_lower_case(name, lower_is_skipped);
}

} // namespace countersign::signer
