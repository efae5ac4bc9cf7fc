// route.rate_limit: a token bucket of `count` requests that fills evenly within `per`. Whom it has nothing left for may
// reserve a moment to come, in the order of asking, and waits for it by himself. One for all workers and exact over all
// of them; a single atomic, touched only by requests of routes that have a limit. Any thread.
#pragma once

#include "conf/config.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace countersign::proxy {

class rate_limiter {
public:
    using clock = std::chrono::steady_clock;

    explicit rate_limiter(const conf::rate& r) noexcept;

    static constexpr unsigned most_waiting = 1000;

    struct turn {
        bool is_reserved;     // false: it would come later than `longest`, or behind most_waiting others
        clock::duration wait; // until it comes; zero: at once
    };
    turn reserve(clock::time_point now, clock::duration longest) noexcept;
    void give_back() noexcept; // REQUIRES: reserved, and its moment has not come

private:
    clock::duration interval_; // between two requests at the full rate
    clock::duration burst_;    // how far ahead of the clock the bucket may be emptied
    // When the bucket will be full again (GCRA's theoretical arrival time).
    std::atomic<clock::rep> full_at_{clock::duration::min().count()};
};

// The limiters in use, by what they limit: a reload that leaves a route's limit as it was leaves its bucket, too.
class rate_limiters {
public:
    std::shared_ptr<rate_limiter> find(const std::string& of, const conf::rate& r);

private:
    std::mutex mutex_; // taken when a worker meets a destination for the first time, not for each request
    std::map<std::string, std::weak_ptr<rate_limiter>> by_name_;
};

} // namespace countersign::proxy
