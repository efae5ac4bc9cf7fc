// How long the service may take for a request: what is configured, and what its operation needs.
#include "proxy/forward.hpp"
#include "proxy/outgoing.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::proxy {
namespace {

using namespace std::chrono_literals;

struct limits {
    std::chrono::milliseconds answer, pause;
    std::chrono::nanoseconds longest;
};

limits limits_of(std::string_view line, std::string_view host, const conf::config& config = {}) {
    tests::still_worker w;
    const std::string text = std::string(line) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
    exchange x;
    EXPECT_EQ(parse_request(text, x.request_fields, x.head), head_error::none);
    EXPECT_FALSE(read_inbound(x.head, {"us", {}}, x.in));
    x.place.reset(new destination(std::get<plan>(make_plan(config, "", {x.in.host, {}, false}))));
    prepare(x);
    x.began = w->now();
    begin_time(x, *w);
    return {x.answer_limit, x.pause_limit, x.give_up - x.began};
}

constexpr std::string_view invocation = "POST /2015-03-31/functions/f/invocations";
constexpr std::string_view lambda = "lambda.us-east-1.amazonaws.com";

TEST(TimeLimits, EndEveryOrdinaryRequestWithinNinetySeconds) {
    const limits l = limits_of("GET /k", "bucket.s3.us-east-1.amazonaws.com");
    EXPECT_EQ(l.answer, 60s);
    EXPECT_GE(l.longest, 60s);
    EXPECT_LE(l.longest, 90s);
}

TEST(TimeLimits, LetSlowOperationsTakeTheirTime) {
    const limits l = limits_of(invocation, lambda);
    EXPECT_GT(l.answer, 15min);
    EXPECT_GT(l.pause, 15min);
    EXPECT_GT(l.longest, 15min);
    EXPECT_GT(limits_of("POST /model/m/converse", "bedrock-runtime.us-east-1.amazonaws.com").answer, 60min);
    EXPECT_EQ(limits_of("GET /2015-03-31/functions", lambda).answer, 60s);
}

TEST(TimeLimits, AreTheConfigurationsOwnWhereItSetsThem) {
    conf::config config;
    config.routes.emplace_back().response_timeout = 5s;
    EXPECT_EQ(limits_of(invocation, lambda, config).answer, 5s);
}

} // namespace
} // namespace countersign::proxy
