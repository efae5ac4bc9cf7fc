#include "chain/provider.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sts_ask.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace web_identity_test {

using namespace std::chrono_literals;

struct WebIdentity : testing::Test {
    WebIdentity() {
        outside.variables = {
            {"AWS_REGION", "eu-west-1"}, {"AWS_ROLE_ARN", "arn:w"}, {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}};
        outside.files["/t"] = "T0k3n";
        outside.respond = [this](const http_ask& a) -> http_result {
            return tests::reply(200, tests::sts_xml(tests::form_in(a)["Action"], "ASIA1", outside.time + 1h));
        };
    }
    answer fetch(environment_keys rule = environment_keys::count) {
        return tests::run_task(on, web_identity_source(rule, {})->fetch(outside));
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
};

TEST_F(WebIdentity, GivesTheRolesCredentials) {
    outside.variables["AWS_ROLE_SESSION_NAME"] = "me";
    const auto a = fetch();
    const auto* c = std::get_if<credentials>(&a);
    ASSERT_TRUE(c) << std::get<failure>(a).detail;
    EXPECT_EQ(c->access_key_id, "ASIA1");
    EXPECT_EQ(c->provider, "web_identity");
    ASSERT_EQ(outside.asked.size(), 1u);
    EXPECT_EQ(outside.asked[0].url, "https://sts.eu-west-1.amazonaws.com/");
    auto form = tests::form_in(outside.asked[0]);
    EXPECT_EQ(form["RoleArn"], "arn:w");
    EXPECT_EQ(form["RoleSessionName"], "me");
    EXPECT_EQ(form["WebIdentityToken"], "T0k3n");
}

TEST_F(WebIdentity, IsNotMineUnlessBothVariablesAreSet) {
    for (const auto* missing : {"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}) {
        const auto kept = outside.variables;
        outside.variables[missing] = " ";
        EXPECT_TRUE(std::holds_alternative<not_mine>(fetch())) << missing;
        outside.variables = kept;
    }
    EXPECT_TRUE(std::holds_alternative<not_mine>(fetch(environment_keys::overruled)));
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(WebIdentity, FailsWithNamesThatCannotBe) {
    outside.variables["AWS_ROLE_SESSION_NAME"] = "a b";
    EXPECT_NE(std::get<failure>(fetch()).detail.find("AWS_ROLE_SESSION_NAME"), std::string::npos);
    outside.variables.erase("AWS_ROLE_SESSION_NAME");
    outside.variables["AWS_ROLE_ARN"] = "arn:\n";
    EXPECT_NE(std::get<failure>(fetch()).detail.find("AWS_ROLE_ARN"), std::string::npos);
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(WebIdentity, ShowsWhereItLooksAndNoToken) {
    std::string seen;
    const auto s = web_identity_source(environment_keys::count, {})->look(outside);
    for (const auto& line : s.seen)
        seen += line + "\n";
    EXPECT_TRUE(s.configured);
    EXPECT_EQ(
        seen,
        "AWS_WEB_IDENTITY_TOKEN_FILE = /t\n"
        "AWS_ROLE_ARN = arn:w\n"
        "STS: https://sts.eu-west-1.amazonaws.com/ (region eu-west-1)\n"
        "STS: signed for eu-west-1 (AWS_REGION)\n"
    );
}

} // namespace web_identity_test
} // namespace countersign::chain
