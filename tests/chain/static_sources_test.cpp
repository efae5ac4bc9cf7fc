// The sources that ask nobody: command line, environment, files.
#include "chain/provider.hpp"
#include "chain/rfc3339.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace static_sources_test {

struct StaticSource : testing::Test {
    answer ask(const std::unique_ptr<provider>& source) { return tests::run_task(on, source->fetch(outside)); }
    answer ask_environment() { return ask(environment_source(environment_keys::count)); }
    answer ask_profile(std::string name = "") {
        chain_settings s;
        s.profile_is_explicit = !name.empty();
        s.profile = std::move(name);
        return ask(profile_source(s));
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
};

using Environment = StaticSource;
using ProfileSource = StaticSource;
using CommandLine = StaticSource;

TEST_F(Environment, GivesItsKeys) {
    outside.variables = {
        {"AWS_ACCESS_KEY_ID", "AKID"},
        {"AWS_SECRET_ACCESS_KEY", "S"},
        {"AWS_SESSION_TOKEN", "T"},
        {"AWS_SECURITY_TOKEN", "old"},
        {"AWS_ACCOUNT_ID", "1"},
        {"AWS_CREDENTIAL_EXPIRATION", "2026-11-22T00:35:06Z"}};
    const auto a = ask_environment();
    const auto* c = std::get_if<credentials>(&a);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->access_key_id, "AKID");
    EXPECT_EQ(c->secret_access_key.reveal(), "S");
    EXPECT_EQ(c->session_token.reveal(), "T");
    EXPECT_EQ(c->account_id, "1");
    EXPECT_EQ(write_rfc3339(*c->expiration), "2026-11-22T00:35:06Z");
}

TEST_F(Environment, TakesAnEmptyVariableForOneThatIsNotSet) {
    outside.variables = {
        {"AWS_ACCESS_KEY_ID", "AKID"},
        {"AWS_SECRET_ACCESS_KEY", "S"},
        {"AWS_SESSION_TOKEN", ""},
        {"AWS_ACCOUNT_ID", ""},
        {"AWS_CREDENTIAL_EXPIRATION", ""}};
    const auto a = ask_environment();
    const auto* c = std::get_if<credentials>(&a);
    ASSERT_TRUE(c);
    EXPECT_TRUE(c->session_token.empty());
    EXPECT_EQ(c->account_id, "");
    EXPECT_FALSE(c->expiration);
}

TEST_F(Environment, IsNotMineWithoutAKeyId) {
    for (const auto& variables : std::vector<std::map<std::string, std::string>>{
             {},
             {{"AWS_ACCESS_KEY_ID", ""}, {"AWS_SECRET_ACCESS_KEY", " \t"}},
             {{"AWS_SECRET_ACCESS_KEY", "S"}},
         }) {
        outside.variables = variables;
        EXPECT_TRUE(std::holds_alternative<not_mine>(ask_environment()));
    }
}

TEST_F(Environment, IsBrokenWithHalfAPairOrUnfitCharacters) {
    for (const auto& variables : std::vector<std::map<std::string, std::string>>{
             {{"AWS_ACCESS_KEY_ID", "A"}},
             {{"AWS_ACCESS_KEY_ID", "A\r\nX: y"}, {"AWS_SECRET_ACCESS_KEY", "S"}},
             {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S\n"}},
             {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}, {"AWS_SESSION_TOKEN", "a b"}},
             {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}, {"AWS_CREDENTIAL_EXPIRATION", "soon"}},
         }) {
        outside.variables = variables;
        EXPECT_TRUE(std::holds_alternative<failure>(ask_environment()));
    }
}

TEST_F(Environment, IsOverruledByAnExplicitProfile) {
    outside.variables = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}};
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask(environment_source(environment_keys::overruled))));
}

TEST_F(Environment, IsBrokenBesideANameThatIsNobodys) {
    outside.variables = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}, {"AWS_PROFILE", "gone"}};
    const auto fetch = [&] { return ask(environment_source(environment_keys::count, chain_settings{})); };
    EXPECT_TRUE(std::holds_alternative<failure>(fetch()));
    EXPECT_TRUE(std::holds_alternative<credentials>(ask_environment())) << "credential_source asks for nothing else";
    outside.variables["AWS_CONFIG_FILE"] = "/c";
    outside.files["/c"] = "[profile gone]\n";
    EXPECT_TRUE(std::holds_alternative<credentials>(fetch()));
}

TEST_F(Environment, ShowsNoSecret) {
    outside.variables = {
        {"AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"},
        {"AWS_SECRET_ACCESS_KEY", "S3cr3t"},
        {"AWS_SESSION_TOKEN", "T0k3n"}};
    const auto s = environment_source(environment_keys::count)->look(outside);
    EXPECT_TRUE(s.configured);
    EXPECT_EQ(s.seen.at(0), "AWS_ACCESS_KEY_ID = AKIA************MPLE");
    for (const auto& line : s.seen) {
        EXPECT_EQ(line.find("S3cr3t"), std::string::npos);
        EXPECT_EQ(line.find("T0k3n"), std::string::npos);
    }
}

TEST_F(ProfileSource, TakesAnEmptyPropertyForNone) {
    outside.variables["HOME"] = "/h";
    auto& file = outside.files["/h/.aws/credentials"];
    file = "[default]\naws_access_key_id=A\naws_secret_access_key=S\naws_session_token =\naws_account_id=\n";
    const auto a = ask_profile();
    const auto* c = std::get_if<credentials>(&a);
    ASSERT_TRUE(c);
    EXPECT_TRUE(c->session_token.empty());
    EXPECT_EQ(c->account_id, "");
    file = "[default]\naws_access_key_id=A\naws_secret_access_key=\n";
    EXPECT_TRUE(std::holds_alternative<failure>(ask_profile()));
}

TEST_F(ProfileSource, ReadsTheFilesAnewEachTime) {
    outside.variables["HOME"] = "/h";
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask_profile()));
    outside.files["/h/.aws/credentials"] = "[default]\naws_access_key_id=A\naws_secret_access_key=S\n";
    EXPECT_TRUE(std::holds_alternative<credentials>(ask_profile()));
}

TEST_F(ProfileSource, StopsWhenANamedProfileIsMissing) {
    EXPECT_TRUE(std::holds_alternative<failure>(ask_profile("gone")));
    for (const auto* variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"})
        for (const auto* name : {"gone", "default", "'My Mac'"}) {
            outside.variables = {{variable, name}};
            const auto a = ask_profile();
            ASSERT_TRUE(std::holds_alternative<failure>(a)) << variable << name;
            EXPECT_TRUE(std::get<failure>(a).detail.starts_with("there is no profile ")) << std::get<failure>(a).detail;
        }
    outside.variables = {{"AWS_PROFILE", " "}};
    EXPECT_TRUE(std::holds_alternative<failure>(ask_profile()));
    outside.variables = {{"AWS_PROFILE", ""}};
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask_profile()));
}

TEST_F(ProfileSource, StopsAtABrokenFile) {
    outside.variables["AWS_CONFIG_FILE"] = "/c";
    outside.files["/c"] = "[default]\nnonsense\n";
    const auto a = ask_profile();
    ASSERT_TRUE(std::holds_alternative<failure>(a));
    EXPECT_EQ(std::get<failure>(a).detail, "profile default: /c:2: expected `name = value`");
    outside.files["/c"] = "\xef\xbb\xbf[default]\n";
    EXPECT_TRUE(std::get<failure>(ask_profile()).detail.starts_with("/c:1: "));
}

TEST_F(ProfileSource, ReadsAProfileBesideABrokenOneAndSaysSo) {
    outside.variables["AWS_CONFIG_FILE"] = "/c";
    outside.files["/c"] = "[default]\naws_access_key_id=A\naws_secret_access_key=S\n[profile b]\nwJalrXUtnFEMI\n";
    const auto source = profile_source({});
    EXPECT_TRUE(std::holds_alternative<credentials>(ask(source)));
    const std::string said = "/c:5: expected `name = value`";
    EXPECT_EQ(source->warnings(), std::vector<std::string>{said});
    EXPECT_EQ(source->look(outside).seen.back(), said);
}

TEST_F(CommandLine, ReadsItsSecretFromAFile) {
    outside.files["/s"] = "S3cr3t\n";
    const auto a = ask(command_line_source({"", false, "AKID", "/s"}));
    ASSERT_TRUE(std::holds_alternative<credentials>(a));
    EXPECT_EQ(std::get<credentials>(a).secret_access_key.reveal(), "S3cr3t");
}

TEST_F(CommandLine, IsBrokenInHalvesOrWithoutAUsableFile) {
    outside.files = {{"/empty", ""}, {"/two", "a\nb"}, {"/long", std::string(longest_token_file + 1, 'x')}};
    for (const auto& s : std::vector<chain_settings>{
             {"", false, "AKID", ""},
             {"", false, "", "/s"},
             {"", false, "AKID", "/gone"},
             {"", false, "AKID", "/empty"},
             {"", false, "AKID", "/two"},
             {"", false, "AKID", "/long"},
         })
        EXPECT_TRUE(std::holds_alternative<failure>(ask(command_line_source(s))));
}

TEST_F(CommandLine, IsNotMineWhenNothingIsGiven) {
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask(command_line_source({}))));
}

} // namespace static_sources_test
} // namespace countersign::chain
