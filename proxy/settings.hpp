// The configuration that `serve` runs with: the file, then the environment, then the command line over both.
#pragma once

#include "conf/config.hpp"
#include "proxy/serve.hpp"

namespace countersign::proxy {

// Throws conf::error.
conf::config load_settings(const serve_arguments& a);

// True when some route can only be signed for with a region from outside (environment, profile, instance).
bool needs_default_region(const conf::config& c);

} // namespace countersign::proxy
