// Are there credentials to sign with, now, of an identity? The gate between a request and its signature. An identity is
// an index as conf::route::identity_index.
#pragma once

#include "conf/config.hpp"
#include "proxy/refusal.hpp"
#include "proxy/task.hpp"
#include "proxy/watched.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace countersign::proxy {

class worker;

// "default", "audit" ...: as the configuration names it. The text is the configuration's.
std::string_view name_of_identity(const conf::config& c, std::size_t identity) noexcept;

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
