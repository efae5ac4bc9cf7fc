#include "proxy/rules/rate_limiter.hpp"

#include <algorithm>

namespace countersign::proxy {

rate_limiter::rate_limiter(const conf::rate& r) noexcept
    : interval_(std::max<clock::duration>(clock::duration{r.per} / std::max(r.count, 1u), clock::duration{1})),
      burst_(clock::duration{r.per}) {}

rate_limiter::turn rate_limiter::reserve(clock::time_point now, clock::duration longest) noexcept {
    const clock::rep time = now.time_since_epoch().count();
    const clock::rep latest = std::min(longest.count(), most_waiting * interval_.count());
    clock::rep full_at = full_at_.load(std::memory_order_relaxed);
    for (;;) {
        const clock::rep after = std::max(full_at, time) + interval_.count();
        const clock::rep wait = std::max<clock::rep>(after - time - burst_.count(), 0);
        if (wait > latest) {
            return {false, clock::duration{wait}};
        }
        if (full_at_.compare_exchange_weak(full_at, after, std::memory_order_relaxed)) {
            return {true, clock::duration{wait}};
        }
    }
}

// Who reserves next shares the moment of the last in line, for which this one has left a request unused.
void rate_limiter::give_back() noexcept {
    full_at_.fetch_sub(interval_.count(), std::memory_order_relaxed);
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
