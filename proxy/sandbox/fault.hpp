// Faults on demand: a caller that writes x-fault=throttle:2 into its query gets throttled twice, then served.
// The parsing is pure; the counter is one thread's. Never faults anything that did not ask for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy::sandbox {

enum class fault_kind : std::uint8_t { throttle, error, status, slow, close, reset, truncate, retry_after };

struct fault {
    fault_kind kind;
    std::optional<unsigned> count;      // how many requests it hits; nullopt: every one
    unsigned status = 0;                // kind status
    std::chrono::milliseconds delay{0}; // kind slow
    std::chrono::seconds wait{0};       // kind retry_after
};

// throttle[:N] error[:N] close[:N] reset[:N] truncate[:N] hit N requests (1, but each one for truncate);
// status:CODE[:N]; slow:500ms[:N] (each one); retry-after:SECONDS[:N]. nullopt: none of these.
std::optional<fault> parse_fault(std::string_view text) noexcept;

inline constexpr std::string_view fault_forms =
    "throttle:N error:N status:CODE:N slow:500ms close:N reset:N truncate retry-after:SECONDS";

// Counts what was faulted already. Bounded: with more than 1024 different requests it starts anew.
class fault_counter {
public:
    // Does `f` hit this request? `request` names it: method, host, path and the fault's own text.
    bool hits(const fault& f, const std::string& request);

private:
    std::map<std::string, unsigned, std::less<>> done_;
};

} // namespace countersign::proxy::sandbox
