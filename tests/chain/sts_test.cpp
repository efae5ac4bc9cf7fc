#include "chain/rfc3339.hpp"
#include "chain/sts.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/imposter.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sts_ask.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace countersign::chain {
namespace sts_test {

using namespace std::chrono_literals;
using tests::form_in;
using tests::sts_error_xml;
using tests::sts_xml;

struct Sts : testing::Test {
    Sts() {
        keys.access_key_id = "AKIDBASE";
        keys.secret_access_key = secret("base-secret");
        role.role_arn = "arn:aws:iam::1:role/path/a";
        outside.respond = [this](const http_ask&) -> http_result {
            if (answers.empty())
                return tests::reply(200, sts_xml("AssumeRole", "ASIA1", outside.time + 1h));
            const auto next = answers.front();
            answers.pop_front();
            return next;
        };
    }
    result<credentials> assume() { return tests::run_task(on, assume_role(outside, place, role, keys)); }
    result<credentials> assume_by_token() {
        return tests::run_task(on, assume_role_with_web_identity(outside, place, identity));
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    sts_place place{"https://sts.eu-west-1.amazonaws.com/", "eu-west-1", "/roots.pem"};
    credentials keys;
    role_request role;
    web_identity_request identity{"arn:aws:iam::1:role/w", "me", "/token"};
    std::deque<http_result> answers;
};

TEST_F(Sts, AssumesARoleWithAllThatIsSaidAboutIt) {
    keys.session_token = secret("base-token");
    role.session_name = "me@x";
    role.external_id = "e/1";
    role.duration = 900s;
    role.session_policy = R"({"Version":"2012-10-17"})";
    role.tags = {{"team", "a & b"}, {"cost", "1+1=2"}};
    role.transitive_tags = {"team"};
    const auto c = assume();
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->access_key_id, "ASIA1");
    EXPECT_EQ(c->secret_access_key.reveal(), "secret-of-ASIA1");
    EXPECT_EQ(c->session_token.reveal(), "token-of-ASIA1");
    EXPECT_EQ(c->account_id, "123456789012");
    const std::map<std::string, std::string> expected{
        {"Action", "AssumeRole"},
        {"Version", "2011-06-15"},
        {"RoleArn", "arn:aws:iam::1:role/path/a"},
        {"RoleSessionName", "me@x"},
        {"ExternalId", "e/1"},
        {"DurationSeconds", "900"},
        {"Policy", R"({"Version":"2012-10-17"})"},
        {"Tags.member.1.Key", "team"},
        {"Tags.member.1.Value", "a & b"},
        {"Tags.member.2.Key", "cost"},
        {"Tags.member.2.Value", "1+1=2"},
        {"TransitiveTagKeys.member.1", "team"}};
    ASSERT_EQ(outside.asked.size(), 1u);
    const auto& ask = outside.asked[0];
    EXPECT_EQ(form_in(ask), expected);
    EXPECT_EQ(ask.method, "POST");
    EXPECT_EQ(ask.url, "https://sts.eu-west-1.amazonaws.com/");
    EXPECT_EQ(ask.ca_file, "/roots.pem");
    const auto seen = tests::verify_ask(ask, keys, outside.time);
    EXPECT_EQ(seen.what, signer::mismatch::none) << seen.detail;
    EXPECT_EQ(seen.region, "eu-west-1");
    EXPECT_EQ(tests::field_in(ask, "X-Amz-Security-Token"), "base-token");
}

TEST_F(Sts, MakesUpASessionName) {
    ASSERT_TRUE(assume());
    const auto name = form_in(outside.asked[0])["RoleSessionName"];
    EXPECT_EQ(name, "countersign-1795305600") << "2026-11-22T00:00:00Z";
    EXPECT_TRUE(is_session_name(name));
}

TEST_F(Sts, SignsEachAttemptAnew) {
    answers = {
        tests::reply(503, ""),
        tests::reply(400, sts_error_xml("Throttling", "Rate exceeded")),
        tests::reply(200, sts_xml("AssumeRole", "ASIA2", outside.time + 1h))};
    const auto begun = outside.time;
    ASSERT_TRUE(assume());
    ASSERT_EQ(outside.asked.size(), 3u);
    // Half of 50 ms, then half of two seconds.
    EXPECT_EQ(outside.paused, 25ms + 1000ms);
    EXPECT_EQ(tests::verify_ask(outside.asked[0], keys, begun).what, signer::mismatch::none);
    EXPECT_EQ(tests::verify_ask(outside.asked[2], keys, begun + 1025ms).what, signer::mismatch::none);
    EXPECT_NE(tests::field_in(outside.asked[0], "X-Amz-Date"), tests::field_in(outside.asked[2], "X-Amz-Date"));
}

TEST_F(Sts, GivesUpAfterThreeAttempts) {
    for (int i = 0; i < 5; ++i)
        answers.push_back(http_fault{http_stage::connect, "connection: refused"});
    const auto c = assume();
    ASSERT_FALSE(c);
    EXPECT_EQ(outside.asked.size(), 3u);
    EXPECT_EQ(c.error().detail, "AssumeRole (https://sts.eu-west-1.amazonaws.com/): connection: refused");
}

TEST_F(Sts, TellsWhatStsSaidAndDoesNotInsist) {
    answers = {tests::reply(403, sts_error_xml("AccessDenied", "User: arn:x is not authorized"))};
    const auto c = assume();
    ASSERT_FALSE(c);
    EXPECT_EQ(outside.asked.size(), 1u);
    EXPECT_NE(c.error().detail.find("AccessDenied: User: arn:x is not authorized"), std::string::npos);
}

TEST_F(Sts, RefusesExpiredAndUnreadableAnswers) {
    answers = {tests::reply(200, sts_xml("AssumeRole", "ASIA1", outside.time - 1s))};
    EXPECT_NE(assume().error().detail.find("expired"), std::string::npos);
    answers = {tests::reply(200, "<html>")};
    EXPECT_FALSE(assume());
    answers = {
        tests::reply(302, sts_xml("AssumeRole", "ASIA1", outside.time + 1h), {{"Location", secret("http://x/")}})};
    EXPECT_FALSE(assume());
    for (const auto& ask : outside.asked)
        EXPECT_EQ(ask.url, "https://sts.eu-west-1.amazonaws.com/");
}

TEST_F(Sts, SendsTheTokenAsItStandsAndUnsigned) {
    outside.files["/token"] = "eyJ0.a+b/=\n";
    answers = {tests::reply(200, sts_xml("AssumeRoleWithWebIdentity", "ASIAW", outside.time + 1h))};
    const auto c = assume_by_token();
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->access_key_id, "ASIAW");
    const std::map<std::string, std::string> expected{
        {"Action", "AssumeRoleWithWebIdentity"},
        {"Version", "2011-06-15"},
        {"RoleArn", "arn:aws:iam::1:role/w"},
        {"RoleSessionName", "me"},
        {"WebIdentityToken", "eyJ0.a+b/=\n"}};
    EXPECT_EQ(form_in(outside.asked[0]), expected);
    EXPECT_EQ(tests::field_in(outside.asked[0], "Authorization"), "");
}

TEST_F(Sts, ReadsTheTokenAnewForEachCall) {
    for (const auto* token : {"one", "two"}) {
        outside.files["/token"] = token;
        answers = {tests::reply(200, sts_xml("AssumeRoleWithWebIdentity", "ASIAW", outside.time + 1h))};
        ASSERT_TRUE(assume_by_token());
        EXPECT_EQ(form_in(outside.asked.back())["WebIdentityToken"], token);
    }
}

TEST_F(Sts, AsksNobodyWithoutAToken) {
    for (const auto& text : {std::string(), std::string(longest_token_file + 1, 'x')}) {
        outside.files["/token"] = text;
        EXPECT_FALSE(assume_by_token());
    }
    outside.files.clear();
    EXPECT_EQ(assume_by_token().error().detail, "token file /token: no such file");
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Sts, AsksNobodyWithATokenInUtf16) {
    outside.files["/token"] = std::string("e\0y\0J\0", 6);
    const auto c = assume_by_token();
    ASSERT_FALSE(c);
    EXPECT_EQ(c.error().detail, "token file /token: the file is UTF-16 (little-endian): it must be plain UTF-8");
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Sts, RepeatsWhenTheIdentityProviderCouldNotBeAsked) {
    outside.files["/token"] = "t";
    answers = {
        tests::reply(400, sts_error_xml("IDPCommunicationError", "x")),
        tests::reply(200, sts_xml("AssumeRoleWithWebIdentity", "ASIAW", outside.time + 1h))};
    EXPECT_TRUE(assume_by_token());
    for (const auto* final_one : {"InvalidIdentityToken", "ExpiredTokenException"}) {
        outside.asked.clear();
        answers = {tests::reply(400, sts_error_xml(final_one, "x"))};
        EXPECT_FALSE(assume_by_token());
        EXPECT_EQ(outside.asked.size(), 1u) << final_one;
    }
}

TEST_F(Sts, RepeatsWhenItThrottlesAndWaitsAsLongAsItSays) {
    for (const auto& throttled :
         {tests::reply(400, sts_error_xml("Throttling", "Rate exceeded"), {{"Retry-After", secret("2")}}),
          tests::reply(429, "", {{"Retry-After", secret("2")}}),
          tests::reply(503, "", {{"Retry-After", secret("2")}}),
          tests::reply(509, "", {{"Retry-After", secret("2")}})}) {
        outside.asked.clear();
        outside.paused = 0ms;
        answers = {throttled, tests::reply(200, sts_xml("AssumeRole", "ASIA1", outside.time + 1h))};
        EXPECT_TRUE(tests::run_task(on, assume_role(outside, place, role, keys))) << throttled.status;
        EXPECT_EQ(outside.asked.size(), 2u) << throttled.status;
        EXPECT_EQ(outside.paused, 2s) << throttled.status;
    }
}

TEST_F(Sts, GetsASessionWithACode) {
    keys.account_id = "42";
    answers = {tests::reply(200, sts_xml("GetSessionToken", "ASIAS", outside.time + 12h, ""))};
    session_request ask{43200s, "arn:aws:iam::1:mfa/me", secret("123456")};
    const auto c = tests::run_task(on, get_session_token(outside, place, ask, keys));
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->session_token.reveal(), "token-of-ASIAS");
    EXPECT_EQ(c->account_id, "42");
    const std::map<std::string, std::string> expected{
        {"Action", "GetSessionToken"},
        {"Version", "2011-06-15"},
        {"DurationSeconds", "43200"},
        {"SerialNumber", "arn:aws:iam::1:mfa/me"},
        {"TokenCode", "123456"}};
    EXPECT_EQ(form_in(outside.asked[0]), expected);
    EXPECT_EQ(tests::verify_ask(outside.asked[0], keys, outside.time).what, signer::mismatch::none);
}

TEST_F(Sts, GetsNoSessionWithoutTokenOrEnd) {
    auto xml = sts_xml("GetSessionToken", "ASIAS", outside.time + 12h, "");
    xml.replace(xml.find("token-of-ASIAS"), 14, "");
    answers = {tests::reply(200, xml)};
    const auto c = tests::run_task(on, get_session_token(outside, place, session_request{}, keys));
    ASSERT_FALSE(c);
    EXPECT_NE(c.error().detail.find("no SessionToken"), std::string::npos) << c.error().detail;
}

TEST_F(Sts, IsAskedOverARealConnection) {
    tests::imposter endpoint(on);
    endpoint.script(tests::manner::answer, tests::http_text(503, ""));
    endpoint.script(tests::manner::answer, tests::http_text(200, sts_xml("AssumeRole", "ASIA1", outside.time + 1h)));
    outside.network = true;
    place.url = endpoint.url("/sub");
    const auto work = [&]() -> task<result<credentials>> {
        auto c = co_await assume_role(outside, place, role, keys);
        endpoint.close();
        co_return c;
    };
    const auto c = tests::run_task(on, work());
    ASSERT_TRUE(c) << c.error().detail;
    ASSERT_EQ(endpoint.bodies().size(), 2u);
    EXPECT_EQ(endpoint.heads()[1].substr(0, 20), "POST /sub HTTP/1.1\r\n");
    EXPECT_EQ(endpoint.bodies()[1], outside.asked[1].body.reveal());
    EXPECT_EQ(tests::verify_ask(outside.asked[1], keys, outside.time).what, signer::mismatch::none);
}

struct StsPlace : Sts {
    result<sts_place> find() {
        auto merged = merge_profiles({"config", config}, {"credentials", ""});
        EXPECT_TRUE(merged) << merged.error().detail;
        set = *std::move(merged);
        return tests::run_task(on, find_sts(outside, settings, set));
    }
    std::string seen() {
        std::string lines;
        for (const auto& line : look_at_sts(outside, settings, set))
            lines += line + "\n";
        return lines;
    }

    std::string config;
    chain_settings settings;
    profile_set set;
};

TEST_F(StsPlace, TakesTheRegionOfTheEnvironmentBeforeTheProfiles) {
    outside.variables["AWS_CONFIG_FILE"] = "/config";
    config = outside.files["/config"] = "[default]\nregion = eu-north-1\nca_bundle = /own.pem\n";
    EXPECT_EQ(find()->url, "https://sts.eu-north-1.amazonaws.com/");
    EXPECT_EQ(find()->ca_file, "/own.pem");
    outside.variables["AWS_DEFAULT_REGION"] = "us-gov-west-1";
    EXPECT_EQ(find()->region, "us-gov-west-1");
    outside.variables["AWS_REGION"] = "cn-north-1";
    EXPECT_EQ(find()->url, "https://sts.cn-north-1.amazonaws.com.cn/");
    settings.region = "eu-south-2";
    EXPECT_EQ(find()->region, "eu-south-2");
    settings.region = "";
    EXPECT_EQ(
        seen(),
        "STS: https://sts.cn-north-1.amazonaws.com.cn/ (region cn-north-1)\nSTS: signed for cn-north-1 (AWS_REGION)\n"
    );
}

TEST_F(StsPlace, AsksTheInstanceForTheRegionLast) {
    outside.respond = [](const http_ask& a) -> http_result {
        return tests::reply(200, a.method == "PUT" ? "tok" : "eu-south-1");
    };
    EXPECT_EQ(find()->region, "eu-south-1");
    outside.asked.clear();
    EXPECT_NE(seen().find("the instance metadata service is asked"), std::string::npos);
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(StsPlace, AsksAConfiguredAddressAsItStands) {
    outside.variables = {{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL_STS", "http://sts.local:4566/sub/"}};
    EXPECT_EQ(find()->url, "http://sts.local:4566/sub");
    EXPECT_EQ(find()->region, "eu-west-1");
    outside.variables["AWS_ENDPOINT_URL_STS"] = "nonsense";
    EXPECT_NE(seen().find("AWS_ENDPOINT_URL_STS: not an http or https URL"), std::string::npos);
}

} // namespace sts_test
} // namespace countersign::chain
