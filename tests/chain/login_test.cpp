#include "tests/support/profile_machine.hpp"
#include "tests/support/proof.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <set>

namespace countersign::chain {
namespace login_test {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// SHA-256 of "arn:aws:sts::012345678910:assumed-role/Admin/admin", by sha256sum.
constexpr const char* session = "arn:aws:sts::012345678910:assumed-role/Admin/admin";
constexpr const char* name = "/4b0ba8f99f075c0633e122fd73346ce203a3faf18ea0310eb2d29df1bab2e255.json";
const std::string cache = std::string("/h/.aws/login/cache") + name;
// Published with the tests of smithy-rs.
const std::string pem = "-----BEGIN EC PRIVATE KEY-----\n"
                        "MHcCAQEEIPt/u8InPLpQeQLJTvVX+sNDzni8vMDMt3Liu+nMBigfoAoGCCqGSM49\n"
                        "AwEHoUQDQgAEILkGG7rNOnxiIJlMgimY1UPP8eDMFP0DAY6WGjngP4bvTAiUCQ/I\n"
                        "ffut2379uP+OBCm2ovGpBOJRgrl1RspUOQ==\n"
                        "-----END EC PRIVATE KEY-----\n";

struct Login : profile_machine {
    Login() {
        config() = std::string("[default]\nlogin_session = ") + session + "\n";
        outside.variables.erase("AWS_REGION");
        outside.variables["AWS_DEFAULT_REGION"] = "us-east-2";
        ends("2026-11-22T13:00:00Z");
        outside.respond = [this](const http_ask&) { return tests::reply(status, body); };
    }
    boost::json::object written() { return boost::json::parse(outside.files[cache]).as_object(); }
    void ends(const std::string& time) {
        const boost::json::object token{
            {"accessKeyId", "AKIDOLD"},
            {"secretAccessKey", "hidden"},
            {"sessionToken", "oldtok"},
            {"accountId", "012345678910"},
            {"expiresAt", time},
            {"more", true}};
        const boost::json::object file{
            {"accessToken", token},
            {"refreshToken", "oldrefresh"},
            {"idToken", "id"},
            {"clientId", "cid"},
            {"dpopKey", pem},
            {"other", 7}};
        outside.files[cache] = boost::json::serialize(file);
    }
    std::string proof_of(const http_ask& ask) {
        http_reply sent;
        sent.fields = ask.fields;
        return std::string(sent.field("DPoP"));
    }
    unsigned status = 200;
    std::string body =
        R"({"accessToken":{"accessKeyId":"AKIDNEW","secretAccessKey":"hidden2","sessionToken":"newtok"},)"
        R"("refreshToken":"newrefresh","expiresIn":900,"tokenType":"aws_sigv4"})";
};

TEST_F(Login, UsesTheCachedKeysWhileMoreThanFiveMinutesRemain) {
    ends("2026-11-22T12:05:01Z");
    const auto c = good();
    EXPECT_EQ(c.access_key_id, "AKIDOLD");
    EXPECT_EQ(c.session_token.reveal(), "oldtok");
    EXPECT_EQ(c.account_id, "012345678910");
    EXPECT_EQ(c.expiration, outside.time + 301s);
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Login, RefreshesWithAProofAndWritesBackWhatItDoesNotKnow) {
    ends("2026-11-22T12:05:00Z");
    const auto c = good();
    EXPECT_EQ(c.access_key_id, "AKIDNEW");
    EXPECT_EQ(c.secret_access_key.reveal(), "hidden2");
    EXPECT_EQ(c.account_id, "012345678910");
    EXPECT_EQ(c.expiration, outside.time + 900s);
    ASSERT_EQ(outside.asked.size(), 1U);
    EXPECT_EQ(outside.asked[0].url, "https://us-east-2.signin.aws.amazon.com/v1/token");
    const auto proof = tests::verify_proof(proof_of(outside.asked[0]), pem);
    EXPECT_EQ(proof.wrong, "");
    EXPECT_EQ(proof.payload.at("htu"), outside.asked[0].url.c_str());
    const boost::json::object question{
        {"clientId", "cid"}, {"refreshToken", "oldrefresh"}, {"grantType", "refresh_token"}};
    EXPECT_EQ(boost::json::parse(std::string(outside.asked[0].body.reveal())), question);
    const boost::json::object token{
        {"accessKeyId", "AKIDNEW"},
        {"secretAccessKey", "hidden2"},
        {"sessionToken", "newtok"},
        {"accountId", "012345678910"},
        {"expiresAt", "2026-11-22T12:15:00Z"},
        {"more", true}};
    const boost::json::object file{
        {"accessToken", token},
        {"refreshToken", "newrefresh"},
        {"idToken", "id"},
        {"clientId", "cid"},
        {"dpopKey", pem},
        {"other", 7},
        {"tokenType", "aws_sigv4"}};
    EXPECT_EQ(written(), file);
}

TEST_F(Login, MakesANewProofForEachAttempt) {
    ends("2020-01-01T00:00:00Z");
    status = 500;
    wrong();
    std::set<std::string> ids;
    for (const auto& ask : outside.asked)
        ids.insert(boost::json::serialize(tests::verify_proof(proof_of(ask), pem).payload.at("jti")));
    EXPECT_EQ(outside.asked.size(), 3U);
    EXPECT_EQ(ids.size(), 3U);
}

TEST_F(Login, PassesThroughThrottling) {
    ends("2020-01-01T00:00:00Z");
    outside.respond = [this](const http_ask&) -> http_result {
        if (outside.asked.size() == 1)
            return tests::reply(
                429, R"({"error":"RATE_LIMITED","message":"slow down"})", {{"Retry-After", secret("2")}}
            );
        return tests::reply(status, body);
    };
    EXPECT_EQ(good().access_key_id, "AKIDNEW");
    EXPECT_EQ(outside.asked.size(), 2U);
    EXPECT_EQ(outside.paused, 2s);
}

TEST_F(Login, SaysWhatToDoWhenItIsRefused) {
    const std::pair<const char*, const char*> reasons[] = {
        {"TOKEN_EXPIRED", "run `aws login --profile default`"},
        {"USER_CREDENTIALS_CHANGED", "run `aws login --profile default`"},
        {"INSUFFICIENT_PERMISSIONS", "signin:CreateOAuth2Token"}};
    ends("2026-11-22T11:00:00Z");
    status = 400;
    for (const auto& [reason, advice] : reasons) {
        outside.time += 1min;
        body = std::string(R"({"__type":"AccessDeniedException","error":")") + reason + R"(","message":"no"})";
        const auto text = wrong();
        EXPECT_THAT(text, HasSubstr(reason));
        EXPECT_THAT(text, HasSubstr(advice));
        EXPECT_THAT(text, Not(HasSubstr("oldrefresh")));
    }
}

TEST_F(Login, UsesValidKeysWhoseRefreshFails) {
    ends("2026-11-22T12:04:00Z");
    status = 400;
    EXPECT_EQ(good().access_key_id, "AKIDOLD");
    EXPECT_EQ(good().access_key_id, "AKIDOLD");
    EXPECT_EQ(outside.asked.size(), 1U) << "not asked again at once";
}

TEST_F(Login, RefusesAnAnswerThatIsNone) {
    ends("2026-11-22T11:00:00Z");
    const auto before = outside.files[cache];
    const std::string token = R"("accessToken":{"accessKeyId":"A","secretAccessKey":"hidden","sessionToken":"t"})";
    for (const auto& bad :
         {std::string("x"),
          std::string(R"({"refreshToken":"r","expiresIn":900})"),
          std::string(R"({"accessToken":{"accessKeyId":"A"},"refreshToken":"r","expiresIn":900})"),
          "{" + token + R"(,"expiresIn":900})",
          "{" + token + R"(,"refreshToken":"r"})",
          "{" + token + R"(,"refreshToken":"r","expiresIn":"900"})",
          "{" + token + R"(,"refreshToken":"r","expiresIn":-1})"}) {
        outside.time += 1min;
        body = bad;
        EXPECT_THAT(wrong(), Not(HasSubstr("hidden"))) << bad;
        EXPECT_EQ(outside.files[cache], before) << bad;
    }
}

TEST_F(Login, RefusesACacheThatLacksSomething) {
    for (const auto* field : {"accessToken", "refreshToken", "clientId", "dpopKey"}) {
        ends("2026-11-22T13:00:00Z");
        auto file = written();
        file.erase(field);
        outside.files[cache] = boost::json::serialize(file);
        const auto text = wrong();
        EXPECT_THAT(text, HasSubstr(std::string("the file has no ") + field));
        EXPECT_THAT(text, HasSubstr("run `aws login --profile default`"));
    }
    for (const auto* field : {"accessKeyId", "secretAccessKey", "sessionToken", "expiresAt"}) {
        ends("2026-11-22T13:00:00Z");
        auto file = written();
        file["accessToken"].as_object().erase(field);
        outside.files[cache] = boost::json::serialize(file);
        EXPECT_THAT(wrong(), HasSubstr("aws login")) << field;
    }
    outside.files[cache] = std::string("\xfe\xff\0{", 4);
    EXPECT_THAT(wrong(), HasSubstr("the file is UTF-16 (big-endian)"));
    outside.files[cache] = "{";
    EXPECT_THAT(wrong(), HasSubstr("no JSON object"));
    outside.files.erase(cache);
    EXPECT_THAT(wrong(), HasSubstr("no such file"));
    ends("2026-11-22T11:00:00Z");
    auto file = written();
    file["dpopKey"] = "hidden";
    outside.files[cache] = boost::json::serialize(file);
    EXPECT_THAT(wrong(), HasSubstr("dpopKey is no P-256 private key"));
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Login, TakesNullAndEmptyForNoTokenButWantsAnEnd) {
    for (const boost::json::value& none : {boost::json::value(nullptr), boost::json::value("")}) {
        ends("2026-11-22T13:00:00Z");
        auto file = written();
        file["accessToken"].as_object()["sessionToken"] = none;
        outside.files[cache] = boost::json::serialize(file);
        EXPECT_TRUE(good().session_token.empty());
        file["accessToken"].as_object()["expiresAt"] = none;
        outside.files[cache] = boost::json::serialize(file);
        EXPECT_THAT(wrong(), HasSubstr("accessToken has no expiresAt"));
    }
}

TEST_F(Login, LooksForTheCacheWhereTheVariableSays) {
    outside.variables["PLACE"] = "/elsewhere";
    outside.variables["AWS_LOGIN_CACHE_DIRECTORY"] = "${PLACE}";
    outside.files[std::string("/elsewhere") + name] = outside.files[cache];
    outside.files.erase(cache);
    good();
}

TEST_F(Login, AsksInTheGivenRegionBeforeAll) {
    ends("2026-11-22T11:00:00Z");
    chain_settings settings;
    settings.region = "eu-south-2";
    source = profile_source(settings);
    good();
    EXPECT_EQ(outside.asked.at(0).url, "https://eu-south-2.signin.aws.amazon.com/v1/token");
}

TEST_F(Login, AsksInTheRegionOfTheEnvironmentThenOfTheProfile) {
    ends("2026-11-22T11:00:00Z");
    outside.variables["AWS_REGION"] = "cn-north-1";
    config() += "region = us-gov-west-1\n";
    good();
    outside.variables.erase("AWS_REGION");
    outside.variables.erase("AWS_DEFAULT_REGION");
    ends("2026-11-22T11:00:00Z");
    outside.time += 1min;
    good();
    ASSERT_EQ(outside.asked.size(), 2U);
    EXPECT_EQ(outside.asked[0].url, "https://cn-north-1.signin.amazonaws.cn/v1/token");
    EXPECT_EQ(outside.asked[1].url, "https://us-gov-west-1.signin.amazonaws-us-gov.com/v1/token");
    config() = std::string("[default]\nlogin_session = ") + session + "\n";
    ends("2026-11-22T11:00:00Z");
    outside.time += 1min;
    EXPECT_THAT(wrong(), HasSubstr("no region is set"));
}

TEST_F(Login, IsSeenWithoutItsSecrets) {
    const auto lines = seen();
    EXPECT_THAT(lines, HasSubstr(cache + ": keys *******"));
    EXPECT_THAT(lines, HasSubstr("until 2026-11-22T13:00:00Z"));
    EXPECT_THAT(lines, HasSubstr("https://us-east-2.signin.aws.amazon.com (region us-east-2)"));
    for (const auto* secret_text : {"hidden", "oldtok", "oldrefresh", "PRIVATE"})
        EXPECT_THAT(lines, Not(HasSubstr(secret_text)));
    EXPECT_TRUE(outside.asked.empty());
}

} // namespace login_test
} // namespace countersign::chain
