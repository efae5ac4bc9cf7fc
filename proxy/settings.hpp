// The configuration that `serve` runs with: the file, then the environment, then the command line over both; of the
// profile what it says of retries, where these are silent.
#pragma once

#include "conf/config.hpp"
#include "proxy/commands.hpp"

namespace countersign::proxy {

// Throws conf::error.
conf::config load_settings(const serve_arguments& a);

} // namespace countersign::proxy
