#include "chain/rfc3339.hpp"
#include "proxy/commands/session.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sts_ask.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace session_test {

using namespace std::chrono_literals;

constexpr const char* file = "/h/.aws/credentials";
constexpr const char* base = "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = base-secret\n";

struct SessionCommand : testing::Test {
    SessionCommand() {
        outside.time = chain::read_rfc3339("2026-11-22T12:00:00Z").value();
        outside.variables = {{"HOME", "/h"}, {"AWS_REGION", "eu-west-1"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
        outside.files[file] = base;
        outside.respond = [this](const chain::http_ask&) -> chain::http_result {
            return tests::reply(200, tests::sts_xml("GetSessionToken", "ASIA1", outside.time + 12h));
        };
        wish.settings.profile = "base";
        wish.settings.profile_is_explicit = true;
        wish.serial_number = "arn:aws:iam::1:mfa/me";
        wish.save = "mfa";
    }
    chain::result<std::string> save() {
        const auto ask_for_code = [this](const std::string& serial) -> chain::result<chain::secret> {
            serials.push_back(serial);
            return code;
        };
        return tests::run_task(on, save_session(outside, wish, ask_for_code));
    }
    std::string refused() {
        const auto before = outside.files;
        const auto line = save();
        EXPECT_EQ(outside.files, before);
        return line ? "not refused" : line.error().detail;
    }
    // Neither STS nor the user was asked.
    std::string refused_at_once() {
        auto why = refused();
        EXPECT_TRUE(outside.asked.empty());
        EXPECT_TRUE(serials.empty());
        return why;
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    session_wish wish;
    chain::result<chain::secret> code = chain::secret("123456");
    std::vector<std::string> serials;
};

TEST_F(SessionCommand, SavesTemporaryKeysAsAProfile) {
    wish.token_code = "654321";
    wish.duration = 900s;
    const auto line = save();
    ASSERT_TRUE(line) << line.error().detail;
    EXPECT_EQ(*line, "profile mfa of /h/.aws/credentials has keys until 2026-11-23T00:00:00Z");
    EXPECT_EQ(
        outside.files[file],
        std::string(base) + "\n[mfa]\naws_access_key_id = ASIA1\naws_secret_access_key = secret-of-ASIA1\n"
                            "aws_session_token = token-of-ASIA1\n"
    );
    const std::map<std::string, std::string> expected{
        {"Action", "GetSessionToken"},
        {"Version", "2011-06-15"},
        {"DurationSeconds", "900"},
        {"SerialNumber", "arn:aws:iam::1:mfa/me"},
        {"TokenCode", "654321"}};
    ASSERT_EQ(outside.asked.size(), 1u);
    EXPECT_EQ(tests::form_in(outside.asked[0]), expected);
    EXPECT_EQ(outside.asked[0].url, "https://sts.eu-west-1.amazonaws.com/");
    EXPECT_TRUE(serials.empty());
}

TEST_F(SessionCommand, SavesAgainOverItsOwnProfile) {
    ASSERT_TRUE(save());
    const auto once = outside.files[file];
    ASSERT_TRUE(save());
    EXPECT_EQ(outside.files[file], once);
}

TEST_F(SessionCommand, AsksForTheCodeOfTheProfilesDevice) {
    wish.serial_number = "";
    outside.files["/h/.aws/config"] = "[profile base]\nmfa_serial = arn:aws:iam::1:mfa/other\nregion = eu-north-1\n";
    ASSERT_TRUE(save());
    EXPECT_EQ(serials, std::vector<std::string>{"arn:aws:iam::1:mfa/other"});
    EXPECT_EQ(tests::form_in(outside.asked[0])["TokenCode"], "123456");
    EXPECT_EQ(tests::form_in(outside.asked[0])["SerialNumber"], "arn:aws:iam::1:mfa/other");
}

TEST_F(SessionCommand, IsAskedWhereTheRegionSays) {
    wish.settings.region = "eu-central-1";
    ASSERT_TRUE(save());
    EXPECT_EQ(outside.asked[0].url, "https://sts.eu-central-1.amazonaws.com/");
}

TEST_F(SessionCommand, NeedsADevice) {
    wish.serial_number = "";
    EXPECT_NE(refused_at_once().find("--serial-number"), std::string::npos);
    wish.serial_number = "arn:aws:iam::1:mfa/a b";
    EXPECT_NE(refused_at_once().find("no serial number"), std::string::npos);
}

TEST_F(SessionCommand, NeedsLongLivedKeys) {
    outside.files[file] += "aws_session_token = t\n";
    EXPECT_NE(refused_at_once().find("only be called with long-lived ones"), std::string::npos);
    wish.settings = {};
    outside.variables["AWS_ACCESS_KEY_ID"] = "ASIAENV";
    outside.variables["AWS_SECRET_ACCESS_KEY"] = "env-secret";
    outside.variables["AWS_SESSION_TOKEN"] = "env-token";
    const auto why = refused_at_once();
    EXPECT_NE(why.find("the keys of environment"), std::string::npos) << why;
    EXPECT_EQ(why.find("env-"), std::string::npos) << why;
}

TEST_F(SessionCommand, NamesTheProfileWhoseKeysWillDoInsteadOfARole) {
    outside.files["/h/.aws/config"] = "[profile admin]\nrole_arn = arn:aws:iam::1:role/admin\nsource_profile = "
                                      "base\nmfa_serial = arn:aws:iam::1:mfa/me\n";
    wish.settings.profile = "admin";
    EXPECT_NE(refused_at_once().find("--profile base"), std::string::npos);
}

TEST_F(SessionCommand, RefusesBeforeAnybodyIsAsked) {
    wish.save = "base";
    EXPECT_NE(refused_at_once().find("long-lived keys"), std::string::npos);
    wish.save = "a b";
    EXPECT_NE(refused_at_once().find("no name for a profile"), std::string::npos);
    wish.save = "mfa";
    outside.files[file] += "[broken\n";
    EXPECT_NE(refused_at_once().find("/h/.aws/credentials:4"), std::string::npos);
    outside.files[file] = base;
    outside.variables.erase("HOME");
    EXPECT_NE(refused_at_once().find("HOME"), std::string::npos);
}

TEST_F(SessionCommand, WritesNothingWhenNobodyHasACode) {
    code = chain::failure{"there is no terminal"};
    EXPECT_EQ(refused(), "there is no terminal");
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(SessionCommand, WritesNothingWhenStsRefuses) {
    outside.respond = [](const chain::http_ask&) -> chain::http_result {
        return tests::reply(403, tests::sts_error_xml("AccessDenied", "MultiFactorAuthentication failed"));
    };
    const auto why = refused();
    EXPECT_NE(why.find("AccessDenied: MultiFactorAuthentication failed"), std::string::npos) << why;
    EXPECT_EQ(why.find("123456"), std::string::npos) << why;
}

TEST_F(SessionCommand, SaysWhenTheFileCannotBeWritten) {
    outside.read_only = true;
    EXPECT_EQ(refused(), "read-only file system");
}

TEST(MfaCode, IsSixDigits) {
    EXPECT_TRUE(is_mfa_code("012345"));
    for (const char* text : {"", "12345", "1234567", "12345a", "12345 ", "-12345"})
        EXPECT_FALSE(is_mfa_code(text)) << text;
}

} // namespace session_test
} // namespace countersign::proxy
