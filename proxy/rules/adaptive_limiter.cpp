#include "proxy/rules/adaptive_limiter.hpp"

#include <algorithm>
#include <cmath>

namespace countersign::proxy {
namespace {

// The constants of the SDKs.
constexpr double beta = 0.7;  // what is left of a rate that was throttled
constexpr double scale = 0.4; // of the curve
constexpr double smoothing = 0.8;
constexpr double lowest_fill_rate = 0.5;
constexpr double lowest_capacity = 1;

} // namespace

double cubic_curve::rate_at(double now) const noexcept {
    const double back_after = std::cbrt(highest * (1 - beta) / scale); // seconds until it is at the highest again
    return scale * std::pow(now - throttled_at - back_after, 3) + highest;
}

double cubic_curve::throttle(double rate, double now) noexcept {
    highest = rate;
    throttled_at = now;
    return beta * rate;
}

double adaptive_limiter::since_begin(clock::time_point now) const noexcept {
    return std::chrono::duration<double>(now - began_).count();
}

void adaptive_limiter::measure(double now) noexcept {
    const double bucket = std::floor(2 * now) / 2;
    ++count_;
    if (bucket > bucket_) {
        const double rate = static_cast<double>(count_) / (bucket - bucket_);
        measured_ = smoothing * rate + (1 - smoothing) * measured_;
        count_ = 0;
        bucket_ = bucket;
    }
}

void adaptive_limiter::refill(double now) noexcept {
    tokens_ = std::min(capacity_, tokens_ + std::max(0.0, now - refilled_at_) * fill_rate_);
    refilled_at_ = now;
}

void adaptive_limiter::learn(bool throttled, clock::time_point at) noexcept {
    const double now = since_begin(at);
    measure(now);
    double rate = 0;
    if (throttled) {
        rate = curve_.throttle(is_on_ ? std::min(measured_, fill_rate_) : measured_, now);
        is_on_ = true;
    } else {
        rate = curve_.rate_at(now);
    }
    rate = std::min(rate, 2 * measured_);
    refill(now);
    fill_rate_ = std::max(rate, lowest_fill_rate);
    capacity_ = std::max(rate, lowest_capacity);
    tokens_ = std::min(tokens_, capacity_);
}

// In whole milliseconds, so that the token is there when they are over.
adaptive_limiter::clock::duration adaptive_limiter::wait_behind(std::uint64_t others) const noexcept {
    using namespace std::chrono_literals;
    const std::chrono::duration<double> wait{(1 + static_cast<double>(others) - tokens_) / fill_rate_};
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(wait), 1ms);
}

adaptive_limiter::clock::duration adaptive_limiter::take(place& p, clock::time_point now) noexcept {
    if (!is_on_) {
        return {};
    }
    refill(since_begin(now));
    if (!p.is_linked()) {
        p.number_ = next_number_++;
        line_.push_back(p);
    }
    const std::uint64_t before = p.number_ - line_.front().number_; // or fewer, where some have left
    if (before != 0 || tokens_ < 1) {
        return wait_behind(before);
    }
    tokens_ -= 1;
    p.unlink();
    return {};
}

adaptive_limiter::clock::duration adaptive_limiter::expected_wait(clock::time_point now) noexcept {
    if (!is_on_) {
        return {};
    }
    refill(since_begin(now));
    const std::uint64_t before = line_.empty() ? 0 : next_number_ - line_.front().number_;
    return before == 0 && tokens_ >= 1 ? clock::duration{} : wait_behind(before);
}

} // namespace countersign::proxy
