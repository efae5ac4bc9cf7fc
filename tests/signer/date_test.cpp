#include "signer/date.hpp"

#include <gtest/gtest.h>

namespace countersign::signer {
namespace date_test {

using namespace std::chrono;

TEST(Date, IsWrittenInTheBasicForm) {
    EXPECT_EQ(date_text(sys_days(2013y / 5 / 24)).date(), "20130524T000000Z");
    EXPECT_EQ(date_text(sys_seconds(seconds(0))).date(), "19700101T000000Z");
    EXPECT_EQ(date_text(sys_days(2024y / 2 / 29) + 23h + 59min + 58s).date(), "20240229T235958Z");
    EXPECT_EQ(date_text(sys_days(2024y / 12 / 31) + 1h + 2min + 3s).day(), "20241231");
}

TEST(Date, ComesBackAsItWasWritten) {
    for (long at = 0; at < 4'000'000'000; at += 98'765'432) {
        const sys_seconds when{seconds(at)};
        EXPECT_EQ(parse_date(date_text(when).date()), when);
    }
}

TEST(Date, IsRefusedInEveryOtherForm) {
    for (const std::string_view text :
         {"",
          "20130524",
          "20130524T000000",
          "20130524T000000z",
          "2013-05-24T00:00:00Z",
          "20130524t000000Z",
          "20130230T000000Z",
          "20131301T000000Z",
          "20130524T240000Z",
          "20130524T006000Z",
          "20130524T000060Z",
          "2013052+T000000Z",
          " 0130524T000000Z",
          "20130524T000000Z ",
          "20130500T000000Z"}) {
        EXPECT_FALSE(parse_date(text)) << text;
    }
}

} // namespace date_test
} // namespace countersign::signer
