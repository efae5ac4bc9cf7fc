// Counters of one worker, and their rendering for Prometheus. A worker counts into its own object without locks or
// atomics; for a scrape each worker copies its object on its own thread (by a posted function) and the control thread
// merges and renders the copies. Labels come from bounded sets: beyond `max_series` scopes everything is counted as
// service="other", region="other".
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy {

// Cumulative histogram over fixed bounds, in seconds.
class histogram {
public:
    static constexpr std::array<double, 14> bounds{
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
    void add(std::chrono::nanoseconds value) noexcept;
    void merge(const histogram& other) noexcept;

    std::array<std::uint64_t, bounds.size() + 1> buckets{}; // not cumulative; the last is "more"
    std::uint64_t count = 0;
    double sum = 0;
};

enum class retry_reason : std::uint8_t {
    throttled,
    transient,
    timeout,
    expired_token,
    wrong_region,
    clock_skew,
    count_
};

// Of one service and region. Found once per destination and kept by reference (std::map: references stay).
struct scope_counters {
    std::array<std::uint64_t, 600> requests_by_code{}; // index: status; 0 is "no answer could be sent"
    std::uint64_t first_attempts = 0;
    std::uint64_t throttled = 0; // attempts that the service throttled, whether they were repeated or not
    std::array<std::uint64_t, static_cast<std::size_t>(retry_reason::count_)> retries{};
    std::optional<std::chrono::seconds> clock_offset; // gauge: learned last; nullopt: never
};

struct worker_metrics {
    static constexpr std::size_t max_series = 256;

    scope_counters& of_scope(std::string_view service, std::string_view region);

    std::map<std::pair<std::string, std::string>, scope_counters, std::less<>> scopes;
    histogram request_seconds;
    histogram upstream_seconds; // each attempt: begin of sending to end of the answer's head, or to its failure
    std::uint64_t client_connections_total = 0;
    std::uint64_t upstream_connections_total = 0;
    std::uint64_t client_connections = 0; // gauges
    std::uint64_t upstream_connections = 0;
    std::uint64_t refusals_total = 0;
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
};

// What the control thread adds.
struct credential_gauge {
    std::string identity; // "default"
    std::string provider;
    double expiry_seconds; // from now; +Inf without expiry; negative when expired
};

// Prometheus text exposition format 0.0.4 (through prometheus-cpp's serializer). Names are a contract:
// countersign_requests_total{service,region,code}, countersign_attempts_total{service,reason} (reason "first" for
// first attempts), countersign_throttled_total{service,region}, countersign_request_seconds,
// countersign_upstream_seconds, countersign_credentials_expiry_seconds{identity,provider},
// countersign_clock_offset_seconds{service,region},
// countersign_connections{side="client"|"upstream"}, countersign_connections_opened_total{side},
// countersign_refusals_total, countersign_bytes_total{direction}, countersign_build_info{version},
// process_resident_memory_bytes, process_open_fds, process_cpu_seconds_total.
std::string render_metrics(std::span<const worker_metrics> workers, std::span<const credential_gauge> credentials);

// For people: a line for each service that throttles, or whose clock is not this machine's. "" where all is well.
std::string describe_services(std::span<const worker_metrics> workers);

} // namespace countersign::proxy
