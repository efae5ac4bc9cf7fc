// Time and chance as a worker's requests see them: nothing on a request's way asks the system for either, so that a
// simulation can replace both (tests/proxy/support/simulation.hpp). One clock a worker; not thread-safe.
#pragma once

#include <chrono>

namespace countersign::proxy {

using steady_time = std::chrono::steady_clock::time_point;
using wall_time = std::chrono::system_clock::time_point;

// Where they come from.
class time_source {
public:
    virtual steady_time steady_now() noexcept = 0;
    virtual wall_time wall_now() noexcept = 0;
    virtual double chance() noexcept = 0; // evenly distributed in [0, 1)

protected:
    ~time_source() = default;
};

// The system's clocks, and random numbers of this thread's own.
time_source& system_time() noexcept;

class clock {
public:
    explicit clock(time_source& from) noexcept : from_(from), now_(from.steady_now()) {}

    // The time as of the event under way: read once for each event, not once for each question.
    steady_time now() const noexcept { return now_; }
    void refresh() noexcept { now_ = from_.steady_now(); }

    wall_time wall_now() const noexcept { return from_.wall_now(); } // what signatures are dated with
    double chance() const noexcept { return from_.chance(); }

private:
    time_source& from_;
    steady_time now_;
};

} // namespace countersign::proxy
