#include "chain/profile_choice.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace profile_choice_test {

struct ProfileChoice : testing::Test {
    boost::asio::io_context on{1};
    tests::fake_world outside{on};
};

TEST_F(ProfileChoice, IsTheOneThatIsNamed) {
    EXPECT_EQ(selected_profile(outside, {}), "default");
    outside.variables["AWS_DEFAULT_PROFILE"] = "b";
    EXPECT_EQ(selected_profile(outside, {}), "b");
    outside.variables["AWS_PROFILE"] = "a";
    EXPECT_EQ(selected_profile(outside, {}), "a");
    chain_settings named;
    named.profile = "c";
    EXPECT_EQ(selected_profile(outside, named), "c");
    EXPECT_EQ(choose_profile(outside, named).named_by, "named explicitly");
    EXPECT_EQ(choose_profile(outside, {}).named_by, "AWS_PROFILE");
    outside.variables = {{"AWS_PROFILE", ""}};
    EXPECT_EQ(choose_profile(outside, {}).named_by, "");
    EXPECT_EQ(selected_profile(outside, {}), "default");
    outside.variables = {{"AWS_PROFILE", " "}}; // as for botocore, a name that nobody has
    EXPECT_EQ(choose_profile(outside, {}).named_by, "AWS_PROFILE");
    EXPECT_EQ(selected_profile(outside, {}), " ");
}

// As for the AWS CLI 2, the SDK for Go and AWS's documents; boto3 has it the other way round.
TEST_F(ProfileChoice, TakesAwsProfileWhereBothVariablesNameOne) {
    outside.variables = {{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_PROFILE", "b"}};
    EXPECT_EQ(selected_profile(outside, {}), "a");
    EXPECT_EQ(choose_profile(outside, {}).passed_over, "AWS_DEFAULT_PROFILE = b");
    outside.variables["AWS_DEFAULT_PROFILE"] = " a ";
    EXPECT_EQ(choose_profile(outside, {}).passed_over, "");
    outside.variables["AWS_DEFAULT_PROFILE"] = "";
    EXPECT_EQ(choose_profile(outside, {}).passed_over, "");
    outside.variables = {{"AWS_DEFAULT_PROFILE", "b"}};
    EXPECT_EQ(choose_profile(outside, {}).passed_over, "");
}

std::string missing(std::string_view config, std::string_view name, std::string_view keys = "") {
    const auto set = merge_profiles({"config", config}, {"credentials", keys});
    EXPECT_TRUE(set) << set.error().detail;
    const auto wrong = trouble_with({std::string(name), "AWS_PROFILE"}, *set);
    return wrong ? wrong->detail : "";
}

TEST(MissingProfile, IsSaidWithTheNearestName) {
    EXPECT_EQ(
        missing("[profile prod]\n[profile dev]\n", "prod-typo"),
        "there is no profile prod-typo (AWS_PROFILE) in config and credentials; the nearest name is prod"
    );
    EXPECT_EQ(missing("", "x"), "there is no profile x (AWS_PROFILE) in config and credentials");
    EXPECT_EQ(missing("", "default"), "there is no profile default (AWS_PROFILE) in config and credentials");
    EXPECT_EQ(missing("[profile dev]\n", "dve").find("nearest name is dev") != std::string::npos, true);
    EXPECT_EQ(missing("[profile dev]\n", "DEV").find("nearest name is dev") != std::string::npos, true);
    EXPECT_EQ(missing("[profile dev]\n", "production").find("nearest"), std::string::npos);
    EXPECT_EQ(missing("[profile dev]\n", std::string(5000, 'd')).find("nearest"), std::string::npos);
}

TEST(MissingProfile, IsSaidWithTheSectionThatWasMeant) {
    EXPECT_NE(missing("[profile My Mac]\n", "My Mac").find("config:1 has [profile My Mac]"), std::string::npos);
    EXPECT_NE(missing("[dev]\n", "dev").find("config:1 has [dev]"), std::string::npos);
    EXPECT_NE(missing("", "dev", "[profile dev]\n").find("the nearest name is profile dev"), std::string::npos);
    EXPECT_NE(missing("[profile dev\n", "dev").find("config:1: a section without"), std::string::npos);
}

TEST(MissingProfile, IsNoneThatCanBeRead) {
    EXPECT_EQ(missing("[profile dev]\n[profile b]\nnonsense\n", "dev"), "");
    EXPECT_EQ(missing("[profile b]\nnonsense\n", "b"), "profile b: config:2: expected `name = value`");
}

TEST(MissingProfile, MayBeTheDefaultOneUnlessADoubtIsLeft) {
    const auto set = merge_profiles({"config", "[profile b]\nx = 1\n"}, {"credentials", ""});
    EXPECT_FALSE(trouble_with({"default", ""}, *set));
    for (const std::string_view doubtful :
         {"aws_access_key_id = A\n[profile b]\n",
          "[default\n",
          "[profile b]\nnonsense\n",
          "[profile b]\n[profile b]\n"}) {
        const auto broken = merge_profiles({"config", doubtful}, {"credentials", ""});
        EXPECT_TRUE(trouble_with({"default", ""}, *broken)) << doubtful;
    }
}

} // namespace profile_choice_test
} // namespace countersign::chain
