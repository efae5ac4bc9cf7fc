// How long the service may take for a request: what is configured, and what its operation needs.
#include "proxy/attempt.hpp"
#include "proxy/request_writer.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gtest/gtest.h>

#include <memory_resource>
#include <string>

namespace countersign::proxy {
namespace time_limits_test {

using namespace std::chrono_literals;

struct limits {
    std::chrono::milliseconds answer, pause;
    std::chrono::nanoseconds longest;
};

limits limits_for(std::string_view line, std::string_view host, const conf::config& config = {}) {
    tests::still_worker w;
    const std::string text = std::string(line) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
    field_array room;
    request_head head;
    received in;
    EXPECT_EQ(parse_request(text, room, head), head_error::none);
    EXPECT_FALSE(read_inbound(head, {"us", {}}, in.request));
    in.began = w->now();
    admitted at;
    at.destination.reset(new destination(std::get<plan>(make_plan(config, "", {in.request.host, {}, false})), w->pool));
    body::body_hash hash;
    std::pmr::monotonic_buffer_resource memory;
    const prepared as = prepare(in, at, {}, hash, memory);
    const exchange_limits l = limits_of(in, at, as, *w);
    return {l.answer, l.pause, l.give_up - in.began};
}

constexpr std::string_view invocation = "POST /2015-03-31/functions/f/invocations";
constexpr std::string_view lambda = "lambda.us-east-1.amazonaws.com";

TEST(TimeLimits, EndEveryOrdinaryRequestWithinNinetySeconds) {
    const limits l = limits_for("GET /k", "bucket.s3.us-east-1.amazonaws.com");
    EXPECT_EQ(l.answer, 60s);
    EXPECT_GE(l.longest, 60s);
    EXPECT_LE(l.longest, 90s);
}

TEST(TimeLimits, LetSlowOperationsTakeTheirTime) {
    const limits l = limits_for(invocation, lambda);
    EXPECT_GT(l.answer, 15min);
    EXPECT_GT(l.pause, 15min);
    EXPECT_GT(l.longest, 15min);
    EXPECT_GT(limits_for("POST /model/m/converse", "bedrock-runtime.us-east-1.amazonaws.com").answer, 60min);
    EXPECT_EQ(limits_for("GET /2015-03-31/functions", lambda).answer, 60s);
}

TEST(TimeLimits, AreTheConfigurationsOwnWhereItSetsThem) {
    conf::config config;
    config.routes.emplace_back().response_timeout = 5s;
    EXPECT_EQ(limits_for(invocation, lambda, config).answer, 5s);
}

} // namespace time_limits_test
} // namespace countersign::proxy
