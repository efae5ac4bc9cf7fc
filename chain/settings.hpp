// What is given to a chain from outside: by flags and the configuration. Plain values that hold no secret; any thread.
#pragma once

#include "chain/role.hpp"

#include <string>

namespace countersign::chain {

struct chain_settings {
    std::string profile;              // "": from the environment, else "default"
    bool profile_is_explicit = false; // named on the command line: environment keys are not looked at
    std::string access_key_id;        // the command-line provider, with:
    std::string secret_access_key_file;
    std::string region = {}; // given (--region, configuration): STS is asked there; "": chain/region.hpp finds it
    role_request role = {};  // assumed with the chain's keys; none without role_arn
};

} // namespace countersign::chain
