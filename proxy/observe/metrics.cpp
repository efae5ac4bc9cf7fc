#include "proxy/observe/metrics.hpp"

#include <algorithm>

namespace countersign::proxy {

void histogram::add(std::chrono::nanoseconds value) noexcept {
    const double in_seconds = std::chrono::duration<double>(value).count();
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), in_seconds) - bounds.begin();
    ++buckets[static_cast<std::size_t>(bucket)];
    ++count;
    sum += in_seconds;
}

void histogram::merge(const histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        buckets[i] += other.buckets[i];
    }
    count += other.count;
    sum += other.sum;
}

scope_counters& worker_metrics::of_scope(std::string_view service, std::string_view region) {
    std::pair<std::string, std::string> key(service, region);
    if (const auto found = scopes.find(key); found != scopes.end()) {
        return found->second;
    }
    if (scopes.size() >= max_series) {
        key = {"other", "other"};
    }
    return scopes[std::move(key)];
}

} // namespace countersign::proxy
