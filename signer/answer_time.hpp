// How long a service itself may take before it answers, where that is longer than services usually do: what its API
// reference says, and some seconds for the way. Pure, no allocation; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace countersign::signer {

// `service` is the signing name, `host` may carry a port, `path` goes without a query, `target` is X-Amz-Target, ""
// when there is none. nullopt: nothing out of the ordinary.
std::optional<std::chrono::seconds> longest_answer(
    std::string_view service, std::string_view host, std::string_view path, std::string_view target
) noexcept;

} // namespace countersign::signer
