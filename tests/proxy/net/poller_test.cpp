#include "proxy/net/poller.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

namespace countersign::proxy {
namespace poller_test {

using namespace countersign::tests;

struct two_lines {
    still_worker w;
    service s;
    line one{w, s};
    peer far_one = s.accept();
    line other{w, s};
    peer far_other = s.accept();

    two_lines() { w.settle(); } // both can be written to, which is an event too
};

TEST(Poller, TellsEachConnectionOfItsOwnBytes) {
    two_lines t;
    t.far_other.send("x");
    EXPECT_TRUE(t.w.until([&] { return t.other.unasked == 1; }));
    EXPECT_EQ(t.one.unasked, 0);
    t.far_one.finish();
    EXPECT_TRUE(t.w.until([&] { return t.one.unasked == 1; }));
    EXPECT_TRUE(t.one->hung_up());
    EXPECT_FALSE(t.other->hung_up());
}

// A spawned child may hold the descriptor for a moment longer than we: the system then goes on reporting it.
TEST(Poller, TakesAnEventOfAClosedConnectionForNobodys) {
    two_lines t;
    const int held = ::dup(t.one->socket().descriptor());
    t.one->close();
    line heir(t.w, t.s); // in the same place
    peer far_heir = t.s.accept();
    t.w.settle();
    t.far_one.send("x");
    t.far_other.send("x");
    EXPECT_TRUE(t.w.until([&] { return t.other.unasked == 1; }));
    t.w.settle();
    EXPECT_EQ(heir.unasked, 0);
    EXPECT_FALSE(heir->heard());
    far_heir.send("x");
    EXPECT_TRUE(t.w.until([&] { return heir.unasked == 1; }));
    ::close(held);
}

TEST(Poller, SaysNothingMoreToAConnectionThatItsRoundHasClosed) {
    two_lines t;
    t.one.then = [&] { t.other->close(); };
    t.other.then = [&] { t.one->close(); };
    t.far_one.send("x");
    t.far_other.send("x");
    t.one.await_event();
    t.other.await_event();
    EXPECT_TRUE(t.w.until([&] { return t.one.unasked + t.other.unasked > 0; }));
    t.w.settle();
    EXPECT_EQ(t.one.unasked + t.other.unasked, 1);
}

TEST(Poller, SaysNothingOfTheOldOneToWhoTakesItsPlaceInTheSameRound) {
    two_lines t;
    std::optional<line> heir;
    const auto replace = [&](line& closed) {
        closed->close();
        heir.emplace(t.w, t.s);
    };
    t.one.then = [&] { replace(t.other); };
    t.other.then = [&] { replace(t.one); };
    t.far_one.send("x");
    t.far_other.send("x");
    t.one.await_event();
    t.other.await_event();
    EXPECT_TRUE(t.w.until([&] { return heir.has_value(); }));
    t.w.settle();
    EXPECT_EQ(heir->unasked, 0);
}

TEST(Poller, KnowsAllInARoundOnly) {
    two_lines t;
    const std::uint64_t before = t.w->sockets.round();
    bool knew = false;
    t.one.then = [&] { knew = t.w->sockets.knows_all(); };
    EXPECT_FALSE(t.w->sockets.knows_all());
    t.far_one.send("x");
    EXPECT_TRUE(t.w.until([&] { return t.one.unasked == 1; }));
    EXPECT_TRUE(knew);
    EXPECT_FALSE(t.w->sockets.knows_all());
    EXPECT_GT(t.w->sockets.round(), before);
}

} // namespace poller_test
} // namespace countersign::proxy
