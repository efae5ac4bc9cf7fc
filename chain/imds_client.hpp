// Asks the instance metadata service, version 2 only: keeps the session token,
// asks again where that helps. It must never fall back to version 1. Control thread only.
#pragma once

#include "chain/profile.hpp"
#include "chain/settings.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

bool imds_is_disabled(const world& outside); // AWS_EC2_METADATA_DISABLED=true, in any case

// The service's address without a slash at its end, from the environment, then the profile (null: none), then
// the mode.
result<std::string> imds_endpoint(const world& outside, const profile* settings);

struct imds_answer {
    enum class kind : std::uint8_t {
        found,       // status 200
        missing,     // 404
        unreachable, // nobody there: this is no instance, or a hop limit is in the way
        broken,
    };
    kind is = kind::broken;
    secret body;
    std::string why; // of all but found

    bool found() const noexcept { return is == kind::found; }
};

class imds_client {
public:
    explicit imds_client(chain_settings settings) : settings_(std::move(settings)) {}

    // `path` starts with "/latest/". At most four attempts for the token and four for the question.
    task<imds_answer> get(world& outside, std::string path);

private:
    task<std::optional<imds_answer>> renew_token(world& outside, const std::string& endpoint);
    result<std::string> endpoint(const world& outside) const;

    chain_settings settings_;
    secret token_;
    std::string token_of_; // the endpoint that gave it
    std::chrono::system_clock::time_point renew_at_{};
};

} // namespace countersign::chain
