// The configuration in force as TOML that can be loaded again, each key with a comment on where its value came from:
// FILE:LINE, an environment variable, a flag, or the default. Holds no secret, since a configuration holds none.
// Pure; any thread.
#pragma once

#include "conf/config.hpp"

#include <string>

namespace countersign::conf {

// Keys without a value stand there as comments; routes show what is set.
std::string show(const config& c);

} // namespace countersign::conf
