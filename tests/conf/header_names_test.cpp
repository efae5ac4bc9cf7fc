// route.sign_headers and route.unsigned_headers.
#include "conf/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace countersign::conf {
namespace header_names_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

config route_with(const std::string& line) {
    return load("[[route]]\nhost = \"*\"\n" + line, "f.toml");
}

std::string refusal_of(const std::string& line) {
    try {
        route_with(line);
        return "accepted";
    } catch (const error& refused) {
        return refused.what();
    }
}

TEST(HeaderNames, AreReadInAnyCaseAndKeptInLowerCase) {
    const config c = route_with("sign_headers = [\"X-Tenant\", \"content-encoding\"]\nunsigned_headers = \"Range\"");
    EXPECT_THAT(c.routes[0].sign_headers, ElementsAre("x-tenant", "content-encoding"));
    EXPECT_THAT(c.routes[0].unsigned_headers, ElementsAre("range"));
    EXPECT_THAT(route_with("").routes[0].sign_headers, IsEmpty());
}

TEST(HeaderNames, CannotBeOfFieldsThatEndAtAHopOrAreSetBySigning) {
    for (const std::string name :
         {"Connection",
          "te",
          "Transfer-Encoding",
          "content-length",
          "via",
          "user-agent",
          "authorization",
          "x-amz-date",
          "x-amzn-trace-id"}) {
        EXPECT_THAT(refusal_of("sign_headers = [\"" + name + "\"]"), HasSubstr("cannot be signed")) << name;
    }
    EXPECT_THAT(
        refusal_of("sign_headers = [\"a\", \"te\"]"), StartsWith("f.toml:3: route.sign_headers: te cannot be signed")
    );
}

TEST(HeaderNames, CannotFreeWhatAwsWantsSigned) {
    for (const std::string name : {"Host", "x-amz-meta-a", "X-Amz-Target"}) {
        EXPECT_THAT(refusal_of("unsigned_headers = [\"" + name + "\"]"), HasSubstr("must be signed")) << name;
    }
    EXPECT_THAT(refusal_of("unsigned_headers = [\"content-type\", \"if-match\"]"), "accepted");
}

TEST(HeaderNames, AreTokens) {
    for (const std::string name : {"a:", "a;b", "a,b", "ä", ""}) {
        EXPECT_NE(refusal_of("sign_headers = [\"" + name + "\"]"), "accepted") << name;
        EXPECT_NE(refusal_of("unsigned_headers = [\"" + name + "\"]"), "accepted") << name;
    }
}

TEST(HeaderNames, CannotStandInBothLists) {
    EXPECT_THAT(
        refusal_of("sign_headers = [\"x-a\", \"x-b\"]\nunsigned_headers = [\"x-b\"]"),
        HasSubstr("x-b stands both in sign_headers and in unsigned_headers")
    );
}

} // namespace header_names_test
} // namespace countersign::conf
