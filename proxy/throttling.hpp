// What follows from a service's throttling beyond the retry of one request: the pace of the adaptive mode, the counter,
// the line in the log, and the refusal of whose turn would come too late. On the worker's thread.
#pragma once

#include "proxy/http/refusal.hpp"
#include "proxy/stages.hpp"

namespace countersign::proxy {

// Each attempt, whatever came of it.
void learn_pace(destination& d, const outcome& out, steady_time now);

// In adaptive mode, where the turn is no nearer than `wait`.
refusal refuse_turn(const plan& p, adaptive_limiter::clock::duration wait);

} // namespace countersign::proxy
