// What an EC2 instance and an ECS task would find on their own network: IMDSv2 and the container credentials
// endpoint. Gives out temporary keys of the sandbox only. One thread.
#pragma once

#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/message.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy::sandbox {

inline constexpr std::string_view metadata_role = "sandbox-role";
inline constexpr std::string_view container_token = "sandbox-container-token";

class metadata {
public:
    metadata(key_ring& keys, random_source random, std::chrono::seconds lifetime);

    // nullopt: the path is not one of the two endpoints'.
    std::optional<answer> respond(const request& ask, std::chrono::sys_seconds now);

private:
    struct token {
        std::string text;
        std::chrono::sys_seconds expires;
    };

    answer issue_token(const request& ask, std::chrono::sys_seconds now);
    answer instance(const request& ask, std::chrono::sys_seconds now);
    answer container(const request& ask, std::chrono::sys_seconds now);
    bool knows(std::string_view token_text, std::chrono::sys_seconds now) const noexcept;

    // The keys of the role, issued anew when half of their life is over.
    identity role_keys(std::string_view session, std::chrono::sys_seconds now);

    key_ring& keys_;
    random_source random_;
    std::chrono::seconds lifetime_;
    std::deque<token> tokens_; // the last 1000
    std::string instance_key_; // access key ids of what was given out last
    std::string container_key_;
};

} // namespace countersign::proxy::sandbox
