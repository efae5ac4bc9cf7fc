#include "conf/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::conf {
namespace rule_test {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal_of(std::string_view entry) {
    try {
        load("[policy]\ndeny = " + std::string(entry), "f.toml");
    } catch (const error& e) {
        return e.what();
    }
    return "accepted";
}

TEST(Rule, IsAHostGlobOrATable) {
    const config c = load(
        "[policy]\n"
        "allow = [\"*.S3.amazonaws.com\",\n"
        "  {service = \"DynamoDB\", region = \"eu-*\", action = \"dynamodb:Get*\", method = \"POST\"}]\n"
        "deny = {action = \"*:Delete?\", host = \"sqs.*\"}\n"
        "dry_run = true",
        "f.toml"
    );
    ASSERT_EQ(c.policy.allow.size(), 2u);
    EXPECT_EQ(c.policy.allow[0].host, "*.s3.amazonaws.com");
    EXPECT_EQ(c.policy.allow[0].line, 2);
    const rule& second = c.policy.allow[1];
    EXPECT_EQ(second.host, "");
    EXPECT_EQ(second.service, "dynamodb");
    EXPECT_EQ(second.region, "eu-*");
    EXPECT_EQ(second.action_service, "dynamodb");
    EXPECT_EQ(second.action, "get*");
    EXPECT_THAT(second.method, ElementsAre("POST"));
    EXPECT_EQ(second.line, 3);
    ASSERT_EQ(c.policy.deny.size(), 1u);
    EXPECT_EQ(c.policy.deny[0].action_service, "*");
    EXPECT_EQ(c.policy.deny[0].action, "delete?");
    EXPECT_TRUE(c.policy.dry_run);
    EXPECT_FALSE(load("", "f.toml").policy.dry_run); // promise: no live signature in a client's bytes
}

TEST(Rule, TakesAnActionWithoutServiceForEveryService) {
    const config c = load("[policy]\ndeny = [{action = \"CreateUser\"}]", "f.toml");
    EXPECT_EQ(c.policy.deny.at(0).action_service, "");
    EXPECT_EQ(c.policy.deny.at(0).action, "createuser");
}

TEST(Rule, SaysWhatIsWrong) {
    EXPECT_THAT(
        refusal_of("[{acton = \"x:Y\"}]"), HasSubstr("f.toml:2: policy.deny.acton: unknown; did you mean action?")
    );
    EXPECT_THAT(refusal_of("[{}]"), HasSubstr("without a condition"));
    EXPECT_THAT(refusal_of("[{method = \"get\"}]"), HasSubstr("capitals"));
    EXPECT_THAT(refusal_of("[{method = []}]"), HasSubstr("names no method"));
    EXPECT_THAT(refusal_of("[{action = \"sqs:\"}]"), HasSubstr("SERVICE:ACTION"));
    EXPECT_THAT(refusal_of("[{action = \":Delete\"}]"), HasSubstr("SERVICE:ACTION"));
    EXPECT_THAT(refusal_of("[{action = \"sqs:a:b\"}]"), HasSubstr("SERVICE:ACTION"));
    EXPECT_THAT(refusal_of("[{action = \"sqs:Delete Queue\"}]"), HasSubstr("blank"));
    EXPECT_THAT(refusal_of("[{service = \"s3/\"}]"), HasSubstr("wildcards"));
    EXPECT_THAT(refusal_of("[{host = \"a.\"}]"), HasSubstr("host name"));
    EXPECT_THAT(refusal_of("[1]"), HasSubstr("text in quotes"));
}

} // namespace rule_test
} // namespace countersign::conf
