#include "proxy/net/alarm.hpp"
#include "proxy/net/task.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace countersign::proxy {
namespace alarm_test {

using namespace std::chrono_literals;

const steady_time start = steady_time{} + 1h;

detached wait(alarm_clock& c, steady_time when, int name, std::vector<int>& rung, alarm** self = nullptr) {
    alarm a{c, when};
    if (self != nullptr) {
        *self = &a;
    }
    co_await a;
    rung.push_back(name);
}

TEST(AlarmClock, RingsInTheOrderOfTheMoments) {
    alarm_clock c;
    std::vector<int> rung;
    wait(c, start + 2s, 2, rung);
    wait(c, start + 1s, 1, rung);
    wait(c, start + 3s, 3, rung);
    EXPECT_EQ(c.next(), start + 1s);
    c.ring(start);
    EXPECT_TRUE(rung.empty());
    c.ring(start + 2s);
    EXPECT_EQ(rung, (std::vector{1, 2}));
    EXPECT_EQ(c.next(), start + 3s);
    c.ring(start + 1h);
    EXPECT_EQ(c.next(), alarm_clock::never);
}

TEST(AlarmClock, TellsWhenThereIsAnEarlierOne) {
    alarm_clock c;
    int told = 0;
    c.on_earlier = [&told] { ++told; };
    std::vector<int> rung;
    wait(c, start + 2s, 2, rung);
    wait(c, start + 3s, 3, rung);
    EXPECT_EQ(told, 1);
    wait(c, start + 1s, 1, rung);
    EXPECT_EQ(told, 2);
    c.ring(steady_time::max());
}

TEST(AlarmClock, RingsACancelledOneAtOnceButNotFromWithin) {
    alarm_clock c;
    std::vector<int> rung;
    alarm* second = nullptr;
    wait(c, start + 1s, 1, rung);
    wait(c, start + 2s, 2, rung, &second);
    second->cancel();
    EXPECT_TRUE(rung.empty());
    c.ring(start);
    EXPECT_EQ(rung, std::vector{2});
    c.ring(steady_time::max());
}

} // namespace alarm_test
} // namespace countersign::proxy
