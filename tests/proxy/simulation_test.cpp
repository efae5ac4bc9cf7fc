// Thousands of scenarios that only their seeds tell apart (support/simulation.hpp). A seed that fails is played alone
// by SIMULATION_SEED=NUMBER tests/run simulation.
#include "tests/proxy/support/simulation.hpp"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace countersign::tests {
namespace simulation_test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t seeds = 2'000;
#else
constexpr std::uint64_t seeds = 10'000;
#endif
constexpr std::uint64_t parts = 8; // that ctest runs side by side

class Simulation : public testing::TestWithParam<std::uint64_t> {
    void SetUp() override { spdlog::set_level(spdlog::level::off); }
};
INSTANTIATE_TEST_SUITE_P(Parts, Simulation, testing::Range(std::uint64_t{0}, parts));

TEST_P(Simulation, HoldsItsPromisesUnderEveryFault) {
    const char* const one = std::getenv("SIMULATION_SEED");
    if (one != nullptr) {
        EXPECT_EQ(simulate(std::strtoull(one, nullptr, 10)), "");
        return;
    }
    for (std::uint64_t seed = GetParam(); seed < seeds; seed += parts) {
        const std::string failure = simulate(seed);
        ASSERT_EQ(failure, "");
    }
}

TEST(Simulation1, IsRepeatable) {
    spdlog::set_level(spdlog::level::off);
    EXPECT_EQ(simulate(4711), simulate(4711));
}

} // namespace simulation_test
} // namespace countersign::tests
