#include "proxy/observe/line_limiter.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace line_limiter_test {

using namespace std::chrono_literals;

constexpr auto warn = spdlog::level::warn;
constexpr auto error = spdlog::level::err;
const line_limiter::time start{1000h};

// How many of that many lines are written.
unsigned admitted(line_limiter& l, std::string_view text, unsigned lines, line_limiter::time now = start) {
    unsigned n = 0;
    for (unsigned i = 0; i < lines; ++i)
        n += l.admit(warn, text, now) ? 1 : 0;
    return n;
}

TEST(LineLimiter, CountsEqualLinesBeyondTheFirst) {
    line_limiter l;
    EXPECT_EQ(admitted(l, "a", 5), 5u);
    EXPECT_EQ(admitted(l, "a", 37), 0u);
    EXPECT_EQ(admitted(l, "b", 1), 1u);
    EXPECT_TRUE(l.admit(error, "a", start)); // another level is another line
    EXPECT_TRUE(l.take_due(start + 9s).empty());
    const auto due = l.take_due(start + 10s);
    ASSERT_EQ(due.size(), 1u);
    EXPECT_EQ(due[0].of, warn);
    EXPECT_EQ(in_words(due[0]), "a (37 more such lines in the last 10 s)");
}

TEST(LineLimiter, StaysShutWhileTheFloodGoesOn) {
    line_limiter l;
    admitted(l, "a", 6);
    EXPECT_EQ(in_words(l.take_due(start + 10s).at(0)), "a (1 more such line in the last 10 s)");
    EXPECT_EQ(admitted(l, "a", 1000, start + 11s), 0u);
    EXPECT_EQ(in_words(l.take_due(start + 20s).at(0)), "a (1000 more such lines in the last 10 s)");
    EXPECT_TRUE(l.take_due(start + 30s).empty()); // a whole window without
    EXPECT_EQ(admitted(l, "a", 6, start + 31s), 5u);
}

TEST(LineLimiter, TakesNumbersForEqualWhereStrangersChooseThem) {
    line_limiter l;
    EXPECT_EQ(admitted(l, "GET b1.s3", 5) + admitted(l, "GET b22.s3", 5), 10u);
    l.expect_strangers();
    EXPECT_EQ(admitted(l, "PUT b1.s3", 3) + admitted(l, "PUT b22.s3", 3), 5u);
    EXPECT_EQ(admitted(l, "PUT b.s3", 1), 1u);
}

TEST(LineLimiter, HoldsSoManyKindsAndNoMore) {
    line_limiter ours;
    line_limiter strangers;
    strangers.expect_strangers();
    unsigned written = 0;
    for (char a = 'a'; a <= 'z'; ++a) {
        for (char b = 'a'; b <= 'z'; ++b) {
            const std::string text{a, b};
            EXPECT_EQ(admitted(ours, text, 1), 1u);
            written += admitted(strangers, text, 1);
        }
    }
    EXPECT_EQ(written, line_limiter::most_kinds - line_limiter::for_errors);
    EXPECT_TRUE(strangers.admit(error, "an error is not hidden behind them", start));
    EXPECT_TRUE(ours.take_due(start + 10s).empty());
    const auto due = strangers.take_due(start + 10s);
    ASSERT_EQ(due.size(), 1u);
    EXPECT_EQ(in_words(due[0]), fmt::format("{} more lines of other kinds in the last 10 s", 26 * 26 - written));
    EXPECT_TRUE(strangers.take_due(start + 20s).empty());
}

TEST(LineLimiter, KeepsTheBeginningOfALongLine) {
    line_limiter l;
    const std::string text(5000, 'x');
    EXPECT_EQ(admitted(l, text, 7), 5u);
    EXPECT_EQ(
        in_words(l.take_due(start + 10s).at(0)), std::string(512, 'x') + "... (2 more such lines in the last 10 s)"
    );
}

} // namespace line_limiter_test
} // namespace countersign::proxy
