// The region to sign for where neither a host nor its route names one: the configuration's, the environment's, the
// profile's or the instance's. Control thread only.
#pragma once

#include "chain/region.hpp"
#include "conf/config.hpp"

namespace countersign::proxy {

// True when some route can only be signed for with such a region. Pure. Where it is false, nobody need be asked: we
// read no file and disturb no instance.
bool needs_default_region(const conf::config& c);

// Asks through `outside`, which outlives the task.
chain::task<chain::result<chain::region_choice>> ask_for_default_region(chain::world& outside, const conf::config& c);

// The same for a start: waits until it is known, on an io_context of its own.
chain::result<chain::region_choice> find_default_region(const conf::config& c);

} // namespace countersign::proxy
