#include "proxy/rules/sdk_request.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace countersign::proxy {
namespace sdk_request_test {

std::optional<std::string> next(std::string_view value, unsigned further = 1) {
    const std::vector<field> fields{{"Host", "x"}, {"amz-sdk-request", value}};
    return sdk_request_of(fields, further);
}

TEST(SdkRequest, CountsOurAttemptsOnTopOfTheClients) {
    EXPECT_EQ(next("attempt=1; max=3"), "attempt=2; max=3");
    EXPECT_EQ(next("attempt=1; max=3", 2), "attempt=3; max=3");
    EXPECT_EQ(next("ttl=20261128T120000Z; attempt=2; max=3"), "ttl=20261128T120000Z; attempt=3; max=3");
    EXPECT_EQ(next("attempt=9"), "attempt=10");
    EXPECT_EQ(next("max=10;attempt=1"), "max=10;attempt=2");
}

TEST(SdkRequest, KeepsTheMostAtLeastAtTheAttempt) {
    EXPECT_EQ(next("attempt=3; max=3"), "attempt=4; max=4");
    EXPECT_EQ(next("max=9; attempt=9 ; ttl=x"), "max=10; attempt=10 ; ttl=x");
}

TEST(SdkRequest, LeavesWhatItDoesNotUnderstand) {
    for (const char* value :
         {"",
          "attempt",
          "attempt=",
          "attempt=x; max=3",
          "attempt=1.5",
          "attempt=-1",
          "max=3",
          "attempts=1",
          "attempt=99999999999"})
        EXPECT_EQ(next(value), std::nullopt) << value;
    EXPECT_EQ(next("attempt=1; max=many"), "attempt=2; max=many");
}

TEST(SdkRequest, IsNotAddedAndNotDoubled) {
    const std::vector<field> none{{"Host", "x"}};
    EXPECT_EQ(sdk_request_of(none, 1), std::nullopt);
    const std::vector<field> two{{"Amz-Sdk-Request", "attempt=1"}, {"amz-sdk-request", "attempt=1"}};
    EXPECT_EQ(sdk_request_of(two, 1), std::nullopt);
    const std::vector<field> capitals{{"Amz-Sdk-Request", "attempt=1"}};
    EXPECT_EQ(sdk_request_of(capitals, 1), "attempt=2");
}

} // namespace sdk_request_test
} // namespace countersign::proxy
