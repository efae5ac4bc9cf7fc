#include "proxy/body/memory.hpp"
#include "proxy/body/source.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <limits>
#include <string>

namespace countersign::proxy::body {
namespace source_test {

detached run_into(task<copied> work, std::optional<copied>& out) {
    const copied c = co_await std::move(work);
    out = c;
}

// Nothing in these tests waits for anybody.
copied run(task<copied> work) {
    std::optional<copied> out;
    run_into(std::move(work), out);
    return out.value();
}

// Gives its pieces one by one, each only after a wait.
class slow_source final : public source {
public:
    explicit slow_source(std::deque<std::string> pieces, io_error end = io_error::none)
        : pieces_(std::move(pieces)), end_(end) {}
    piece next() noexcept override {
        const bool is_last = pieces_.size() <= 1 && end_ == io_error::none;
        const auto then = is_last ? body_relay::state::complete : body_relay::state::more;
        return pieces_.empty() ? piece{{}, {}, {}, 0, then}
                               : piece{{}, pieces_.front(), {}, pieces_.front().size(), then};
    }
    void consume(const piece& p) noexcept override {
        if (p.consumed != 0) {
            pieces_.pop_front();
        }
    }
    bool has_more_at_hand() const noexcept override { return false; }
    task<io_error> wait() override {
        ++waits;
        co_return pieces_.empty() ? end_ : io_error::none;
    }
    io_error fault() const noexcept override { return io_error::malformed; }
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    bool is_replayable() const noexcept override { return false; }
    void rewind() noexcept override {}
    int waits = 0;

private:
    std::deque<std::string> pieces_;
    io_error end_;
};

// Takes `at_once` bytes without waiting, in all, and the rest of each write after a wait.
class narrow_sink final : public sink {
public:
    explicit narrow_sink(std::size_t at_once) : left_(at_once) {}
    std::optional<io_error> try_write(gather& buffers) noexcept override {
        if (broken) {
            return io_error::reset;
        }
        const std::size_t n = std::min(left_, size_of(buffers));
        left_ -= n;
        take(buffers, n);
        return size_of(buffers) == 0 ? std::optional{io_error::none} : std::nullopt;
    }
    task<io_error> finish(gather buffers) override {
        ++waits;
        take(buffers, size_of(buffers));
        co_return io_error::none;
    }
    std::string got;
    int waits = 0;
    bool broken = false;

private:
    void take(gather& buffers, std::size_t n) {
        std::string bytes(n, '\0');
        asio::buffer_copy(asio::buffer(bytes), buffers);
        got += bytes;
        drop_front(buffers, n);
    }
    std::size_t left_;
};

TEST(BodyCopy, PassesEveryByteOnBehindTheHead) {
    slow_source from{{"a", "bc", "def"}};
    narrow_sink to{std::numeric_limits<std::size_t>::max()};
    const copied c = run(copy(from, to, "head:"));
    EXPECT_EQ(c.error, io_error::none);
    EXPECT_EQ(c.failed, failed_side::none);
    EXPECT_EQ(c.content, 6u);
    EXPECT_EQ(to.got, "head:abcdef");
    EXPECT_EQ(from.waits, 2);
}

TEST(BodyCopy, WaitsForASlowReaderBeforeItAsksForMore) {
    slow_source from{{"abc", "def"}};
    narrow_sink to{4};
    EXPECT_EQ(run(copy(from, to, "h")).error, io_error::none);
    EXPECT_EQ(to.got, "habcdef");
    EXPECT_EQ(to.waits, 1);
}

TEST(BodyCopy, TellsWhichSideHasFailed) {
    slow_source short_one{{"abc"}, io_error::truncated};
    narrow_sink to{100};
    const copied c = run(copy(short_one, to, ""));
    EXPECT_EQ(c.failed, failed_side::source);
    EXPECT_EQ(c.error, io_error::truncated);
    EXPECT_EQ(to.got, "abc");

    slow_source from{{"abc"}};
    to.broken = true;
    const copied other = run(copy(from, to, ""));
    EXPECT_EQ(other.failed, failed_side::sink);
    EXPECT_EQ(other.error, io_error::reset);
}

TEST(MemorySource, GivesTheSameAgainWhenItIsRewound) {
    memory_source from{"body"};
    narrow_sink to{100};
    EXPECT_EQ(from.length(), 4u);
    EXPECT_EQ(run(copy(from, to, "")).content, 4u);
    ASSERT_TRUE(from.is_replayable());
    from.rewind();
    EXPECT_EQ(run(copy(from, to, "")).content, 4u);
    EXPECT_EQ(to.got, "bodybody");
}

TEST(MemorySource, SendsAHeadThoughThereIsNoBody) {
    memory_source from{""};
    narrow_sink to{100};
    EXPECT_EQ(run(copy(from, to, "head")).error, io_error::none);
    EXPECT_EQ(to.got, "head");
}

TEST(BodyMemory, CountsWhatAllBodiesHold) {
    std::atomic<std::uint64_t> used = 0;
    const budget b{used, 100};
    {
        memory one, other;
        EXPECT_TRUE(one.reserve(60, b));
        EXPECT_FALSE(other.reserve(50, b)); // and nothing is counted for it
        EXPECT_EQ(used, 60u);
        EXPECT_TRUE(other.reserve(40, b));
        std::memcpy(one.free_space(), "abc", 3);
        one.added(3);
        EXPECT_FALSE(one.reserve(61, b));
        EXPECT_EQ(one.view(), "abc");
        EXPECT_EQ(used, 100u);
    }
    EXPECT_EQ(used, 0u);
}

} // namespace source_test
} // namespace countersign::proxy::body
