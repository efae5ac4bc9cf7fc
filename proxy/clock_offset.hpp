// How far a service's clock is ahead of this machine's, as its answers say: kept for the place, and signed with.
// Decided by rules/healing.hpp. On the worker's thread.
#pragma once

#include "proxy/stages.hpp"

#include <chrono>

namespace countersign::proxy {

// An answer that disagrees with what is kept drops or corrects it.
void check_clock(destination& d, const outcome& out, wall_time now);

// For all requests to this place from now on; the log says so.
void learn_clock(destination& d, std::chrono::seconds ahead);

} // namespace countersign::proxy
