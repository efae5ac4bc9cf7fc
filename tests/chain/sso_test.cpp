#include "tests/support/profile_machine.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace countersign::chain {
namespace sso_test {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// SHA-1 of "dev" and of the start URL, by sha1sum.
constexpr const char* dev_cache = "/h/.aws/sso/cache/34c6fceca75e456f25e7e99531e2425c6c1de443.json";
constexpr const char* url_cache = "/h/.aws/sso/cache/dace00cba5f8355ec9d274ceb2bcebdfbeed0e12.json";
const std::string profile_text =
    "[default]\nsso_session = dev\nsso_account_id = 123456789012\nsso_role_name = Read+Er\n";
const std::string session_text =
    "[sso-session dev]\nsso_region = us-west-2\nsso_start_url = https://x.awsapps.com/start\n";

struct Sso : profile_machine {
    Sso() {
        config() = profile_text + session_text;
        token("2026-11-22T20:00:00Z");
        outside.respond = [this](const http_ask& ask) {
            if (ask.method == "POST")
                return tests::reply(oidc_status, oidc_body);
            return tests::reply(status, body);
        };
    }
    std::string& token(const std::string& end, const std::string& registration_end = "2027-01-01T00:00:00Z") {
        return outside.files[dev_cache] = R"({"startUrl":"u","accessToken":"old-token","expiresAt":")" + end +
                                          R"(","refreshToken":"old-refresh","clientId":"cid","clientSecret":"csecret",)"
                                          R"("registrationExpiresAt":")" +
                                          registration_end + R"(","unknown":{"a":[1,null]}})";
    }
    std::string bearer(const http_ask& ask) {
        http_reply sent;
        sent.fields = ask.fields;
        return std::string(sent.field("x-amz-sso_bearer_token"));
    }
    unsigned status = 200, oidc_status = 200;
    std::string body = R"({"roleCredentials":{"accessKeyId":"ASIAS","secretAccessKey":"hidden","sessionToken":"tok",)"
                       R"("expiration":1795352400123}})"; // 2026-11-22T13:00:00.123Z
    std::string oidc_body = R"({"accessToken":"new-token","expiresIn":28800,"refreshToken":"new-refresh"})";
};

TEST_F(Sso, ExchangesTheCachedTokenForKeys) {
    const auto c = good();
    EXPECT_EQ(c.access_key_id, "ASIAS");
    EXPECT_EQ(c.session_token.reveal(), "tok");
    EXPECT_EQ(c.account_id, "123456789012");
    EXPECT_EQ(c.expiration, read_rfc3339("2026-11-22T13:00:00Z").value() + 123ms);
    ASSERT_EQ(outside.asked.size(), 1U);
    EXPECT_EQ(
        outside.asked[0].url,
        "https://portal.sso.us-west-2.amazonaws.com/federation/credentials?role_name=Read%2BEr&account_id=123456789012"
    );
    EXPECT_EQ(bearer(outside.asked[0]), "old-token");
}

TEST_F(Sso, RefreshesFiveMinutesEarlyAndWritesBackWhatItDoesNotKnow) {
    token("2026-11-22T12:05:00Z");
    good();
    EXPECT_EQ(outside.asked.size(), 1U) << "five minutes are enough";
    outside.time += 1s;
    good();
    ASSERT_EQ(outside.asked.size(), 3U);
    EXPECT_EQ(outside.asked[1].url, "https://oidc.us-west-2.amazonaws.com/token");
    const boost::json::object question{
        {"grantType", "refresh_token"},
        {"clientId", "cid"},
        {"clientSecret", "csecret"},
        {"refreshToken", "old-refresh"}};
    EXPECT_EQ(boost::json::parse(std::string(outside.asked[1].body.reveal())), question);
    EXPECT_EQ(bearer(outside.asked[2]), "new-token");
    const auto written = boost::json::parse(outside.files[dev_cache]);
    EXPECT_EQ(written.at("accessToken"), "new-token");
    EXPECT_EQ(written.at("refreshToken"), "new-refresh");
    EXPECT_EQ(written.at("expiresAt"), "2026-11-22T20:00:01Z");
    EXPECT_EQ(written.at("clientSecret"), "csecret");
    EXPECT_EQ(written.at("unknown"), boost::json::parse(R"({"a":[1,null]})"));
}

TEST_F(Sso, KeepsTheOldRefreshTokenWhereNoneCame) {
    token("2026-11-22T11:00:00Z");
    oidc_body = R"({"accessToken":"new-token","expiresIn":60})";
    good();
    EXPECT_EQ(boost::json::parse(outside.files[dev_cache]).at("refreshToken"), "old-refresh");
}

TEST_F(Sso, UsesAValidTokenWhoseRefreshFailsAndAsksAgainAfterHalfAMinute) {
    token("2026-11-22T12:04:00Z");
    oidc_status = 400;
    oidc_body = R"({"error":"invalid_grant"})";
    good();
    EXPECT_EQ(outside.asked.size(), 2U);
    EXPECT_EQ(bearer(outside.asked[1]), "old-token");
    outside.time += 29s;
    good();
    EXPECT_EQ(outside.asked.size(), 3U) << "no refresh";
    outside.time += 1s;
    good();
    EXPECT_EQ(outside.asked.size(), 5U);
}

TEST_F(Sso, SaysToLogInWhenTheTokenIsGoneForGood) {
    token("2026-11-22T12:00:00Z");
    oidc_status = 400;
    oidc_body = R"({"error":"invalid_grant","error_description":"revoked"})";
    const auto text = wrong();
    EXPECT_THAT(text, HasSubstr("aws sso login --profile default"));
    EXPECT_THAT(text, HasSubstr("invalid_grant: revoked"));
    EXPECT_THAT(text, HasSubstr(dev_cache));
    EXPECT_THAT(text, Not(HasSubstr("old-")));
    token("2026-11-22T11:00:00Z", "2026-11-22T11:59:59Z");
    EXPECT_THAT(wrong(), HasSubstr("registration expired"));
    outside.files[dev_cache] = R"({"accessToken":"old-token","expiresAt":"2026-11-22T11:00:00Z"})";
    EXPECT_THAT(wrong(), HasSubstr("no refreshToken"));
    EXPECT_EQ(outside.asked.size(), 1U) << "only the first could be refreshed";
}

TEST_F(Sso, RefusesAFileThatIsNoToken) {
    for (const auto* bad :
         {"",
          "{",
          R"({"expiresAt":"2026-11-22T20:00:00Z"})",
          R"({"accessToken":"a\r\nb","expiresAt":"2026-11-22T20:00:00Z"})",
          R"({"accessToken":"abc"})",
          R"({"accessToken":"abc","expiresAt":"2026-11-22"})"}) {
        outside.files[dev_cache] = bad;
        EXPECT_THAT(wrong(), HasSubstr("aws sso login --profile default")) << bad;
    }
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Sso, RefusesAnAnswerOfTheRefreshThatIsNone) {
    for (const auto* bad :
         {"x",
          R"({"expiresIn":60})",
          R"({"accessToken":"a b","expiresIn":60})",
          R"({"accessToken":"abc"})",
          R"({"accessToken":"abc","expiresIn":0})",
          R"({"accessToken":"abc","expiresIn":9223372036854775807})"}) {
        outside.time += 1min;
        const auto before = token("2026-11-22T11:00:00Z");
        oidc_body = bad;
        EXPECT_THAT(wrong(), HasSubstr("aws sso login")) << bad;
        EXPECT_EQ(outside.files[dev_cache], before) << bad;
    }
}

TEST_F(Sso, RemembersANewTokenThatCannotBeWritten) {
    token("2026-11-22T11:00:00Z");
    outside.read_only = true;
    oidc_body = R"({"accessToken":"new-token","expiresIn":3600,"refreshToken":"new-refresh"})";
    good();
    good();
    ASSERT_EQ(outside.asked.size(), 3U) << "one refresh";
    EXPECT_EQ(bearer(outside.asked[2]), "new-token");
    outside.time += 56min;
    body = R"({"roleCredentials":{"accessKeyId":"ASIAS","secretAccessKey":"s","sessionToken":"t",)"
           R"("expiration":1795439000000}})";
    outside.read_only = false;
    good();
    EXPECT_THAT(std::string(outside.asked[3].body.reveal()), HasSubstr("new-refresh"));
    EXPECT_EQ(boost::json::parse(outside.files[dev_cache]).at("accessToken"), "new-token");
    // Somebody logged in: that is newer than what is remembered.
    outside.read_only = true;
    outside.time += 56min;
    good();
    token("2027-11-22T11:00:00Z");
    good();
    EXPECT_EQ(bearer(outside.asked.back()), "old-token");
}

TEST_F(Sso, SaysToLogInWhenTheTokenIsRefused) {
    status = 401;
    body = R"({"message":"Session token not found or invalid",)"
           R"("__type":"com.amazonaws.switchboard.portal#UnauthorizedException"})";
    const auto text = wrong();
    EXPECT_THAT(text, HasSubstr("UnauthorizedException: Session token not found or invalid"));
    EXPECT_THAT(text, HasSubstr("aws sso login --profile default"));
    status = 403;
    body = R"({"message":"No access","__type":"ForbiddenException"})";
    EXPECT_THAT(wrong(), HasSubstr("status 403, ForbiddenException: No access"));
    EXPECT_THAT(wrong(), Not(HasSubstr("aws sso login")));
}

TEST_F(Sso, AsksThreeTimesWhereItMayPass) {
    status = 503;
    wrong();
    EXPECT_EQ(outside.asked.size(), 3U);
}

TEST_F(Sso, PassesThroughThrottlingOfBothServices) {
    token("2026-11-22T12:01:00Z");
    outside.respond = [this](const http_ask& ask) -> http_result {
        if (outside.asked.size() % 2 == 1)
            return tests::reply(429, R"({"message":"slow down"})", {{"Retry-After", secret("2")}});
        return tests::reply(200, ask.method == "POST" ? oidc_body : body);
    };
    EXPECT_EQ(good().access_key_id, "ASIAS");
    EXPECT_EQ(outside.asked.size(), 4U);
    EXPECT_EQ(outside.paused, 4s);
    EXPECT_EQ(bearer(outside.asked.back()), "new-token");
}

TEST_F(Sso, TakesNullAndEmptyForNone) {
    for (const std::string none : {"null", R"("")"}) {
        body = R"({"roleCredentials":{"accessKeyId":"A","secretAccessKey":"hidden","sessionToken":)" + none +
               R"(,"expiration":)" + none + "}}";
        const auto c = good();
        EXPECT_EQ(c.access_key_id, "A");
        EXPECT_TRUE(c.session_token.empty());
        EXPECT_FALSE(c.expiration);
    }
}

TEST_F(Sso, RefusesKeysThatAreNone) {
    const std::string keys = R"("accessKeyId":"A","secretAccessKey":"hidden")";
    for (const std::string& members :
         {std::string(),
          keys + R"(,"sessionToken":"t")",
          keys + R"(,"sessionToken":"t","expiration":"1795352400123")",
          keys + R"(,"sessionToken":"t","expiration":1795348800000)",
          keys + R"(,"sessionToken":"t","expiration":9223372036854775807)",
          keys + R"(,"expiration":1795352400123)"}) {
        body = "{\"roleCredentials\":{" + members + "}}";
        const auto text = wrong();
        EXPECT_THAT(text, HasSubstr("GetRoleCredentials")) << members;
        EXPECT_THAT(text, Not(HasSubstr("hidden"))) << members;
    }
    for (const auto* bad : {"[]", "{}", R"({"roleCredentials":[]})"}) {
        body = bad;
        const auto text = wrong();
        EXPECT_THAT(text, HasSubstr("GetRoleCredentials")) << bad;
        EXPECT_THAT(text, Not(HasSubstr("hidden"))) << bad;
    }
}

TEST_F(Sso, ReadsTheLegacyFormAndNeverRefreshesIt) {
    config() = "[default]\nsso_start_url = https://ssotest.awsapps.com/start\nsso_region = us-east-2\n"
               "sso_account_id = 1\nsso_role_name = R\n";
    outside.files[url_cache] = token("2026-11-22T12:00:01Z");
    good();
    ASSERT_EQ(outside.asked.size(), 1U);
    EXPECT_THAT(outside.asked[0].url, HasSubstr("https://portal.sso.us-east-2.amazonaws.com/"));
    outside.time += 1s;
    EXPECT_THAT(wrong(), HasSubstr("aws sso login --profile default"));
    EXPECT_EQ(outside.asked.size(), 1U);
}

TEST_F(Sso, SaysWhatIsWrongInTheFiles) {
    const auto says = [&](const std::string& text, const std::string& what) {
        config() = text;
        EXPECT_THAT(wrong(), HasSubstr(what)) << text;
    };
    says(profile_text, "no section [sso-session dev]");
    says(profile_text + "[sso-session dev]\nsso_region = r\n", "has no sso_start_url");
    says(profile_text + "[sso-session dev]\nsso_start_url = u\n", "has no sso_region");
    says(profile_text + "[sso-session dev]\nsso_region = a/b\nsso_start_url = u\n", "a/b is no region");
    says(profile_text + "sso_region = eu-west-1\n" + session_text, "sso_region (/h/.aws/config:5) differs");
    says(profile_text + "sso_start_url = https://y\n" + session_text, "sso_start_url (/h/.aws/config:5) differs");
    says("[default]\nsso_account_id = 1\nsso_role_name = R\nsso_region = us-east-1\n", "sso_start_url");
    says("[default]\nsso_account_id = 1\nsso_role_name = R\nsso_start_url = u\n", "sso_region");
    says("[default]\nsso_account_id = 1\nsso_session = dev\n" + session_text, "sso_role_name");
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Sso, TakesTheSameRegionInBothPlaces) {
    config() = profile_text + "sso_region = us-west-2\nsso_start_url = https://x.awsapps.com/start\n" + session_text;
    good();
}

TEST_F(Sso, IsNotMineWithoutAccountAndRole) {
    config() = "[default]\nsso_session = dev\n" + session_text;
    EXPECT_TRUE(std::holds_alternative<not_mine>(fetch()));
}

TEST_F(Sso, IsSeenWithoutItsToken) {
    const auto lines = seen();
    EXPECT_THAT(lines, HasSubstr(std::string(dev_cache) + ": token until 2026-11-22T20:00:00Z, can be refreshed"));
    EXPECT_THAT(lines, HasSubstr("https://portal.sso.us-west-2.amazonaws.com"));
    EXPECT_THAT(lines, HasSubstr("https://oidc.us-west-2.amazonaws.com"));
    EXPECT_THAT(lines, Not(HasSubstr("old-")));
    EXPECT_THAT(lines, Not(HasSubstr("csecret")));
    EXPECT_TRUE(outside.asked.empty());
    outside.files.erase(dev_cache);
    EXPECT_THAT(seen(), HasSubstr("no such file"));
}

TEST_F(Sso, AsksTheConfiguredAddresses) {
    outside.variables["AWS_ENDPOINT_URL_SSO"] = "http://127.0.0.1:9";
    outside.variables["AWS_ENDPOINT_URL_SSO_OIDC"] = "http://127.0.0.1:8/";
    token("2026-11-22T11:00:00Z");
    good();
    ASSERT_EQ(outside.asked.size(), 2U);
    EXPECT_EQ(outside.asked[0].url, "http://127.0.0.1:8/token");
    EXPECT_THAT(outside.asked[1].url, HasSubstr("http://127.0.0.1:9/federation/credentials?"));
}

} // namespace sso_test
} // namespace countersign::chain
