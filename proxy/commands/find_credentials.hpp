// The credentials that a command signs with: the provider chain asked once, as `serve` asks it. Start-up code: throws
// std::runtime_error with one line for the user. Blocks its thread, for chain::longest_load at most.
#pragma once

#include "chain/credentials.hpp"

#include <string>

namespace countersign::proxy {

// `profile`: of --profile, "" where there is none.
chain::credentials find_command_credentials(const std::string& profile);

} // namespace countersign::proxy
