#include "proxy/net/clock.hpp"

#include <random>

namespace countersign::proxy {

namespace {

class of_the_system final : public time_source {
public:
    steady_time steady_now() noexcept override { return std::chrono::steady_clock::now(); }
    wall_time wall_now() noexcept override { return std::chrono::system_clock::now(); }
    double chance() noexcept override {
        thread_local std::mt19937_64 random{std::random_device{}()};
        return std::uniform_real_distribution<double>{0, 1}(random);
    }
};

} // namespace

time_source& system_time() noexcept {
    static of_the_system source;
    return source;
}

} // namespace countersign::proxy
