#include "proxy/http/http_date.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace http_date_test {

using namespace std::chrono;
constexpr sys_seconds now = sys_days{year{2026} / 11 / 22} + 12h;
constexpr sys_seconds example = sys_days{year{1994} / 11 / 6} + 8h + 49min + 37s; // of RFC 9110 section 5.6.7

TEST(HttpDate, ReadsAllThreeFormsOfTheRfc) {
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now), example);
    EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), example);
    EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", now), example);
    EXPECT_EQ(parse_http_date("Wed Nov 16 00:00:00 1994", now), sys_days{year{1994} / 11 / 16});
}

TEST(HttpDate, TakesTheNearestCenturyForTwoDigits) {
    EXPECT_EQ(parse_http_date("Friday, 01-Jan-76 00:00:00 GMT", now), sys_days{year{2076} / 1 / 1});
    EXPECT_EQ(parse_http_date("Friday, 01-Jan-77 00:00:00 GMT", now), sys_days{year{1977} / 1 / 1});
    EXPECT_EQ(parse_http_date("Friday, 01-Jan-26 00:00:00 GMT", now), sys_days{year{2026} / 1 / 1});
    const sys_seconds at_the_end = sys_days{year{2099} / 6 / 1};
    EXPECT_EQ(parse_http_date("Friday, 01-Jan-01 00:00:00 GMT", at_the_end), sys_days{year{2101} / 1 / 1});
}

TEST(HttpDate, RefusesEverythingElse) {
    for (const char* text :
         {"",
          "Sun",
          "Sun,",
          "Sun, ",
          "120",
          "Sun, 06 Nov 1994 08:49:37",
          "Sun, 06 Nov 1994 08:49:37 UTC",
          "Sun, 06 Nov 1994 08:49:37 GMT ",
          "Sun, 31 Feb 1994 08:49:37 GMT",
          "Sun, 00 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 24:00:00 GMT",
          "Sun, 06 Nov 1994 08:60:00 GMT",
          "Sun, 06 nov 1994 08:49:37 GMT",
          "Sun, 6 Nov 1994 08:49:37 GMT",
          "Sun Nov 6 08:49:37 1994",
          "Sunday, 06-Nov-1994 08:49:37 GMT",
          "Sun, 06-Nov 1994 08:49:37 GMT",
          "Su, 06 Nov 1994 08:49:37 GMT",
          "Sun Nov  6 08:49:37 19941"})
        EXPECT_EQ(parse_http_date(text, now), std::nullopt) << text;
}

TEST(HttpDate, SurvivesEveryTruncation) {
    for (std::string_view text :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
        for (std::size_t n = 0; n < text.size(); ++n)
            EXPECT_EQ(parse_http_date(text.substr(0, n), now), std::nullopt) << text.substr(0, n);
}

} // namespace http_date_test
} // namespace countersign::proxy
