// The chain: which sources are asked, in which order, and what came of it (AWS SDKs and Tools Reference
// Guide, "Credential provider chain"). It must never pass over a source that is configured and broken. Control
// thread only.
//
// Usable on its own: link countersign::chain, which needs nothing of proxy/ and conf/ (tests/chain/alone.cpp does so).
//     boost::asio::io_context control{1};
//     chain::system_world outside(control);
//     const auto sources = chain::make_chain({}); // or {.profile = "dev", .profile_is_explicit = true}
//     std::vector<chain::attempt> tried;          // for whoever wants to know why
//     boost::asio::co_spawn(control, chain::resolve(sources, outside, tried), found);
//     control.run_for(chain::longest_load);
//   where void found(std::exception_ptr bug, chain::result<chain::credentials> keys) looks at keys->access_key_id,
//   keys->secret_access_key.reveal() …, or at keys.error().detail. `sources`, `outside` and `tried` outlive the call.
// A service that needs them for longer lets a chain::refresher (refresh.hpp) renew them ahead of expiry.
#pragma once

#include "chain/credentials.hpp"
#include "chain/provider.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

inline constexpr std::chrono::seconds longest_load{25}; // for the whole chain, whatever its sources do

provider_list make_chain(const chain_settings& settings);

enum class finding : std::uint8_t { used, skipped, broken, not_reached };

struct attempt {
    std::string_view source; // provider::name()
    finding outcome = finding::not_reached;
    std::string why;           // of skipped and broken, one line
    bool is_temporary = false; // of used: the credentials expire
};

// Asks the sources in order until one answers with credentials or a failure. `tried` has one entry for each
// source afterwards. The failure names every source that was asked. `faithful_to`: the source whose credentials
// are in use, "" for none. It is not passed over when it says that nothing is configured any more: the next one
// would be another identity.
task<result<credentials>>
resolve(const provider_list& sources, world& outside, std::vector<attempt>& tried, std::string_view faithful_to = {});

// For a load that was given up after longest_load: which source was being asked, and why those before it had nothing.
// REQUIRES: `tried` as resolve() left it when it was cut off.
failure cut_off_load(const std::vector<attempt>& tried);

// The surprise that is worth a warning: keys or a web identity hide the role of the container, or keys in the
// environment that of the instance. "" when there is nothing to be said.
std::string hidden_role(const std::vector<attempt>& tried, const world& outside);

} // namespace countersign::chain
