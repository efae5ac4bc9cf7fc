#include "chain/profile.hpp"
#include "chain/world.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace profile_test {

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
    EXPECT_EQ(value(set, "e", "x"), "(no profile)");
    EXPECT_EQ(value(set, "profile e", "x"), "8");
    EXPECT_EQ(set.profiles.size(), 5u);
    EXPECT_EQ(set.warnings.size(), 3u);
}

TEST(Profiles, AreFoundByNamesInQuotesAndWithBlanks) {
    const auto set = merged(
        "[profile 'My Mac']\nx=1\n[profile \"my pc\"]\nx=2\n[profile a\\ b]\nx=3\n[profile c d]\nx=4\n"
        "[profile caf\xc3\xa9]\nx=5\n",
        "[My Other]\nx=6\n['q']\nx=7\n"
    );
    EXPECT_EQ(value(set, "My Mac", "x"), "1");
    EXPECT_EQ(value(set, "my pc", "x"), "2");
    EXPECT_EQ(value(set, "a b", "x"), "3");
    EXPECT_EQ(value(set, "c d", "x"), "(no profile)");
    EXPECT_EQ(value(set, "caf\xc3\xa9", "x"), "5");
    EXPECT_EQ(value(set, "My Other", "x"), "6");
    EXPECT_EQ(value(set, "'q'", "x"), "7");
    ASSERT_EQ(set.warnings.size(), 1u);
    EXPECT_TRUE(set.warnings[0].starts_with("config:7: ")) << set.warnings[0];
}

// The role that is asked for stands in a section that cannot be read: the keys beside it must not sign instead.
TEST(Profiles, AreOfNoUseWhereWhoSignsCannotBeRead) {
    const std::string role = "role_arn=arn:aws:iam::123456789012:role/x\nsource_profile=base\n[profile base]\nx=1\n";
    const auto cut = merged("[profile dev\n" + role, "[dev]\naws_access_key_id=A\naws_secret_access_key=s\n");
    EXPECT_NE(cut.find("dev")->fault.find("config:1"), std::string::npos);
    EXPECT_EQ(cut.find("base")->fault, "");
    const auto bare = merged(role, "[default]\naws_access_key_id=A\naws_secret_access_key=s\n");
    EXPECT_NE(bare.find("default")->fault.find("config:1"), std::string::npos);
    EXPECT_EQ(merged("x=1\n", "[default]\ny=1\n").find("default")->fault, ""); // says nothing of who signs
}

TEST(Profiles, PreferATitleThatBotocoreReads) {
    EXPECT_EQ(value(merged("[ profile a ]\nx=1\n[default] # [y]\nx=2"), "a", "x"), "1");
    EXPECT_EQ(value(merged("[ profile a ]\nx=1\n[default] # [y]\nx=2"), "default", "x"), "2");
    const auto set = merged("[ profile a ]\nx=1\ny=1\n[profile a]\nx=2\n", "[ a ]\ny=3\n");
    EXPECT_EQ(value(set, "a", "x"), "2");
    EXPECT_EQ(value(set, "a", "y"), "");
    EXPECT_EQ(set.warnings.size(), 2u);
}

TEST(Profiles, TakeTheLastSectionOfTwoTitlesAsAWhole) {
    const auto set = merged("[default]\nx=1\ny=1\n[profile default]\nx=2\n");
    EXPECT_EQ(value(set, "default", "x"), "2");
    EXPECT_EQ(value(set, "default", "y"), "");
    EXPECT_EQ(value(merged("[profile default]\nx=2\n[default]\nx=1\n"), "default", "x"), "1");
    EXPECT_EQ(value(merged("[profile a]\nx=1\n[profile 'a']\nx=2\n"), "a", "x"), "2");
    EXPECT_EQ(set.warnings.size(), 1u);
}

TEST(Profiles, InheritTheDefaultsOfTheirFile) {
    const auto set = merged("[DEFAULT]\nx=1\ny=1\n[profile a]\nx=2\n", "[b]\nz=3\n");
    EXPECT_EQ(value(set, "a", "x"), "2");
    EXPECT_EQ(value(set, "a", "y"), "1");
    EXPECT_EQ(value(set, "b", "y"), "");
    EXPECT_EQ(value(set, "DEFAULT", "x"), "(no profile)");
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

TEST(Profiles, HaveTheKeysOfOneFile) {
    const std::string config = "[default]\naws_access_key_id=C\naws_secret_access_key=c\naws_session_token=t\n";
    const auto set = merged(config, "[default]\naws_access_key_id=K\naws_secret_access_key=k\n");
    EXPECT_EQ(value(set, "default", "aws_secret_access_key"), "k");
    EXPECT_EQ(value(set, "default", "aws_session_token"), "");
    const auto half = merged(config, "[default]\naws_secret_access_key=k\n");
    EXPECT_EQ(value(half, "default", "aws_access_key_id"), "C");
    EXPECT_EQ(value(half, "default", "aws_secret_access_key"), "c");
    const auto other = merged(config, "[default]\naws_access_key_id=K\n");
    EXPECT_EQ(value(other, "default", "aws_secret_access_key"), "");
}

TEST(Profiles, AreNotUsableWhenTheySayTwiceWhoSigns) {
    const auto set = merged("[profile a]\nrole_arn=x\nrole_arn=y\n[profile b]\naws_access_key_id=A\nregion=r\n[profile "
                            "b]\naws_access_key_id=A\n"
                            "region=s\n[profile c]\nrole_arn =\n  x = y\n");
    EXPECT_TRUE(set.find("a")->fault.starts_with("config:3: role_arn")) << set.find("a")->fault;
    EXPECT_EQ(set.find("b")->fault, "");
    EXPECT_EQ(value(set, "b", "region"), "s");
    EXPECT_TRUE(set.find("c")->fault.starts_with("config:11: ")) << set.find("c")->fault;
    EXPECT_EQ(set.fault, "");
    EXPECT_TRUE(set.repetition.starts_with("config:3: ")) << set.repetition;
}

TEST(Profiles, KeepSsoSessionsAndServicesApart) {
    const auto set = merged("[sso-session a]\nsso_region=x\n[services b]\nsts =\n  endpoint_url = http://h\n");
    EXPECT_TRUE(set.profiles.empty());
    EXPECT_EQ(set.sso_sessions.at("a").value("sso_region"), "x");
    EXPECT_EQ(set.services.at("b").properties.at("sts").nested.at("endpoint_url").reveal(), "http://h");
}

TEST(Profiles, WarnOfNamesThatCannotBe) {
    const auto set = merged("[profile a b]\nx=1\n[profile a]\nx y=1\nz=2\n[plugins]\n");
    ASSERT_EQ(set.warnings.size(), 2u);
    EXPECT_TRUE(set.warnings[0].starts_with("config:1: ")) << set.warnings[0];
    EXPECT_TRUE(set.warnings[1].starts_with("config:4: ")) << set.warnings[1];
    EXPECT_EQ(value(set, "a", "z"), "2");
}

TEST(Profiles, KeepAFaultOfOneFromTheOthers) {
    const auto set = merged("[profile a]\nx=1\n[profile b]\nwJalrXUtnFEMI\n", "[a]\ny=1\n");
    EXPECT_EQ(set.find("a")->fault, "");
    EXPECT_EQ(set.find("b")->fault, "config:4: expected `name = value`");
    EXPECT_EQ(set.fault, set.find("b")->fault);
    EXPECT_EQ(set.warnings.size(), 1u);
}

TEST(Profiles, TakeTheNextSectionsKeysOnlyWhereBotocoreDoes) {
    const std::string rest = "region = x\n  [b]\naws_access_key_id = B\naws_secret_access_key = b\n";
    EXPECT_EQ(merged("", "[a]\n" + rest).find("a")->fault, "");
    for (const auto& text : {"[ a ]\n" + rest, "[a]\n" + rest + "region = y\n", "[a]\n" + rest + "[c]\nnonsense\n"})
        EXPECT_TRUE(merged("", text).find("a")->fault.starts_with("credentials:3: ")) << text;
    EXPECT_TRUE(merged("[c]\nnonsense\n", "[a]\n" + rest).find("a")->fault.starts_with("credentials:3: "));
}

TEST(Profiles, NameAFileThatIsNoText) {
    const auto set = merge_profiles({"config", ""}, {"credentials", "\xef\xbb\xbf[a]\n"});
    ASSERT_FALSE(set);
    EXPECT_TRUE(set.error().detail.starts_with("credentials:1: ")) << set.error().detail;
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

TEST_F(ProfileFiles, AreWhereOtherVariablesInThemSay) {
    outside.variables = {
        {"HOME", "/h"},
        {"X", "x"},
        {"TILDE", "~"},
        {"AWS_CONFIG_FILE", "$HOME/${X}y/$Xy/$/${X"},
        {"AWS_SHARED_CREDENTIALS_FILE", "$TILDE/${}k$X"}};
    EXPECT_EQ(profile_files_of(outside).config, "/h/xy/$Xy/$/${X");
    EXPECT_EQ(profile_files_of(outside).credentials_file, "/h/${}kx");
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

} // namespace profile_test
} // namespace countersign::chain
