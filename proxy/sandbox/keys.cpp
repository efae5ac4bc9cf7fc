#include "proxy/sandbox/keys.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace countersign::proxy::sandbox {

namespace {

constexpr std::size_t most_keys = 1000;
constexpr std::string_view base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

} // namespace

key_ring::key_ring(random_source random) : random_(std::move(random)) {
    fixed_.access_key_id = demo_access_key_id;
    fixed_.secret_access_key = demo_secret_access_key;
    fixed_.arn = fmt::format("arn:aws:iam::{}:user/sandbox", account_id);
    fixed_.user_id = "AIDASANDBOXEXAMPLE00";
}

const identity* key_ring::find(std::string_view access_key_id) const noexcept {
    if (access_key_id == fixed_.access_key_id) {
        return &fixed_;
    }
    for (const identity& i : issued_) {
        if (i.access_key_id == access_key_id) {
            return &i;
        }
    }
    return nullptr;
}

const identity& key_ring::issue(std::string_view role, std::string_view session, std::chrono::sys_seconds expires) {
    identity& i = add_temporary(expires);
    i.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", account_id, role, session);
    i.user_id = fmt::format("AROASANDBOXEXAMPLE00:{}", session);
    return i;
}

const identity& key_ring::issue_session(std::chrono::sys_seconds expires) {
    identity& i = add_temporary(expires);
    i.arn = fixed_.arn;
    i.user_id = fixed_.user_id;
    return i;
}

identity& key_ring::add_temporary(std::chrono::sys_seconds expires) {
    if (issued_.size() == most_keys) {
        issued_.pop_front();
    }
    identity i;
    i.access_key_id = "ASIA" + random_text(16, base32);
    i.secret_access_key = random_text(40, base64);
    // Ends in '=' as AWS's tokens do, and has '+' and '/': what a careless client encodes wrongly.
    i.session_token = "Sandbox/" + random_text(190, base64) + "==";
    i.expires = expires;
    return issued_.emplace_back(std::move(i));
}

std::string key_ring::random_text(std::size_t length, std::string_view alphabet) {
    std::vector<unsigned char> bytes(length);
    random_(bytes);
    std::string out;
    for (const unsigned char b : bytes) {
        out += alphabet[b % alphabet.size()]; // both alphabets divide 256: no bias
    }
    return out;
}

} // namespace countersign::proxy::sandbox
