#include "proxy/net/task.hpp"
#include "proxy/net/waits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace countersign::proxy {
namespace waits_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using time = wait_queue::clock::time_point;

struct woken {
    std::string who;
    io_error how;
    bool operator==(const woken&) const = default;
};
using journal = std::vector<woken>;

void PrintTo(const woken& w, std::ostream* out) {
    *out << w.who << ": " << to_string(w.how);
}

detached wait_once(wait_queue& q, time until, std::string who, journal& j) {
    const io_error e = co_await q.wait_until(until);
    j.push_back({who, e});
}

detached wait_twice(wait_queue& q, time until, std::string who, journal& j) {
    const io_error first = co_await q.wait_until(until);
    j.push_back({who, first});
    const io_error second = co_await q.wait_until(until);
    j.push_back({who, second});
}

constexpr time start{};

TEST(WaitQueue, WakesAllInTheirOrder) {
    wait_queue q;
    journal j;
    q.wake_all();
    for (const char* who : {"a", "b", "c"})
        wait_once(q, start + 1s, who, j);
    EXPECT_TRUE(j.empty());
    q.wake_all();
    EXPECT_THAT(j, ElementsAre(woken{"a", io_error::none}, woken{"b", io_error::none}, woken{"c", io_error::none}));
    q.wake_all();
    EXPECT_EQ(j.size(), 3u);
}

TEST(WaitQueue, SaysWhyItWakes) {
    wait_queue q;
    journal j;
    wait_once(q, start + 1s, "a", j);
    q.wake_all(io_error::cancelled);
    EXPECT_THAT(j, ElementsAre(woken{"a", io_error::cancelled}));
}

TEST(WaitQueue, LetsOnlyThoseGoWhoseTimeHasCome) {
    wait_queue q;
    journal j;
    wait_once(q, start + 3s, "late", j);
    wait_once(q, start + 1s, "early", j);
    wait_once(q, start + 2s, "middle", j);
    q.expire(start);
    EXPECT_TRUE(j.empty());
    q.expire(start + 1s);
    EXPECT_THAT(j, ElementsAre(woken{"early", io_error::timed_out}));
    wait_once(q, start + 9s, "new", j); // the end of the list is where it was, or where it is now
    q.expire(start + 3s);
    q.wake_all();
    EXPECT_THAT(
        j,
        ElementsAre(
            woken{"early", io_error::timed_out},
            woken{"late", io_error::timed_out},
            woken{"middle", io_error::timed_out},
            woken{"new", io_error::none}
        )
    );
}

TEST(WaitQueue, WakesNobodyTwiceWhoWaitsAgain) {
    wait_queue q;
    journal j;
    wait_twice(q, start + 1s, "a", j);
    wait_once(q, start + 1s, "b", j);
    q.wake_all();
    EXPECT_THAT(j, ElementsAre(woken{"a", io_error::none}, woken{"b", io_error::none}));
    q.expire(start + 1s);
    EXPECT_THAT(
        j, ElementsAre(woken{"a", io_error::none}, woken{"b", io_error::none}, woken{"a", io_error::timed_out})
    );
}

} // namespace waits_test
} // namespace countersign::proxy
