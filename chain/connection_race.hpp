// Which of several addresses is tried when (Happy Eyeballs, RFC 8305 section 5): one after the other, each with a head
// start, and the next at once when one has failed. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace countersign::chain {

class connection_race {
public:
    using time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds head_start{250};

    explicit connection_race(std::size_t addresses) noexcept : addresses_(addresses) {}

    // The address whose turn it is; it counts as tried from now on. None: its time has not come, or all were tried.
    std::optional<std::size_t> next(time now) noexcept {
        if (tried_ == addresses_ || now < turn_) {
            return std::nullopt;
        }
        turn_ = now + head_start;
        return tried_++;
    }
    // One that was tried has failed.
    void lost() noexcept { turn_ = time::min(); }
    // When next() will have one. None: all were tried.
    std::optional<time> next_turn() const noexcept {
        return tried_ == addresses_ ? std::nullopt : std::optional{turn_};
    }

private:
    std::size_t addresses_;
    std::size_t tried_ = 0;
    time turn_ = time::min();
};

} // namespace countersign::chain
