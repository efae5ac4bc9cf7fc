#include "proxy/throttling.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace throttling_test {

using namespace std::chrono_literals;

struct Throttling : testing::Test {
    Throttling() {
        config.retry.mode = conf::retry_mode::adaptive;
        const asked_host asked{"sqs.us-east-1.amazonaws.com", {}, false};
        place = std::get<destination_ptr>(table.find(config, "", asked, metrics, now));
    }
    void answer(unsigned status, std::string_view code = "") {
        outcome out;
        out.reply.head.status = status;
        out.code = code;
        learn_pace(*place, out, now);
    }

    tests::still_worker worker;
    conf::config config;
    worker_metrics metrics;
    steady_time now{1000h};
    destination_table table{worker->pool};
    destination_ptr place;
};

TEST_F(Throttling, IsCountedAndSetsThePace) {
    answer(200);
    answer(500);
    answer(400, "ValidationException");
    EXPECT_FALSE(place->pace->is_on());
    EXPECT_EQ(place->counters->throttled, 0u);
    answer(400, "ThrottlingException");
    answer(429);
    EXPECT_TRUE(place->pace->is_on());
    EXPECT_EQ(place->counters->throttled, 2u);
}

TEST_F(Throttling, IsNotLearnedFromWhatWasCancelled) {
    outcome out;
    out.error = io_error::cancelled;
    out.reply.head.status = 429;
    learn_pace(*place, out, now);
    EXPECT_FALSE(place->pace->is_on());
    EXPECT_EQ(place->counters->throttled, 0u);
}

TEST_F(Throttling, RefusesInTheWordsThatMakeSdksSlowDown) {
    const refusal r = refuse_turn(place->plan, 1500ms);
    EXPECT_EQ(r.status, 503u);
    EXPECT_EQ(r.retry_after, 2u);
    EXPECT_EQ(r.kind, refusal_kind::throttled);
    EXPECT_THAT(r.message, testing::HasSubstr("sqs.us-east-1.amazonaws.com throttles"));
    EXPECT_EQ(refuse_turn(place->plan, 999h).retry_after, 3600u);
}

} // namespace throttling_test
} // namespace countersign::proxy
