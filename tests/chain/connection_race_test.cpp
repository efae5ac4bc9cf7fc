#include "chain/connection_race.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace connection_race_test {

using namespace std::chrono_literals;

const connection_race::time start{1000h};

TEST(ConnectionRace, GivesEachAddressAHeadStart) {
    connection_race race(3);
    EXPECT_EQ(race.next(start), 0u);
    EXPECT_EQ(race.next(start), std::nullopt);
    EXPECT_EQ(race.next_turn(), start + 250ms);
    EXPECT_EQ(race.next(start + 249ms), std::nullopt);
    EXPECT_EQ(race.next(start + 250ms), 1u);
    EXPECT_EQ(race.next(start + 499ms), std::nullopt);
    EXPECT_EQ(race.next(start + 500ms), 2u);
    EXPECT_EQ(race.next_turn(), std::nullopt);
    EXPECT_EQ(race.next(start + 10h), std::nullopt);
}

TEST(ConnectionRace, GoesOnAtOnceWhenOneHasFailed) {
    connection_race race(3);
    EXPECT_EQ(race.next(start), 0u);
    race.lost();
    EXPECT_EQ(race.next(start + 1ms), 1u);
    EXPECT_EQ(race.next(start + 2ms), std::nullopt);
    EXPECT_EQ(race.next(start + 251ms), 2u);
    race.lost();
    EXPECT_EQ(race.next(start + 251ms), std::nullopt);
}

TEST(ConnectionRace, HasNothingToTryWithoutAddresses) {
    connection_race race(0);
    EXPECT_EQ(race.next(start), std::nullopt);
    EXPECT_EQ(race.next_turn(), std::nullopt);
}

} // namespace connection_race_test
} // namespace countersign::chain
