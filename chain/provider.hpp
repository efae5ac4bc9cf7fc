// One source of credentials: the interface that all of them have and a factory for each; one source is one
// file. A source must never fall silent over a broken configuration: it answers three ways. Control thread
// only.
#pragma once

#include "chain/credentials.hpp"
#include "chain/settings.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::chain {

// "Go on to the next source": nothing is configured here. `why` is one line for the user.
struct not_mine {
    std::string why;
};

// credentials: done. not_mine: go on. failure: configured but broken, the chain ends here.
using answer = std::variant<credentials, not_mine, failure>;

// What can be seen of a source without asking anybody, for `credentials --output explain`. Never a secret.
struct sight {
    bool configured = false;
    std::vector<std::string> seen; // a line each: "AWS_PROFILE = dev"
};

class provider {
public:
    virtual ~provider() = default;
    virtual std::string_view name() const noexcept = 0; // from a fixed set: it is a metric label
    virtual sight look(const world& outside) const = 0;
    // REQUIRES: not called again before it has answered. A provider may remember (tokens, last answer)
    // between calls.
    virtual task<answer> fetch(world& outside) = 0;
    // Of the last fetch: what was left out of the files that it read, a line each. Never a secret.
    virtual std::vector<std::string> warnings() const { return {}; }
};

using provider_list = std::vector<std::unique_ptr<provider>>;

enum class environment_keys : std::uint8_t { count, overruled }; // overruled: a profile was named explicitly

std::unique_ptr<provider> command_line_source(const chain_settings& settings);
// With settings, keys beside the name of a profile that is not there are a failure, as for botocore and the SDK for Go.
std::unique_ptr<provider>
environment_source(environment_keys rule, std::optional<chain_settings> settings = std::nullopt);
std::unique_ptr<provider> profile_source(const chain_settings& settings);
std::unique_ptr<provider> web_identity_source(environment_keys rule, const chain_settings& settings);
std::unique_ptr<provider> container_source();
std::unique_ptr<provider> imds_source(const chain_settings& settings);

// Static keys as every source checks them: visible ASCII only, both there. `origin` is where they were found.
answer static_keys(
    std::string_view provider,
    std::string_view origin,
    std::string_view access_key_id,
    const secret& secret_access_key,
    const secret& session_token
);

} // namespace countersign::chain
