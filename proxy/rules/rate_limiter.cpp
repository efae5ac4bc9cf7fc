#include "proxy/rules/rate_limiter.hpp"

#include <algorithm>

namespace countersign::proxy {

rate_limiter::rate_limiter(const conf::rate& r) noexcept
    : interval_(std::max<clock::duration>(clock::duration{r.per} / std::max(r.count, 1u), clock::duration{1})),
      burst_(clock::duration{r.per}) {}

std::optional<rate_limiter::clock::duration> rate_limiter::take(clock::time_point now) noexcept {
    const clock::rep time = now.time_since_epoch().count();
    clock::rep full_at = full_at_.load(std::memory_order_relaxed);
    for (;;) {
        const clock::rep after = std::max(full_at, time) + interval_.count();
        if (after - time > burst_.count()) {
            return clock::duration{after - time - burst_.count()};
        }
        if (full_at_.compare_exchange_weak(full_at, after, std::memory_order_relaxed)) {
            return std::nullopt;
        }
    }
}

std::shared_ptr<rate_limiter> rate_limiters::find(const std::string& of, const conf::rate& r) {
    const std::lock_guard lock{mutex_};
    const std::string name = of + ' ' + std::to_string(r.count) + '/' + std::to_string(r.per.count());
    if (auto known = by_name_[name].lock()) {
        return known;
    }
    std::erase_if(by_name_, [](const auto& entry) { return entry.second.expired(); });
    auto made = std::make_shared<rate_limiter>(r);
    by_name_[name] = made;
    return made;
}

} // namespace countersign::proxy
