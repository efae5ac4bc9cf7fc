#include "proxy/rules/healing.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace countersign::proxy {
namespace healing_test {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point now{1'700'000'000s};

chain::credentials keys(std::string_view id, std::string_view secret = "secret", std::string_view token = "token") {
    chain::credentials c;
    c.access_key_id = id;
    c.secret_access_key = chain::secret(secret);
    c.session_token = chain::secret(token);
    c.provider = "container";
    return c;
}

signed_as with(chain::credentials c, std::string region = "us-east-1") {
    return {keys_ptr{new held_keys{std::make_shared<const chain::credentials>(std::move(c))}}, std::move(region)};
}

plan bucket_anywhere() {
    plan p;
    p.service = "s3";
    p.region = "us-east-1";
    p.is_default_region = true;
    return p;
}

TEST(Healing, ComparesKeysByTheirValue) {
    const chain::credentials a = keys("A");
    chain::credentials later = keys("A");
    later.expiration = now;
    later.provider = "profile";
    EXPECT_TRUE(same_keys(&a, &later));
    const chain::credentials others[]{keys("B"), keys("A", "other"), keys("A", "secret", "other")};
    for (const chain::credentials& other : others)
        EXPECT_FALSE(same_keys(&a, &other));
    EXPECT_FALSE(same_keys(&a, nullptr));
    EXPECT_TRUE(same_keys(nullptr, nullptr));
}

TEST(Healing, UsesOtherKeysThatAreThereAlready) {
    const chain::credentials other = keys("B");
    for (const char* code : {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}) {
        const complaint says{code, "", false};
        EXPECT_EQ(find_remedy(says, with(keys("A")), {}, {&other, now}, {}), remedy::other_keys);
        EXPECT_EQ(find_remedy(says, with(keys("B")), {}, {&other, now}, {}), remedy::renewal);
        EXPECT_EQ(find_remedy(says, with(keys("B")), {}, {nullptr, now}, {}), remedy::renewal);
    }
    chain::credentials expired = keys("B");
    expired.expiration = now;
    const complaint says{"ExpiredToken", "", false};
    EXPECT_EQ(find_remedy(says, with(keys("A")), {}, {&expired, now}, {}), remedy::renewal);
}

TEST(Healing, TakesAWrongClockForNoExpiredKeys) {
    const chain::credentials other = keys("B");
    const signed_as long_lived = with(keys("A", "secret", ""));
    EXPECT_EQ(find_remedy({"RequestExpired", "", false}, long_lived, {}, {&other, now}, {}), remedy::none);
}

TEST(Healing, TriesEachRemedyOnce) {
    const complaint says{"ExpiredToken", "", false};
    const chain::credentials other = keys("B");
    tried_remedies tried;
    tried.other_keys = true;
    EXPECT_EQ(find_remedy(says, with(keys("A")), {}, {&other, now}, tried), remedy::renewal);
    tried.renewal = true;
    EXPECT_EQ(find_remedy(says, with(keys("A")), {}, {&other, now}, tried), remedy::none);
}

TEST(Healing, AsksNoSourceThatCannotChange) {
    chain::credentials fixed = keys("A");
    fixed.provider = "environment";
    EXPECT_EQ(find_remedy({"ExpiredToken", "", false}, with(fixed), {}, {&fixed, now}, {}), remedy::none);
}

TEST(Healing, WaitsForNoKeysInPlaceOfUnknownOnes) {
    const complaint says{"InvalidAccessKeyId", "", false};
    const chain::credentials other = keys("B");
    EXPECT_EQ(find_remedy(says, with(keys("A")), {}, {&other, now}, {}), remedy::other_keys);
    EXPECT_EQ(find_remedy(says, with(keys("B")), {}, {&other, now}, {}), remedy::none);
    EXPECT_EQ(find_remedy({"AccessDenied", "", false}, with(keys("A")), {}, {&other, now}, {}), remedy::none);
    EXPECT_EQ(find_remedy({"", "", true}, with(keys("A")), {}, {&other, now}, {}), remedy::other_keys);
    EXPECT_EQ(find_remedy({"", "", true}, with(keys("B")), {}, {&other, now}, {}), remedy::none);
}

TEST(Healing, ComparesARegionWithTheOneThatWasSignedFor) {
    const auto ask = [](std::string_view said, std::string signed_for, plan where) {
        return find_remedy({"", said, false}, with(keys("A"), std::move(signed_for)), where, {nullptr, now}, {});
    };
    EXPECT_EQ(ask("eu-west-1", "us-east-1", bucket_anywhere()), remedy::region);
    EXPECT_EQ(ask("us-east-1", "eu-west-1", bucket_anywhere()), remedy::region);
    EXPECT_EQ(ask("eu-west-1", "eu-west-1", bucket_anywhere()), remedy::none);
    for (const char* wrong : {"", "us-gov-west-1", "cn-north-1", "nowhere", "eu-west-1/s3"})
        EXPECT_EQ(ask(wrong, "us-east-1", bucket_anywhere()), remedy::none);
    plan named = bucket_anywhere();
    named.is_default_region = false;
    EXPECT_EQ(ask("eu-west-1", "us-east-1", named), remedy::none);
}

complaint about_clock(std::string_view code, std::optional<std::chrono::seconds> ahead) {
    return {code, "", code.empty(), ahead};
}

remedy
remedy_for(const complaint& says, std::chrono::seconds signed_with = 0s, std::string_view token = "", plan p = {}) {
    signed_as as = with(keys("A", "secret", token));
    as.clock_offset = signed_with;
    return find_remedy(says, as, p, {as.keys->value.get(), now}, {});
}

TEST(Healing, TakesTheServicesTimeAtOnceWhereItSaysSo) {
    for (const char* code : {"RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"}) {
        EXPECT_EQ(remedy_for(about_clock(code, 20min)), remedy::clock) << code;
        EXPECT_EQ(remedy_for(about_clock(code, -20min)), remedy::clock) << code;
        EXPECT_EQ(remedy_for(about_clock(code, 61s)), remedy::clock) << code;
        EXPECT_EQ(remedy_for(about_clock(code, 1s)), remedy::none) << code << ": signed with that time already";
        EXPECT_EQ(remedy_for(about_clock(code, std::nullopt)), remedy::none) << code;
    }
}

TEST(Healing, TakesTheServicesTimeWhereItIsFarFromOurs) {
    for (const char* code : {"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure", ""}) {
        EXPECT_EQ(remedy_for(about_clock(code, 241s)), remedy::clock) << code;
        EXPECT_EQ(remedy_for(about_clock(code, -241s)), remedy::clock) << code;
        EXPECT_EQ(remedy_for(about_clock(code, 240s)), remedy::none) << code;
        EXPECT_EQ(remedy_for(about_clock(code, std::nullopt)), remedy::none) << code;
    }
    EXPECT_EQ(remedy_for(about_clock("AccessDenied", 1h)), remedy::none);
    plan presigned;
    presigned.sign = conf::sign_mode::query;
    EXPECT_EQ(remedy_for(about_clock("AccessDenied", -1h), 0s, "", presigned), remedy::clock);
}

TEST(Healing, ComparesTheTimeWithTheOneThatWasSigned) {
    EXPECT_EQ(remedy_for(about_clock("RequestTimeTooSkewed", 20min), 20min), remedy::none);
    EXPECT_EQ(remedy_for(about_clock("RequestTimeTooSkewed", 0s), 20min), remedy::clock) << "our clock was set right";
    EXPECT_EQ(remedy_for(about_clock("SignatureDoesNotMatch", 20min), 20min), remedy::none);
    tried_remedies tried;
    tried.clock = true;
    const complaint says = about_clock("RequestTimeTooSkewed", 20min);
    EXPECT_EQ(find_remedy(says, with(keys("A")), {}, {nullptr, now}, tried), remedy::none);
}

TEST(Healing, TellsAnExpiredTokenFromAWrongClock) {
    EXPECT_EQ(remedy_for(about_clock("RequestExpired", 20min), 0s, "token"), remedy::clock);
    EXPECT_EQ(remedy_for(about_clock("RequestExpired", 1min), 0s, "token"), remedy::renewal);
}

TEST(Healing, BelievesNoDateThatIsMoreThanADayOff) {
    const auto at = std::chrono::floor<std::chrono::seconds>(now); // Tue, 14 Nov 2023 22:13:20 GMT
    EXPECT_EQ(clock_ahead("Tue, 14 Nov 2023 22:33:20 GMT", at), 20min);
    EXPECT_EQ(clock_ahead("Tue, 14 Nov 2023 21:13:20 GMT", at + 900ms), -1h);
    EXPECT_EQ(clock_ahead("Wed, 15 Nov 2023 22:13:20 GMT", at), 24h);
    EXPECT_EQ(clock_ahead("Wed, 15 Nov 2023 22:13:21 GMT", at), std::nullopt);
    EXPECT_EQ(clock_ahead("Thu, 01 Jan 1970 00:00:00 GMT", at), std::nullopt);
    EXPECT_EQ(clock_ahead("", at), std::nullopt);
    EXPECT_EQ(clock_ahead("20231114T221320Z", at), std::nullopt);
}

TEST(Healing, GivesALearnedClockUpWhereAnAnswerSpeaksAgainstIt) {
    EXPECT_EQ(correct_clock(20min, 20min + 4min), std::nullopt);
    EXPECT_EQ(correct_clock(20min, std::nullopt), std::nullopt);
    EXPECT_EQ(correct_clock(20min, 3s), 0s);
    EXPECT_EQ(correct_clock(20min, -1h), -1h);
    EXPECT_EQ(correct_clock(0s, 1h), std::nullopt) << "nothing was learned";
}

} // namespace healing_test
} // namespace countersign::proxy
