#include "proxy/sandbox/identity_token.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::proxy::sandbox {
namespace identity_token_test {

// Made with Python's base64: {"iss":"https://idp","sub":"pod?>","exp":1440936060}
constexpr std::string_view claims = "eyJpc3MiOiJodHRwczovL2lkcCIsInN1YiI6InBvZD8-IiwiZXhwIjoxNDQwOTM2MDYwfQ";
constexpr std::string_view header = "eyJhbGciOiJSUzI1NiJ9";

std::string token_of(std::string_view payload) {
    return std::string(header) + "." + std::string(payload) + ".c2ln";
}

TEST(SandboxIdentityToken, ReadsItsClaims) {
    const auto read = read_identity_token(token_of(claims));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->issuer, "https://idp");
    EXPECT_EQ(read->subject, "pod?>");
    EXPECT_EQ(read->expires->time_since_epoch().count(), 1440936060);
}

TEST(SandboxIdentityToken, RefusesWhatIsNone) {
    for (const std::string& text :
         {std::string(),
          std::string("a.b"),
          std::string(claims),
          token_of(""),
          token_of(std::string(claims) + "="),
          token_of(std::string(claims) + "\n"),
          token_of(claims.substr(0, 40)),
          token_of("bm8ganNvbg"),                                 // no json
          token_of("W10"),                                        // []
          token_of("eyJpc3MiOiJhIn0"),                            // {"iss":"a"}
          token_of("eyJpc3MiOiJhIiwic3ViIjoiIn0"),                // {"iss":"a","sub":""}
          token_of("eyJpc3MiOiJhIiwic3ViIjoiYiIsImV4cCI6IjEifQ"), // {"iss":"a","sub":"b","exp":"1"}
          token_of(claims) + "\n",
          token_of(std::string(30000, 'A'))})
        EXPECT_FALSE(read_identity_token(text)) << text;
}

} // namespace identity_token_test
} // namespace countersign::proxy::sandbox
