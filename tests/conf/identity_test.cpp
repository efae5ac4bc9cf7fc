// [identity.NAME] and the routes that name one.
#include "conf/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::conf {
namespace identity_test {

using testing::HasSubstr;

std::string refusal_of(const std::string& text) {
    try {
        load(text, "f.toml");
    } catch (const error& e) {
        return e.what();
    }
    return "accepted";
}

TEST(Identity, IsReadAndFoundByRoutes) {
    const config c = load(
        R"(
[identity.audit]
role_arn = "arn:aws:iam::123456789012:role/audit"
external_id = "x y"
duration_seconds = 900
session_policy = '''
{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Deny", "Action": "a:* \" ", "Resource": "*"}]
}
'''
tags = {team = "a", cost-centre = "b c"}
[identity.dev]
profile = "dev"
[[route]]
host = "s3.*.amazonaws.com"
identity = "dev"
[[route]]
host = "sqs.*.amazonaws.com"
identity = "audit"
[[route]]
host = "sns.*.amazonaws.com"
identity = "default"
[[route]]
host = "*"
)",
        "f.toml"
    );
    ASSERT_EQ(c.identities.size(), 2u);
    const auto& audit = c.identities[c.identities[0].name == "audit" ? 0 : 1];
    EXPECT_EQ(audit.role_arn, "arn:aws:iam::123456789012:role/audit");
    EXPECT_EQ(audit.external_id, "x y");
    EXPECT_EQ(audit.duration_seconds, 900u);
    EXPECT_EQ(
        audit.session_policy,
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"a:* \" ","Resource":"*"}]})"
    );
    EXPECT_THAT(
        audit.tags, testing::UnorderedElementsAre(testing::Pair("team", "a"), testing::Pair("cost-centre", "b c"))
    );
    EXPECT_EQ(c.identities[c.routes[0].identity_index - 1].name, "dev");
    EXPECT_EQ(c.identities[c.routes[1].identity_index - 1].name, "audit");
    EXPECT_EQ(c.routes[2].identity_index, 0u);
    EXPECT_EQ(c.routes[3].identity_index, 0u);
}

TEST(Identity, MustBeThereForARoute) {
    EXPECT_EQ(
        refusal_of("[identity.audit]\nprofile = \"a\"\n[[route]]\nhost = \"*\"\nidentity = \"adit\"\n"),
        "f.toml:3: there is no [identity.adit]; did you mean audit?"
    );
    EXPECT_EQ(refusal_of("[[route]]\nhost = \"*\"\nidentity = \"x\"\n"), "f.toml:1: there is no [identity.x]");
}

TEST(Identity, NeedsAWayToItsKeys) {
    EXPECT_THAT(
        refusal_of("[identity.a]\nexternal_id = \"x\"\n"), HasSubstr("f.toml:1: identity.a says how to assume")
    );
    EXPECT_THAT(refusal_of("[identity.a]\n"), HasSubstr("f.toml:1: identity.a needs a profile or a role_arn"));
}

TEST(Identity, RefusesWhatStsWouldRefuse) {
    const std::string in_front = "[identity.a]\nrole_arn = \"arn:aws:iam::123456789012:role/r\"\n";
    for (const char* line :
         {"duration_seconds = 899",
          "duration_seconds = 43201",
          "session_policy = \"allow\"",
          "session_policy = '{\"Version\":\"2012-10-17\"}'",
          "session_policy = '{\"Statement\":[]'",
          "session_policy = '[\"Statement\"]'",
          "session_policy = '{\"Statement\":[\"ü\"]}'",
          "role_session_name = \"a b\"",
          "tags = {a = 1}"})
        EXPECT_THAT(refusal_of(in_front + line), HasSubstr("f.toml:3: identity.NAME.")) << line;
    EXPECT_THAT(refusal_of("[identity.a]\nrole_arn = \"role/r\""), HasSubstr("f.toml:2: "));
    EXPECT_THAT(refusal_of("[identity.default]\nprofile = \"a\""), HasSubstr("f.toml:1: identity: a name has"));
    EXPECT_THAT(refusal_of("[identity.\"a b\"]\nprofile = \"a\""), HasSubstr("f.toml:1: identity: a name has"));
    EXPECT_THAT(refusal_of("[identity]\nprofile = \"a\""), HasSubstr("written as [identity.NAME]"));
    EXPECT_THAT(refusal_of("[identity.a]\nprofil = \"a\""), HasSubstr("did you mean identity.NAME.profile?"));
}

TEST(Identity, CountsThePolicyAsStsDoes) {
    const auto policy_of = [](std::size_t size) {
        const std::string frame = R"({"Statement":""})";
        return "[identity.a]\nrole_arn = \"arn:aws:iam::123456789012:role/r\"\nsession_policy = '  " +
               std::string(frame).insert(frame.size() - 2, size - frame.size(), 'x') + "  '";
    };
    EXPECT_EQ(load(policy_of(2048), "f.toml").identities[0].session_policy.size(), 2048u);
    EXPECT_THAT(refusal_of(policy_of(2049)), HasSubstr("at most 2048 characters"));
}

TEST(Identity, HoldsNoSecret) {
    EXPECT_THAT(refusal_of("[identity.a]\nsecret_access_key = \"x\""), HasSubstr("do not belong into this file"));
}

} // namespace identity_test
} // namespace countersign::conf
