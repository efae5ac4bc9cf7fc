// Are there credentials to sign with, now, of the identity that the plan names? The gate between a request and its
// signature. The plan outlives the task.
#pragma once

#include "proxy/refusal.hpp"
#include "proxy/task.hpp"
#include "proxy/watched.hpp"

#include <optional>

namespace countersign::proxy {

class worker;
struct plan;

// A refusal (503) when there are no credentials, or when they have expired: expired ones are never used. Asked before
// each attempt.
std::optional<refusal> check_credentials(worker& w, const plan& p);

// Waits only for an identity's very first credentials, at most until `deadline`. A refusal (503) when there are none,
// or when they have expired.
task<std::optional<refusal>> await_credentials(worker& w, const plan& p, steady_time deadline);

// The service says that the token has expired: asks for new credentials and waits for them until `deadline`. True when
// there are others now than before.
task<bool> await_other_credentials(worker& w, const plan& p, steady_time deadline);

} // namespace countersign::proxy
