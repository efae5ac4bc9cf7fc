// Are there credentials to sign with, now, of an identity? The gate between a request and its signature. An identity is
// a number as conf::identity::number.
#pragma once

#include "proxy/refusal.hpp"
#include "proxy/task.hpp"
#include "proxy/watched.hpp"

#include <cstddef>
#include <optional>

namespace countersign::proxy {

class worker;

// A refusal (503) when there are no credentials, or when they have expired: expired ones are never used. Asked before
// each attempt.
std::optional<refusal> check_credentials(worker& w, std::size_t identity);

// Waits only for an identity's very first credentials, at most until `deadline`. A refusal (503) when there are none,
// or when they have expired.
task<std::optional<refusal>> await_credentials(worker& w, std::size_t identity, steady_time deadline);

// The service says that the token has expired: asks for new credentials and waits for them until `deadline`. True when
// there are others now than before.
task<bool> await_other_credentials(worker& w, std::size_t identity, steady_time deadline);

} // namespace countersign::proxy
