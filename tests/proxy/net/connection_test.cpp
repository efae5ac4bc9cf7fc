#include "proxy/net/connection.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace connection_test {

using namespace countersign::tests;

struct one_line {
    still_worker w;
    service s;
    line near{w, s};
    peer far = s.accept();

    one_line() { w.settle(); }
    outcome_of_io read() {
        outcome_of_io out;
        tests::read(near, out);
        EXPECT_TRUE(w.until([&] { return out.is_done(); }));
        return out;
    }
};

TEST(Connection, ReadsWhatComesAndThenTheEnd) {
    one_line l;
    outcome_of_io first;
    tests::read(l.near, first);
    EXPECT_FALSE(first.is_done());
    l.far.send("hello");
    EXPECT_TRUE(l.w.until([&] { return first.is_done(); }));
    EXPECT_EQ(first.error, io_error::none);
    EXPECT_EQ(first.bytes, "hello");
    l.far.finish();
    EXPECT_EQ(l.read().error, io_error::closed);
    EXPECT_EQ(l.read().error, io_error::closed);
    EXPECT_TRUE(l.near->hung_up());
}

TEST(Connection, SaysThatTheOtherSideHasReset) {
    one_line l;
    l.far.reset();
    EXPECT_EQ(l.read().error, io_error::reset);
}

TEST(Connection, WritesAllThoughTheOtherSideReadsLate) {
    one_line l;
    const std::string text(16 << 20, 'x');
    outcome_of_io out;
    tests::write(l.near, text, out);
    EXPECT_FALSE(out.is_done());
    for (std::size_t got = 0; got != text.size(); got += 1 << 16) {
        l.far.receive_bytes(1 << 16);
        l.w.settle();
    }
    EXPECT_TRUE(l.w.until([&] { return out.is_done(); }));
    EXPECT_EQ(out.error, io_error::none);
}

TEST(Connection, EndsWhoWaitsWhenItIsCancelled) {
    one_line l;
    outcome_of_io out;
    tests::read(l.near, out);
    l.near->cancel();
    EXPECT_FALSE(out.is_done());
    l.w->sockets.resume_cancelled();
    EXPECT_EQ(out.error, io_error::cancelled);
}

TEST(Connection, CancelsReaderAndWriter) {
    one_line l;
    outcome_of_io got, written;
    const std::string text(16 << 20, 'x');
    tests::read(l.near, got);
    tests::write(l.near, text, written);
    ASSERT_FALSE(got.is_done() || written.is_done());
    l.near->cancel();
    EXPECT_FALSE(got.is_done() || written.is_done());
    l.w->sockets.resume_cancelled();
    EXPECT_EQ(got.error, io_error::cancelled);
    EXPECT_EQ(written.error, io_error::cancelled);
}

detached await_either(line& l, outcome_of_io& out) {
    const io_error e = co_await l->ready(connection::interest::either);
    out.error = e;
}

TEST(Connection, WaitsForEitherDirection) {
    one_line l;
    const std::string text(16 << 20, 'x');
    gather buffers{asio::buffer(text)};
    EXPECT_FALSE(l.near->try_write(buffers)); // full
    outcome_of_io out;
    await_either(l.near, out);
    EXPECT_FALSE(out.is_done());
    l.far.send("an early answer");
    EXPECT_TRUE(l.w.until([&] { return out.is_done(); }));
    EXPECT_EQ(out.error, io_error::none);
    EXPECT_TRUE(l.near->is_readable());
}

TEST(Connection, IsSilentWhileTheOtherSideIs) {
    one_line l;
    EXPECT_FALSE(l.near->surplus());
    l.near->socket().doubt();
    EXPECT_FALSE(l.near->surplus());
    EXPECT_FALSE(l.near->heard());
}

// Between two rounds the poller has not told yet what has come: only a doubt finds it.
TEST(Connection, FindsSurplusThatNoRoundHasToldWhenItIsInDoubt) {
    one_line l;
    l.far.send("x");
    l.near.await_event();
    EXPECT_FALSE(l.near->surplus());
    l.near->socket().doubt();
    EXPECT_TRUE(l.near->surplus());
}

TEST(Connection, TakesAnEndAndAResetForSurplus) {
    for (void (peer::*ends)() : {&peer::finish, &peer::reset}) {
        one_line l;
        (l.far.*ends)();
        l.near.await_event();
        l.near->socket().doubt();
        EXPECT_TRUE(l.near->surplus());
    }
}

TEST(Connection, HearsWithoutTaking) {
    one_line l;
    l.far.send("x");
    EXPECT_TRUE(l.w.until([&] { return l.near.unasked == 1; }));
    EXPECT_TRUE(l.near->heard());
    EXPECT_EQ(l.read().bytes, "x");
}

TEST(Connection, SaysWhetherAByteHasGone) {
    one_line l;
    outcome_of_io out;
    tests::write(l.near, "x", out);
    EXPECT_EQ(out.error, io_error::none);
    EXPECT_TRUE(l.near->socket().has_sent());
    l.far.receive_bytes(1);
    l.far.reset();
    l.near.await_event();
    tests::write(l.near, "x", out);
    EXPECT_EQ(out.error, io_error::reset);
    EXPECT_FALSE(l.near->socket().has_sent());
}

TEST(Connection, NeitherReadsNorWritesWhenItIsClosed) {
    one_line l;
    l.near->close();
    EXPECT_EQ(l.read().error, io_error::reset);
    outcome_of_io out;
    tests::write(l.near, "x", out);
    EXPECT_EQ(out.error, io_error::reset);
    EXPECT_EQ(l.far.receive_to_end(), "");
}

TEST(Connection, RefusesADescriptorThatCannotBeWatched) {
    one_line l;
    EXPECT_EQ(l.near->adopt_connected(-1), io_error::connect_failed);
    EXPECT_FALSE(l.near->is_open());
}

} // namespace connection_test
} // namespace countersign::proxy
