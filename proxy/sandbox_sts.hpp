// The sandbox's STS: GetCallerIdentity and AssumeRole (query protocol, GET or POST). Signatures were checked
// before. One thread.
#pragma once

#include "proxy/sandbox_error.hpp"
#include "proxy/sandbox_keys.hpp"
#include "proxy/sandbox_message.hpp"

#include <chrono>
#include <string_view>
#include <variant>

namespace countersign::proxy::sandbox {

class sts {
public:
    // Temporary keys last `lifetime` at most, however long was asked for.
    sts(key_ring& keys, std::chrono::seconds lifetime) : keys_(keys), lifetime_(lifetime) {}

    std::variant<answer, service_error>
    respond(const request& ask, const identity& who, std::string_view request_id, std::chrono::sys_seconds now);

private:
    std::variant<answer, service_error>
    assume_role(const std::vector<field>& form, std::string_view request_id, std::chrono::sys_seconds now);

    key_ring& keys_;
    std::chrono::seconds lifetime_;
};

} // namespace countersign::proxy::sandbox
