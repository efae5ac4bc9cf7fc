// What several keys of a configuration say together. Pure; throws conf::error; any thread.
#pragma once

#include "conf/config.hpp"

namespace countersign::conf {

// Sets identity_index of every route and client to the number of the identity that it names. Throws conf::error for a
// name that no [identity.NAME] has.
void bind_identities(config& c);

// Rules that span several keys, applied to the file and once more when flags were added (loopback without
// allow_remote, two listeners on one address, …). Throws conf::error.
void check(const config& c);

} // namespace countersign::conf
