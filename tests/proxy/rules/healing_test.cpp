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

} // namespace healing_test
} // namespace countersign::proxy
