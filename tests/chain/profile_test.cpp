#include "chain/profile.hpp"
#include "chain/world.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace {

profile_set merged(std::string_view config, std::string_view keys = "") {
    auto set = merge_profiles({"config", config}, {"credentials", keys});
    EXPECT_TRUE(set) << set.error().detail;
    return *std::move(set);
}

std::string value(const profile_set& set, std::string_view name, std::string_view property) {
    const auto* p = set.find(name);
    return p ? std::string(p->value(property)) : "(no profile)";
}

TEST(Profiles, TakePrefixesInTheConfigFileOnly) {
    const auto set = merged(
        "[default]\nx=1\n[profile a]\nx=2\n[b]\nx=3\n[profile\tc]\nx=4\n[profiled]\nx=5\n[profile]\nx=6",
        "[d]\nx=7\n[profile e]\nx=8\n"
    );
    EXPECT_EQ(value(set, "default", "x"), "1");
    EXPECT_EQ(value(set, "a", "x"), "2");
    EXPECT_EQ(value(set, "b", "x"), "(no profile)");
    EXPECT_EQ(value(set, "c", "x"), "4");
    EXPECT_EQ(value(set, "d", "x"), "7");
    EXPECT_EQ(set.profiles.size(), 4u);
    EXPECT_EQ(set.warnings.size(), 4u);
}

TEST(Profiles, PreferThePrefixedDefaultAsAWhole) {
    const auto set = merged("[default]\nx=1\ny=1\n[profile default]\nx=2\n");
    EXPECT_EQ(value(set, "default", "x"), "2");
    EXPECT_EQ(value(set, "default", "y"), "");
}

TEST(Profiles, MergeRepeatedSectionsAndTheLastPropertyWins) {
    const auto set = merged("[profile a]\nx=1\ny=1\n[profile a]\nx=2\n[profile a]\nz=3\n");
    EXPECT_EQ(value(set, "a", "x"), "2");
    EXPECT_EQ(value(set, "a", "y"), "1");
    EXPECT_EQ(value(set, "a", "z"), "3");
}

TEST(Profiles, LetTheCredentialsFileWin) {
    const auto set = merged("[default]\naws_access_key_id=C\nregion=r\n", "[default]\nAWS_ACCESS_KEY_ID=K\n");
    EXPECT_EQ(value(set, "default", "aws_access_key_id"), "K");
    EXPECT_EQ(value(set, "default", "region"), "r");
    EXPECT_EQ(set.find("default")->find("aws_access_key_id")->where, "credentials:2");
    EXPECT_EQ(set.find("default")->find("region")->where, "config:3");
}

TEST(Profiles, KeepSsoSessionsAndServicesApart) {
    const auto set = merged("[sso-session a]\nsso_region=x\n[services b]\nsts =\n  endpoint_url = http://h\n");
    EXPECT_TRUE(set.profiles.empty());
    EXPECT_EQ(set.sso_sessions.at("a").value("sso_region"), "x");
    EXPECT_EQ(set.services.at("b").properties.at("sts").nested.at("endpoint_url").reveal(), "http://h");
}

TEST(Profiles, WarnOfNamesThatCannotBe) {
    const auto set = merged("[profile a b]\nx=1\n[profile a]\nx y=1\nz=2\n");
    ASSERT_EQ(set.warnings.size(), 2u);
    EXPECT_TRUE(set.warnings[0].starts_with("config:1: ")) << set.warnings[0];
    EXPECT_TRUE(set.warnings[1].starts_with("config:4: ")) << set.warnings[1];
    EXPECT_EQ(value(set, "a", "z"), "2");
}

TEST(Profiles, NameTheBrokenFile) {
    const auto set = merge_profiles({"config", ""}, {"credentials", "[a]\nb\n"});
    ASSERT_FALSE(set);
    EXPECT_TRUE(set.error().detail.starts_with("credentials:2: ")) << set.error().detail;
}

struct ProfileFiles : testing::Test {
    boost::asio::io_context on{1};
    tests::fake_world outside{on};
};

TEST_F(ProfileFiles, AreInTheHomeFolder) {
    outside.variables["HOME"] = "/h";
    EXPECT_EQ(profile_files_of(outside).config, "/h/.aws/config");
    EXPECT_EQ(profile_files_of(outside).credentials_file, "/h/.aws/credentials");
}

TEST_F(ProfileFiles, AreWhereTheVariablesSay) {
    outside.variables = {{"HOME", "/h"}, {"AWS_CONFIG_FILE", "~/c"}, {"AWS_SHARED_CREDENTIALS_FILE", "/a/~/k"}};
    EXPECT_EQ(profile_files_of(outside).config, "/h/c");
    EXPECT_EQ(profile_files_of(outside).credentials_file, "/a/~/k");
}

TEST_F(ProfileFiles, AreEmptyWhenMissing) {
    const auto set = read_profiles(outside);
    ASSERT_TRUE(set);
    EXPECT_TRUE(set->profiles.empty());
}

TEST_F(ProfileFiles, AreRefusedWhenHuge) {
    outside.variables["AWS_CONFIG_FILE"] = "/c";
    outside.files["/c"] = std::string(longest_ini_file + 1, '\n');
    EXPECT_FALSE(read_profiles(outside));
}

TEST_F(ProfileFiles, AreReadForTheSelectedProfile) {
    EXPECT_EQ(selected_profile(outside, {}), "default");
    outside.variables["AWS_DEFAULT_PROFILE"] = "b";
    EXPECT_EQ(selected_profile(outside, {}), "b");
    outside.variables["AWS_PROFILE"] = "a";
    EXPECT_EQ(selected_profile(outside, {}), "a");
    chain_settings named;
    named.profile = "c";
    EXPECT_EQ(selected_profile(outside, named), "c");
    outside.variables = {{"AWS_PROFILE", " "}};
    EXPECT_EQ(selected_profile(outside, {}), "default");
}

} // namespace
} // namespace countersign::chain
