#include "chain/retry_settings.hpp"
#include "chain/sts.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace retry_settings_test {

struct RetrySettings : testing::Test {
    RetrySettings() { outside.variables["HOME"] = "/home/u"; }
    void write(std::string text) { outside.files["/home/u/.aws/config"] = std::move(text); }
    std::string fault(std::string_view line) {
        write("[default]\n" + std::string(line) + "\n");
        const auto found = retries_in_profile(outside, {});
        return found ? "taken" : found.error().detail;
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
};

TEST_F(RetrySettings, AreThoseOfTheSelectedProfile) {
    write("[default]\nmax_attempts = 2\n[profile a]\nmax_attempts=7\nretry_mode = adaptive\n[profile b]\n");
    outside.variables["AWS_PROFILE"] = "a";
    const auto found = retries_in_profile(outside, {});
    ASSERT_TRUE(found && found->max_attempts && found->mode);
    EXPECT_EQ(found->max_attempts->value, 7u);
    EXPECT_EQ(found->max_attempts->where, "profile a (/home/u/.aws/config:4)");
    EXPECT_EQ(found->mode->value, retry_style::adaptive);
    EXPECT_EQ(found->mode->where, "profile a (/home/u/.aws/config:5)");
    chain_settings named;
    named.profile = "b";
    EXPECT_FALSE(retries_in_profile(outside, named)->max_attempts);
    named.profile = "default";
    EXPECT_EQ(retries_in_profile(outside, named)->max_attempts->value, 2u);
}

TEST_F(RetrySettings, TakeLegacyForStandard) {
    write("[default]\nretry_mode = legacy\n");
    EXPECT_EQ(retries_in_profile(outside, {})->mode->value, retry_style::standard);
}

TEST_F(RetrySettings, SayWhereAWrongValueStands) {
    for (const char* value : {"0", "x", "3x", "-1", "101", "1.5"})
        EXPECT_EQ(
            fault(std::string("max_attempts = ") + value),
            "profile default (/home/u/.aws/config:2): max_attempts: expected a whole number from 1 to 100"
        ) << value;
    EXPECT_EQ(
        fault("retry_mode = off"),
        "profile default (/home/u/.aws/config:2): retry_mode: expected standard, adaptive or legacy"
    );
    EXPECT_EQ(fault("max_attempts ="), "taken");
}

TEST_F(RetrySettings, LeaveMissingProfilesToTheChain) {
    EXPECT_TRUE(retries_in_profile(outside, {}));
    outside.variables["AWS_PROFILE"] = "nobody";
    EXPECT_TRUE(retries_in_profile(outside, {}));
}

TEST_F(RetrySettings, OfTheChainsOwnQuestionsStandInTheEnvironmentOrTheProfile) {
    profile p;
    p.name = "a";
    p.properties["max_attempts"].value = secret("5");
    EXPECT_EQ(*attempts_of(outside, nullptr), 3u);
    EXPECT_EQ(*attempts_of(outside, &p), 5u);
    outside.variables["AWS_MAX_ATTEMPTS"] = "2";
    EXPECT_EQ(*attempts_of(outside, &p), 2u);
    outside.variables["AWS_MAX_ATTEMPTS"] = "none";
    EXPECT_EQ(attempts_of(outside, &p).error().detail, "AWS_MAX_ATTEMPTS: expected a whole number from 1 to 100");
}

TEST_F(RetrySettings, CountForSts) {
    unsigned asked = 0;
    outside.respond = [&asked](const http_ask&) {
        ++asked;
        return http_result(tests::reply(500, ""));
    };
    outside.variables["AWS_MAX_ATTEMPTS"] = "5";
    chain_settings settings;
    settings.region = "eu-west-1";
    const profile_set profiles;
    const auto place = tests::run_task(on, find_sts(outside, settings, profiles));
    ASSERT_TRUE(place) << place.error().detail;
    credentials keys;
    keys.access_key_id = "AKID";
    keys.secret_access_key = secret("secret");
    role_request role;
    role.role_arn = "arn:aws:iam::1:role/a";
    EXPECT_FALSE(tests::run_task(on, assume_role(outside, *place, role, keys)));
    EXPECT_EQ(asked, 5u);
}

} // namespace retry_settings_test
} // namespace countersign::chain
