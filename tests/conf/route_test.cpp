#include "conf/route.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::conf {
namespace route_test {

TEST(Glob, MatchesLiteralsWholly) {
    EXPECT_TRUE(glob_matches("s3.amazonaws.com", "s3.amazonaws.com"));
    EXPECT_FALSE(glob_matches("s3.amazonaws.com", "xs3.amazonaws.com"));
    EXPECT_FALSE(glob_matches("s3.amazonaws.com", "s3.amazonaws.com.evil"));
    EXPECT_TRUE(glob_matches("", ""));
    EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Glob, LetsAStarStandForAnyRun) {
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("*", "a.b.c"));
    EXPECT_TRUE(glob_matches("*.amazonaws.com", "a.b.amazonaws.com"));
    EXPECT_FALSE(glob_matches("*.amazonaws.com", "amazonaws.com"));
    EXPECT_TRUE(glob_matches("a*b*c", "aXbXbXc"));
    EXPECT_FALSE(glob_matches("a*b*c", "aXbXbX"));
    EXPECT_TRUE(glob_matches("**a", "a"));
}

TEST(Glob, LetsAQuestionMarkStandForOneCharacter) {
    EXPECT_TRUE(glob_matches("a?c", "a.c"));
    EXPECT_FALSE(glob_matches("a?c", "ac"));
    EXPECT_FALSE(glob_matches("a?c", "abbc"));
    EXPECT_TRUE(glob_matches("*?", "x"));
    EXPECT_FALSE(glob_matches("*?", ""));
}

TEST(Glob, NeedsNoMoreThanTheProductOfTheLengths) {
    // Matchers that try every way to share the text among the stars would not come back from this.
    std::string glob;
    for (int i = 0; i < 60; ++i) {
        glob += "*a";
    }
    EXPECT_FALSE(glob_matches(glob + "b", std::string(4000, 'a')));
}

TEST(Glob, CoversWhatMatchesLess) {
    EXPECT_TRUE(glob_covers("*", "anything.?*"));
    EXPECT_TRUE(glob_covers("*.com", "a.*.com"));
    EXPECT_TRUE(glob_covers("a?c", "abc"));
    EXPECT_TRUE(glob_covers("a?c", "a?c"));
    EXPECT_TRUE(glob_covers("a*", "a?"));
}

TEST(GlobsMeet, WhereOneTextFitsBoth) {
    const auto both_ways = [](std::string_view a, std::string_view b) {
        EXPECT_EQ(globs_meet(a, b), globs_meet(b, a)) << a << ' ' << b;
        return globs_meet(a, b);
    };
    for (const auto& [a, b] : {
             std::pair{"*", "*"},
             {"*", ""},
             {"", "**"},
             {"eu-west-1", "eu-west-1"},
             {"eu-*", "eu-west-1"},
             {"eu-*", "*-1"},
             {"*-west-*", "eu-*"},
             {"a*b", "ab"},
             {"a?c", "*bc"},
             {"?", "?"},
             {"a*a", "aa*"},
         }) {
        EXPECT_TRUE(both_ways(a, b)) << a << ' ' << b;
    }
    for (const auto& [a, b] : {
             std::pair{"", "a"},
             {"", "?"},
             {"eu-*", "us-*"},
             {"a*a", "a"},
             {"*a", "*b"},
             {"a?c", "ac"},
             {"x*", "*y?z"},
         }) {
        EXPECT_EQ(both_ways(a, b), std::string_view(a) == "x*") << a << ' ' << b;
    }
}

TEST(Glob, DoesNotCoverWhatMatchesMore) {
    EXPECT_FALSE(glob_covers("a.*.com", "*.com"));
    EXPECT_FALSE(glob_covers("a?c", "a*c"));
    EXPECT_FALSE(glob_covers("abc", "a?c"));
    EXPECT_FALSE(glob_covers("*.s3.amazonaws.com", "s3.amazonaws.com"));
}

TEST(Route, BeginsAPathByWholeSegments) {
    EXPECT_TRUE(begins_with_segments("/v1", "/v1"));
    EXPECT_TRUE(begins_with_segments("/v1/a", "/v1"));
    EXPECT_TRUE(begins_with_segments("/v1/", "/v1/"));
    EXPECT_FALSE(begins_with_segments("/v10", "/v1"));
    EXPECT_FALSE(begins_with_segments("/v1", "/v1/"));
    EXPECT_FALSE(begins_with_segments("/", "/v1"));
}

} // namespace route_test
} // namespace countersign::conf
