#include "chain/imds_client.hpp"
#include "chain/provider.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace imds_test {

using namespace std::chrono_literals;
using tests::reply;

// A small metadata service, whose parts the test breaks.
struct Imds : testing::Test {
    Imds() {
        outside.respond = [this](const http_ask& a) { return answer(a); };
    }

    http_result answer(const http_ask& a) {
        if (a.url.ends_with("/latest/api/token"))
            return token();
        if (a.fields.at(0).value.reveal() != "tok" + std::to_string(tokens))
            return reply(401, "");
        if (a.url.ends_with("/security-credentials/"))
            return roles();
        return keys();
    }
    credentials found() {
        auto a = ask();
        if (auto* broken = std::get_if<failure>(&a))
            ADD_FAILURE() << broken->detail;
        if (auto* none = std::get_if<not_mine>(&a))
            ADD_FAILURE() << none->why;
        return std::holds_alternative<credentials>(a) ? std::get<credentials>(a) : credentials{};
    }
    chain::answer ask() { return tests::run_task(on, source->fetch(outside)); }
    std::size_t questions(std::string_view end) const {
        std::size_t count = 0;
        for (const auto& a : outside.asked)
            count += a.url.ends_with(end) ? 1U : 0U;
        return count;
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    std::unique_ptr<provider> source = imds_source({});
    int tokens = 0;
    std::function<http_result()> token = [this]() -> http_result {
        return reply(
            200, "tok" + std::to_string(++tokens), {{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", secret("21600")}}
        );
    };
    std::function<http_result()> roles = []() -> http_result { return reply(200, "my-role"); };
    std::function<http_result()> keys = [this]() -> http_result {
        return reply(200, tests::credential_json("AKID", outside.time + 6h));
    };
};

TEST_F(Imds, GivesTheCredentialsOfTheRole) {
    const auto c = found();
    EXPECT_EQ(c.access_key_id, "AKID");
    EXPECT_EQ(c.provider, "imds");
    ASSERT_EQ(outside.asked.size(), 3u);
    EXPECT_EQ(outside.asked[0].method, "PUT");
    EXPECT_EQ(outside.asked[0].url, "http://169.254.169.254/latest/api/token");
    EXPECT_EQ(outside.asked[0].fields.at(0).value.reveal(), "21600");
    EXPECT_EQ(outside.asked[2].url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role");
}

TEST_F(Imds, KeepsItsTokenForItsLife) {
    found();
    found();
    EXPECT_EQ(tokens, 1);
    outside.time += 21600s - 120s;
    found();
    EXPECT_EQ(tokens, 2);
}

TEST_F(Imds, TakesANewTokenAfterA401) {
    found();
    ++tokens; // the service forgot the old one
    EXPECT_EQ(found().access_key_id, "AKID");
    EXPECT_EQ(tokens, 3);
}

TEST_F(Imds, GivesUpAfterFour401s) {
    roles = [] { return reply(401, ""); };
    EXPECT_TRUE(std::holds_alternative<failure>(ask()));
    EXPECT_EQ(questions("/security-credentials/"), 4u);
}

TEST_F(Imds, IsNotMineWhereNobodyListens) {
    token = [] { return http_fault{http_stage::connect, "connection: no answer in time"}; };
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask()));
    EXPECT_EQ(outside.asked.size(), 1u);
}

TEST_F(Imds, NamesTheHopLimitWhenTheTokenNeverComes) {
    token = [] { return http_fault{http_stage::exchange, "reading: no answer in time", true}; };
    const auto silent = ask();
    ASSERT_TRUE(std::holds_alternative<failure>(silent));
    EXPECT_NE(std::get<failure>(silent).detail.find("HttpPutResponseHopLimit"), std::string::npos);
    const http_fault others[] = {
        {http_stage::connect, "connection: no answer in time", true}, // nobody is there at all
        {http_stage::connect, "connection: refused"},
        {http_stage::exchange, "reading: reset"},
    };
    for (const auto& fault : others) {
        token = [&fault] { return fault; };
        const auto other = ask();
        const auto* broken = std::get_if<failure>(&other);
        const auto& why = broken ? broken->detail : std::get<not_mine>(other).why;
        EXPECT_EQ(why.find("HttpPutResponseHopLimit"), std::string::npos) << why;
    }
}

TEST_F(Imds, JudgesTheAnswerToTheTokenQuestion) {
    struct row {
        http_result reply;
        std::size_t asked;
    };
    for (const row& r : {
             row{reply(403, ""), 1},
             row{reply(400, ""), 1},
             row{reply(404, ""), 1},
             row{reply(405, ""), 1},
             row{reply(302, ""), 1},
             row{reply(408, ""), 4},
             row{reply(429, ""), 4},
             row{reply(500, ""), 4},
             row{http_fault{http_stage::exchange, "x"}, 4},
             row{http_fault{http_stage::too_large, "x"}, 1},
             row{reply(200, ""), 1},
             row{reply(200, "a\r\nb"), 1},
         }) {
        outside.asked.clear();
        token = [&] { return r.reply; };
        EXPECT_TRUE(std::holds_alternative<failure>(ask())) << (r.reply ? r.reply->status : 0);
        EXPECT_EQ(outside.asked.size(), r.asked) << (r.reply ? r.reply->status : 0);
        EXPECT_EQ(questions("/latest/api/token"), outside.asked.size()) << "version 1 was tried";
    }
}

TEST_F(Imds, PassesThroughThrottlingOfEveryQuestion) {
    int answers = 0;
    const auto throttled_first = [&](std::function<http_result()> then) {
        return [&answers, then, first = true]() mutable -> http_result {
            ++answers;
            if (std::exchange(first, false))
                return reply(429, "", {{"Retry-After", secret("2")}});
            return then();
        };
    };
    token = throttled_first(token);
    roles = throttled_first(roles);
    keys = throttled_first(keys);
    EXPECT_EQ(found().access_key_id, "AKID");
    EXPECT_EQ(answers, 6);
    EXPECT_EQ(outside.paused, 6s);
}

TEST_F(Imds, GivesUpWithinALoadsTimeHoweverLongItIsToldToWait) {
    token = [] { return reply(429, "", {{"Retry-After", secret("3600")}}); };
    const auto a = ask();
    ASSERT_TRUE(std::holds_alternative<failure>(a));
    EXPECT_NE(std::get<failure>(a).detail.find("429"), std::string::npos);
    EXPECT_LT(outside.paused, 25s);
}

TEST_F(Imds, IsNotMineWithoutARole) {
    roles = [] { return reply(404, ""); };
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask()));
    roles = [] { return reply(200, ""); };
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask()));
}

TEST_F(Imds, IsBrokenByAnythingElse) {
    for (const unsigned status : {400u, 403u, 500u, 302u}) {
        roles = [&] { return reply(status, ""); };
        EXPECT_TRUE(std::holds_alternative<failure>(ask())) << status;
    }
    roles = [] { return reply(200, "my-role"); };
    for (const unsigned status : {400u, 404u, 500u}) {
        keys = [&] { return reply(status, ""); };
        EXPECT_TRUE(std::holds_alternative<failure>(ask())) << status;
    }
    keys = [] { return reply(200, R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"trust"})"); };
    EXPECT_TRUE(std::holds_alternative<failure>(ask()));
}

TEST_F(Imds, NeverPutsAStrangeRoleNameIntoAPath) {
    for (const auto* name : {"a/../b", "..", "a?b", "a#b", "a b", "a\x01", "a\\b", "%2e%2e", "\xc3\xa4"}) {
        roles = [&] { return reply(200, name); };
        outside.asked.clear();
        EXPECT_TRUE(std::holds_alternative<failure>(ask())) << name;
        EXPECT_LE(outside.asked.size(), 2u) << name;
    }
}

TEST_F(Imds, IsNotAskedWhenDisabled) {
    outside.variables["AWS_EC2_METADATA_DISABLED"] = "True";
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask()));
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Imds, ExtendsExpiredCredentialsOfAnIllService) {
    keys = [this] { return reply(200, tests::credential_json("AKID", outside.time - 1h)); };
    outside.chance = 0.5;
    const auto c = found();
    EXPECT_EQ(*c.expiration, outside.time + 10min + 150s);
    EXPECT_NE(c.notice.find("2026-11-21T23:00:00Z"), std::string::npos) << c.notice;
}

TEST_F(Imds, ExtendsCredentialsThatShouldHaveASuccessorByNow) {
    keys = [this] { return reply(200, tests::credential_json("AKID", outside.time + 4min)); };
    EXPECT_EQ(*found().expiration, outside.time + 10min + 150s);
}

TEST_F(Imds, TakesTheExpiryAsItIsWhileASuccessorMayStillCome) {
    keys = [this] { return reply(200, tests::credential_json("AKID", outside.time + 6min)); };
    const auto c = found();
    EXPECT_EQ(*c.expiration, outside.time + 6min);
    EXPECT_EQ(c.notice, "");
}

TEST_F(Imds, IsLeftInPeaceForThreeMinutesAfterAnExtension) {
    keys = [this] { return reply(200, tests::credential_json("AKID", outside.time - 1h)); };
    const auto first = found();
    const auto asked = outside.asked.size();
    outside.time += 179s;
    EXPECT_EQ(*found().expiration, *first.expiration);
    EXPECT_EQ(outside.asked.size(), asked);
    outside.time += 1s;
    keys = [this] { return reply(200, tests::credential_json("FRESH", outside.time + 6h)); };
    EXPECT_EQ(found().access_key_id, "FRESH");
}

TEST_F(Imds, KeepsTheLastCredentialsAliveWhileTheServiceIsSilent) {
    found();
    token = roles = keys = [] { return http_fault{http_stage::connect, "down"}; };
    outside.time += 1h;
    EXPECT_TRUE(std::holds_alternative<failure>(ask())) << "still valid: whoever has them keeps them";
    outside.time += 6h;
    EXPECT_GT(*found().expiration, outside.time + 9min);
}

TEST(ImdsEndpoint, IsChosenInOrder) {
    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    profile p;
    const auto set = [&](const char* name, const char* value) { p.properties[name].value = secret(value); };
    EXPECT_EQ(*imds_endpoint(outside, nullptr), "http://169.254.169.254");
    set("ec2_metadata_service_endpoint_mode", "IPV6");
    EXPECT_EQ(*imds_endpoint(outside, &p), "http://[fd00:ec2::254]");
    outside.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "ipv4";
    EXPECT_EQ(*imds_endpoint(outside, &p), "http://169.254.169.254");
    set("ec2_metadata_service_endpoint", "http://p:1/");
    EXPECT_EQ(*imds_endpoint(outside, &p), "http://p:1");
    outside.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://e:1/a/";
    EXPECT_EQ(*imds_endpoint(outside, &p), "http://e:1/a");
    outside.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "nonsense";
    EXPECT_FALSE(imds_endpoint(outside, &p));
    outside.variables = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"}};
    EXPECT_FALSE(imds_endpoint(outside, nullptr));
}

} // namespace imds_test
} // namespace countersign::chain
