// The sandbox's STS: GetCallerIdentity, AssumeRole, GetSessionToken and AssumeRoleWithWebIdentity (query protocol,
// GET or POST; AWS STS API Reference). Signatures were checked before. It must never tell a caller's token. One thread.
#pragma once

#include "proxy/sandbox/error.hpp"
#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/message.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::proxy::sandbox {

class sts {
public:
    // Temporary keys last `lifetime` at most, however long was asked for.
    sts(key_ring& keys, std::chrono::seconds lifetime) : keys_(keys), lifetime_(lifetime) {}

    std::variant<answer, service_error>
    respond(const request& ask, const identity& who, std::string_view request_id, std::chrono::sys_seconds now);

    // AssumeRoleWithWebIdentity needs no signature: its token is the proof.
    static bool is_for_anyone(const request& ask);
    // REQUIRES: is_for_anyone(ask).
    std::variant<answer, service_error>
    respond_to_anyone(const request& ask, std::string_view request_id, std::chrono::sys_seconds now);

private:
    using form_fields = std::vector<field>;
    using outcome = std::variant<answer, service_error>;

    outcome assume_role(const form_fields& form, std::string_view request_id, std::chrono::sys_seconds now);
    outcome get_session_token(
        const form_fields& form, const identity& who, std::string_view request_id, std::chrono::sys_seconds now
    );
    outcome assume_by_token(const form_fields& form, std::string_view request_id, std::chrono::sys_seconds now);
    // The end of the keys that are asked for; nullopt: DurationSeconds is out of bounds.
    std::optional<std::chrono::sys_seconds>
    end_of(const form_fields& form, unsigned usual, unsigned most, std::chrono::sys_seconds now) const;

    key_ring& keys_;
    std::chrono::seconds lifetime_;
};

} // namespace countersign::proxy::sandbox
