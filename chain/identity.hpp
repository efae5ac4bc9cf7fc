// The credentials of one identity: the provider chain's, or of a role that is assumed with them. Control thread only.
#pragma once

#include "chain/chain.hpp"
#include "chain/credentials.hpp"
#include "chain/settings.hpp"
#include "chain/task.hpp"

#include <string_view>
#include <vector>

namespace countersign::chain {

// Like resolve(); where settings.role names a role, STS is then asked for it (AssumeRole, chain/sts.hpp) and the
// provider is "assumed_role". REQUIRES: sources were made from these settings; all arguments outlive the task.
task<result<credentials>> load_identity(
    const provider_list& sources,
    const chain_settings& settings,
    world& outside,
    std::vector<attempt>& tried,
    std::string_view faithful_to // as in resolve()
);

} // namespace countersign::chain
