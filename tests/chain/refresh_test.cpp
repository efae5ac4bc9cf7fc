#include "chain/refresh.hpp"
#include "chain/world.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace countersign::chain {
namespace refresh_test {

using namespace std::chrono_literals;
using tests::credential_json;
using tests::fake_world;
using clock = std::chrono::system_clock;

const clock::time_point midnight{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};

credentials keys_until(std::optional<clock::time_point> expiration) {
    credentials c;
    c.access_key_id = "AKID";
    c.expiration = expiration;
    return c;
}

TEST(RefreshAt, IsAtOnceWithoutCredentials) {
    EXPECT_EQ(refresh_at(nullptr, 0, midnight, 0.5), midnight);
}

TEST(RefreshAt, LooksAgainAtUnlimitedKeysAfterFifteenMinutes) {
    const auto c = keys_until(std::nullopt);
    EXPECT_EQ(refresh_at(&c, 0, midnight, 0.5), midnight + 15min);
}

TEST(RefreshAt, FollowsTheTableOfLives) {
    struct row {
        clock::duration life;
        double u01;
        clock::duration wait;
    };
    for (const row& r : {
             row{6h, 0.0, 6h - 15min},
             row{6h, 0.5, 6h - 15min - 30s},
             row{30min, 0.0, 15min},
             row{30min, 1.0, 14min},
             row{20min, 0.9, 10min},
             row{5s, 0.0, 2500ms},
             row{1s, 0.0, 1s}, // never within a second
             row{-1h, 0.0, 1s},
         }) {
        const auto c = keys_until(midnight + r.life);
        EXPECT_EQ((refresh_at(&c, 0, midnight, r.u01) - midnight).count(), r.wait.count())
            << r.life.count() << " " << r.u01;
    }
}

TEST(RefreshAt, DoublesTheBackoffWithJitter) {
    const auto c = keys_until(midnight + 12h);
    EXPECT_EQ(refresh_at(&c, 1, midnight, 1.0), midnight + 1s);
    EXPECT_EQ(refresh_at(&c, 2, midnight, 1.0), midnight + 2s);
    EXPECT_EQ(refresh_at(&c, 4, midnight, 0.0), midnight + 4s);
    EXPECT_EQ(refresh_at(&c, 9, midnight, 1.0), midnight + 60s);
    EXPECT_EQ(refresh_at(&c, 4000000000, midnight, 1.0), midnight + 60s);
}

TEST(RefreshAt, TriesAgainSoonWhenLittleValidityIsLeft) {
    const auto c = keys_until(midnight + 1200ms);
    EXPECT_EQ(refresh_at(&c, 3, midnight, 1.0), midnight + 600ms);
    const auto nearly_over = keys_until(midnight + 100ms);
    EXPECT_EQ(refresh_at(&nearly_over, 3, midnight, 1.0), midnight + 500ms);
    EXPECT_EQ(refresh_at(&c, 1, midnight, 0.0), midnight + 500ms);
}

TEST(RefreshAt, TriesMoreOftenInTheLastTenMinutes) {
    const auto in_advisory_window = keys_until(midnight + 13min);
    EXPECT_EQ(refresh_at(&in_advisory_window, 9, midnight, 1.0), midnight + 60s);
    const auto at_the_border = keys_until(midnight + 10min + 20s);
    EXPECT_EQ(refresh_at(&at_the_border, 9, midnight, 1.0), midnight + 20s);
    const auto in_mandatory_window = keys_until(midnight + 10min);
    EXPECT_EQ(refresh_at(&in_mandatory_window, 9, midnight, 1.0), midnight + 30s);
}

TEST(RefreshAt, NeverBacksOffBeyondHalfOfTheValidity) {
    const auto c = keys_until(midnight + 20s);
    EXPECT_EQ(refresh_at(&c, 9, midnight, 1.0), midnight + 10s);
}

TEST(RefreshAt, NoticesARecoveryWithinTwentySecondsWhenNothingIsValid) {
    const auto c = keys_until(midnight - 1s);
    for (unsigned failures = 1; failures < 40; ++failures) {
        EXPECT_LE(refresh_at(&c, failures, midnight, 1.0), midnight + 15s);
        EXPECT_LE(refresh_at(nullptr, failures, midnight, 1.0), midnight + 15s);
    }
}

// A refresher of a container endpoint whose answers the test writes.
struct Refresher : testing::Test {
    Refresher() {
        outside.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:1/keys";
        outside.variables["AWS_EC2_METADATA_DISABLED"] = "true";
        answer_with(1h);
    }
    ~Refresher() override {
        if (subject)
            subject->stop();
        on.restart();
        on.run_for(5s);
    }

    void start() {
        subject.emplace(on, outside, chain_settings{}, [this](const snapshot& s) { told.push_back(s); });
        subject->start();
        outside.settle();
    }
    void answer_with(clock::duration life) {
        outside.respond = [this, life](const http_ask&) -> http_result {
            return tests::reply(200, credential_json("AKID" + std::to_string(++served), outside.time + life));
        };
    }
    void answer_with_status(unsigned status) {
        outside.respond = [status](const http_ask&) -> http_result { return tests::reply(status, "{}"); };
    }

    boost::asio::io_context on{1};
    fake_world outside{on};
    std::vector<snapshot> told;
    int served = 0;
    std::optional<refresher> subject;
};

TEST_F(Refresher, LoadsAtTheStartAndTellsTheSnapshot) {
    start();
    ASSERT_EQ(told.size(), 1u);
    ASSERT_TRUE(told[0].current);
    EXPECT_EQ(told[0].current->access_key_id, "AKID1");
    EXPECT_EQ(told[0].current->provider, "container");
    EXPECT_EQ(told[0].error, "");
}

TEST_F(Refresher, RenewsAheadOfExpiry) {
    start();
    outside.advance(44min);
    EXPECT_EQ(told.size(), 1u);
    const auto began = told[0].load_began;
    outside.advance(1min);
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[1].current->access_key_id, "AKID2");
    EXPECT_EQ(told[1].load_began, began + 44min + 30s); // half of the jitter
}

TEST_F(Refresher, NeverLetsFiveSecondKeysExpire) {
    answer_with(5s);
    start();
    for (int i = 0; i < 600; ++i) {
        outside.advance(100ms);
        ASSERT_FALSE(told.back().current->expired_at(outside.time)) << i;
    }
    EXPECT_LE(served, 61);
}

TEST_F(Refresher, NeverLetsFiveSecondKeysExpireWhenEachOtherAnswerFails) {
    int asked = 0;
    outside.respond = [&](const http_ask&) -> http_result {
        // Down means down for all three attempts of a load.
        if ((asked++ / 3) % 2 == 1)
            return http_fault{http_stage::connect, "connection refused"};
        asked = asked / 3 * 3 + 3;
        return tests::reply(200, credential_json("AKID", outside.time + 5s));
    };
    start();
    for (int i = 0; i < 600; ++i) {
        outside.advance(100ms);
        ASSERT_FALSE(told.back().current->expired_at(outside.time)) << i;
    }
}

TEST_F(Refresher, KeepsValidCredentialsWhileTheEndpointIsDown) {
    start();
    answer_with_status(500);
    outside.advance(50min);
    EXPECT_EQ(told.back().current->access_key_id, "AKID1");
    EXPECT_NE(told.back().error, "");
    EXPECT_FALSE(told.back().current->expired_at(outside.time));
    answer_with(1h);
    outside.advance(31s);
    EXPECT_EQ(told.back().current->access_key_id, "AKID2");
    EXPECT_EQ(told.back().error, "");
}

TEST_F(Refresher, NoticesARecoveryAfterExpiryWithinTwentySeconds) {
    start();
    answer_with_status(500);
    outside.advance(3h);
    EXPECT_TRUE(told.back().current->expired_at(outside.time));
    answer_with(1h);
    outside.advance(19s);
    EXPECT_FALSE(told.back().current->expired_at(outside.time));
}

TEST_F(Refresher, AsksOnceForManyWhoWait) {
    outside.hangs = true;
    start();
    for (int i = 0; i < 50; ++i) {
        subject->load_now();
        outside.settle();
    }
    EXPECT_EQ(outside.asked.size(), 1u);
}

TEST_F(Refresher, LoadsAtMostOnceASecondOnRequest) {
    start();
    for (int i = 0; i < 50; ++i) {
        subject->load_now();
        outside.settle();
    }
    EXPECT_EQ(served, 1);
    outside.advance(1s);
    EXPECT_EQ(served, 2);
    EXPECT_EQ(told.size(), 2u);
}

TEST_F(Refresher, RefusesExpiredContainerCredentials) {
    answer_with(-1s);
    start();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_FALSE(told[0].current);
    EXPECT_NE(told[0].error.find("expired at 2026-11-21T23:59:59Z"), std::string::npos) << told[0].error;
}

TEST_F(Refresher, CutsAHangingLoadOffAfterItsTotalDeadline) {
    outside.hangs = true;
    start();
    outside.advance(24s);
    EXPECT_TRUE(told.empty());
    outside.advance(1s);
    outside.settle();
    ASSERT_GE(told.size(), 1u);
    EXPECT_FALSE(told[0].current);
    EXPECT_NE(told[0].error.find("container: no answer within 25 s"), std::string::npos) << told[0].error;
    outside.hangs = false;
    outside.advance(2s);
    EXPECT_TRUE(told.back().current);
}

TEST_F(Refresher, StopsAtOnceInTheMiddleOfALoad) {
    outside.hangs = true;
    start();
    subject->stop();
    on.restart();
    on.run_for(5s);
    EXPECT_TRUE(on.stopped()) << "something was still waiting";
    EXPECT_TRUE(told.empty());
}

TEST_F(Refresher, MayBeDestroyedInTheMiddleOfALoad) {
    outside.hangs = true;
    start();
    subject.reset();
    on.restart();
    on.run_for(5s);
    EXPECT_TRUE(on.stopped());
    EXPECT_TRUE(told.empty());
}

TEST_F(Refresher, AsksNobodyWhenTheEnvironmentHasKeys) {
    outside.variables["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    outside.variables["AWS_SECRET_ACCESS_KEY"] = "x";
    start();
    outside.advance(1h);
    EXPECT_TRUE(outside.asked.empty());
    EXPECT_EQ(told.back().current->provider, "environment");
}

TEST_F(Refresher, WarnsOfARoleThatTheKeysHide) {
    outside.variables["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    outside.variables["AWS_SECRET_ACCESS_KEY"] = "x";
    start();
    EXPECT_NE(told.back().warning.find("hide the container's role"), std::string::npos) << told.back().warning;
}

TEST_F(Refresher, WarnsOfNothingWhenTheRoleIsUsed) {
    start();
    EXPECT_EQ(told.back().warning, "");
}

TEST_F(Refresher, NeverUsesContainerCredentialsPastTheirExpiry) {
    start();
    answer_with(-1s);
    outside.advance(2h);
    ASSERT_GT(told.size(), 2u);
    for (const auto& s : told)
        EXPECT_EQ(*s.current->expiration, *told[0].current->expiration);
    EXPECT_TRUE(told.back().current->expired_at(outside.time));
}

// The metadata service of an instance, which hands out what the test says.
struct InstanceRefresher : Refresher {
    InstanceRefresher() {
        outside.variables.clear();
        outside.respond = [this](const http_ask& a) -> http_result {
            if (a.url.ends_with("/latest/api/token"))
                return tests::reply(200, "tok", {{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", secret("21600")}});
            if (is_ill)
                return tests::reply(500, "");
            if (a.url.ends_with("/security-credentials/"))
                return tests::reply(200, "my-role");
            ++served;
            return tests::reply(200, credential_json("AKID" + std::to_string(served), end));
        };
    }
    bool is_ill = false;
    clock::time_point end = midnight + 6h;
};

TEST_F(InstanceRefresher, UsesExpiredCredentialsOnAndSaysSoOnce) {
    end = midnight - 1h;
    start();
    outside.advance(3h);
    std::vector<std::string> said;
    for (const auto& s : told) {
        ASSERT_TRUE(s.current);
        said.push_back(s.error);
    }
    EXPECT_NE(said[0].find("2026-11-21T23:00:00Z"), std::string::npos) << said[0];
    EXPECT_EQ(std::count(said.begin(), said.end(), said[0]), static_cast<std::ptrdiff_t>(said.size()));
    EXPECT_FALSE(told.back().current->expired_at(outside.time));
    EXPECT_LE(served, 3 * 60 / 5);
    EXPECT_GE(served, 3 * 60 / 8);
}

TEST_F(InstanceRefresher, LeavesTheIllServiceInPeaceWhenRequestsMeetExpiredTokens) {
    end = midnight - 1h;
    start();
    for (int i = 0; i < 3600; ++i) {
        subject->load_now();
        outside.advance(1s);
    }
    EXPECT_LE(served, 60 / 3 + 1);
}

TEST_F(InstanceRefresher, SurvivesTheSilenceOfTheServiceAndItsReturn) {
    start();
    is_ill = true;
    for (int minute = 0; minute < 8 * 60; ++minute) {
        outside.advance(1min);
        ASSERT_FALSE(told.back().current->expired_at(outside.time)) << minute;
    }
    EXPECT_EQ(told.back().current->access_key_id, "AKID1");
    EXPECT_NE(told.back().error.find("used on"), std::string::npos) << told.back().error;
    is_ill = false;
    end = outside.time + 6h;
    outside.advance(8min);
    EXPECT_EQ(told.back().current->access_key_id, "AKID2");
    EXPECT_EQ(told.back().error, "");
}

TEST_F(Refresher, GoesOnAfterTheClockWasSetBack) {
    answer_with(10min);
    start();
    outside.time -= 24h;
    subject->load_now();
    outside.settle();
    EXPECT_EQ(served, 2);
}

} // namespace refresh_test
} // namespace countersign::chain
