// retry.mode = "adaptive": AWS's client-side rate limiter, which does nothing until a service throttles. From then on
// each request waits for a token, and a cubic curve (as TCP's CUBIC) looks for the rate that the service takes. Pure
// but for its state, which belongs to one worker and one upstream scope: not synchronised.
#pragma once

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstdint>

namespace countersign::proxy {

// How fast to send again after a throttling answer. Rates in requests a second, times in seconds.
struct cubic_curve {
    double highest = 0; // the rate that was throttled last
    double throttled_at = 0;

    double rate_at(double now) const noexcept;
    double throttle(double rate, double now) noexcept; // the rate from now on
};

class adaptive_limiter {
public:
    using clock = std::chrono::steady_clock;

    // Somebody's place in line, from the first take that makes him wait to the one that does not. Its end leaves the
    // line. Must not move.
    class place : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
        friend class adaptive_limiter;
        std::uint64_t number_ = 0;
    };

    explicit adaptive_limiter(clock::time_point now) noexcept : began_(now) {}

    // Zero: the request may go, and has taken its token. Else when it is worth asking again, as far as that is known
    // now: the first in line goes first, and rates change.
    clock::duration take(place& p, clock::time_point now) noexcept;
    // How long somebody who came now would wait.
    clock::duration expected_wait(clock::time_point now) noexcept;
    // An attempt has ended, with an answer or without.
    void learn(bool throttled, clock::time_point now) noexcept;

    bool is_on() const noexcept { return is_on_; }
    double measured_rate() const noexcept { return measured_; }
    double fill_rate() const noexcept { return fill_rate_; }

private:
    double since_begin(clock::time_point now) const noexcept;
    void measure(double now) noexcept;
    void refill(double now) noexcept;
    clock::duration wait_behind(std::uint64_t others) const noexcept;

    clock::time_point began_;
    bool is_on_ = false;
    cubic_curve curve_;
    double measured_ = 0; // rate of what was sent
    double bucket_ = 0;   // half a second that is counted
    std::uint64_t count_ = 0;
    double fill_rate_ = 0; // of tokens
    double capacity_ = 1;
    double tokens_ = 0;
    double refilled_at_ = 0;
    boost::intrusive::list<place, boost::intrusive::constant_time_size<false>> line_;
    std::uint64_t next_number_ = 0;
};

} // namespace countersign::proxy
