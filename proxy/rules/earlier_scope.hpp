// The scope of the signature that a request brings along: a client that signs for another service or region than the
// one its host belongs to has made a mistake, which our own signature would hide from it. Pure; any thread.
#pragma once

#include "proxy/http/inbound.hpp"
#include "proxy/http/refusal.hpp"
#include "proxy/rules/plan.hpp"

#include <chrono>
#include <optional>

namespace countersign::proxy {

// A refusal (400) where an Authorization header names a scope, the host's name says service and region by itself (no
// route, no default), and the two differ. A signature that is not whole, or a day away from `now`, was not made for
// this request: it says nothing.
std::optional<refusal> check_earlier_scope(const inbound& in, const plan& p, std::chrono::sys_seconds now);

} // namespace countersign::proxy
