// Are there credentials to sign with, now, of an identity? The gate between a request and its signature. An identity is
// a number as conf::identity::number.
#pragma once

#include "proxy/http/refusal.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/watched.hpp"
#include "proxy/rules/healing.hpp"
#include "proxy/rules/signed_as.hpp"

#include <cstddef>
#include <optional>

namespace countersign::proxy {

class worker_state;

// A refusal (503) when there are no credentials, or when they have expired: expired ones are never used. Asked before
// each attempt.
std::optional<refusal> check_credentials(worker_state& w, std::size_t identity);

// What an answer's complaint is judged by (healing.hpp).
known_now known_of(const worker_state& w, std::size_t identity) noexcept;

// Waits only for an identity's very first credentials, at most until `deadline`. A refusal (503) when there are none,
// or when they have expired.
task<std::optional<refusal>> await_credentials(worker_state& w, std::size_t identity, steady_time deadline);

// The service says that the keys have expired with which an attempt was signed: asks for others and waits for them
// until `deadline`. True when there are some. `than` must live until then. A load that began after this was asked and
// brought no others ends the wait: their source has nothing better. One that was under way already says nothing, and
// the source is asked once more.
task<bool> await_other_credentials(worker_state& w, std::size_t identity, const signed_as& than, steady_time deadline);

} // namespace countersign::proxy
