#include "proxy/observe/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <regex>
#include <sstream>

namespace countersign::proxy {
namespace metrics_test {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(Metrics, PutsAValueInTheFirstBucketThatHoldsIt) {
    histogram h;
    h.add(0ns);
    h.add(1ms); // le is inclusive
    h.add(1000001ns);
    h.add(30s);
    h.add(31s);
    EXPECT_EQ(h.buckets.front(), 2u);
    EXPECT_EQ(h.buckets[1], 1u);
    EXPECT_EQ(h.buckets[13], 1u);
    EXPECT_EQ(h.buckets[14], 1u);
    EXPECT_EQ(h.count, 5u);
    EXPECT_NEAR(h.sum, 61.002000001, 1e-9);
}

TEST(Metrics, KeepsReferencesToScopes) {
    worker_metrics m;
    scope_counters& first = m.of_scope("s3", "us-east-1");
    for (int i = 0; i < 100; ++i)
        m.of_scope("s3", "region-" + std::to_string(i));
    EXPECT_EQ(&m.of_scope("s3", "us-east-1"), &first);
}

TEST(Metrics, BoundsTheSeries) {
    worker_metrics m;
    for (int i = 0; i < 10000; ++i)
        m.of_scope("s3", "region-" + std::to_string(i)).first_attempts += 1;
    EXPECT_EQ(m.scopes.size(), worker_metrics::max_series + 1);
    EXPECT_EQ(m.of_scope("new", "new").first_attempts, 10000 - worker_metrics::max_series);
    const std::vector<worker_metrics> two{m, m};
    const std::string text = render_metrics(two, {});
    EXPECT_THAT(text, HasSubstr("countersign_attempts_total{service=\"other\",reason=\"first\"} 19488\n"));
}

std::string two_workers() {
    std::vector<worker_metrics> workers(2);
    for (worker_metrics& w : workers) {
        scope_counters& s3 = w.of_scope("s3", "eu-west-1");
        s3.requests_by_code[200] = 3;
        s3.requests_by_code[0] = 1;
        s3.first_attempts = 4;
        s3.retries[static_cast<std::size_t>(retry_reason::throttled)] = 2;
        s3.throttled = 3;
        w.of_scope("s3", "us-east-1").first_attempts = 1;
        w.request_seconds.add(2ms);
        w.upstream_seconds.add(40s);
        w.client_connections_total = 7;
        w.upstream_connections_total = 5;
        w.client_connections = 2;
        w.upstream_connections = 1;
        w.refusals_total = 9;
        w.request_bytes = 10;
        w.response_bytes = 20;
    }
    const std::vector<credential_gauge> credentials{
        {"default", "imds", 120.5}, {"audit", "static", std::numeric_limits<double>::infinity()}};
    return render_metrics(workers, credentials);
}

TEST(Metrics, AddsTheWorkersUp) {
    const std::string text = two_workers();
    for (const char* line :
         {"countersign_requests_total{service=\"s3\",region=\"eu-west-1\",code=\"200\"} 6",
          "countersign_requests_total{service=\"s3\",region=\"eu-west-1\",code=\"0\"} 2",
          "countersign_attempts_total{service=\"s3\",reason=\"first\"} 10",
          "countersign_attempts_total{service=\"s3\",reason=\"throttled\"} 4",
          "countersign_attempts_total{service=\"s3\",reason=\"timeout\"} 0",
          "countersign_throttled_total{service=\"s3\",region=\"eu-west-1\"} 6",
          "countersign_throttled_total{service=\"s3\",region=\"us-east-1\"} 0",
          "countersign_request_seconds_bucket{le=\"0.001\"} 0",
          "countersign_request_seconds_bucket{le=\"0.0025\"} 2",
          "countersign_request_seconds_bucket{le=\"30\"} 2",
          "countersign_request_seconds_count 2",
          "countersign_upstream_seconds_bucket{le=\"30\"} 0",
          "countersign_upstream_seconds_bucket{le=\"+Inf\"} 2",
          "countersign_upstream_seconds_sum 80",
          "countersign_credentials_expiry_seconds{identity=\"default\",provider=\"imds\"} 120.5",
          "countersign_credentials_expiry_seconds{identity=\"audit\",provider=\"static\"} +Inf",
          "countersign_connections{side=\"client\"} 4",
          "countersign_connections{side=\"upstream\"} 2",
          "countersign_connections_opened_total{side=\"client\"} 14",
          "countersign_connections_opened_total{side=\"upstream\"} 10",
          "countersign_refusals_total 18",
          "countersign_bytes_total{direction=\"request\"} 20",
          "countersign_bytes_total{direction=\"response\"} 40"})
        EXPECT_THAT(text, HasSubstr(std::string("\n") + line + "\n"));
}

double value_of(const std::string& text, const std::string& name) {
    std::smatch found;
    return std::regex_search(text, found, std::regex("\n" + name + " ([0-9.e+]+)\n")) ? std::stod(found[1]) : -1;
}

TEST(Metrics, LooksAtItsOwnProcess) {
    const std::string text = two_workers();
    EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
    EXPECT_GE(value_of(text, "process_open_fds"), 3);
    EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
    EXPECT_THAT(text, HasSubstr("countersign_build_info{version=\""));
}

TEST(Metrics, WritesNothingButTheExpositionFormat) {
    const std::regex line(
        R"(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? ([0-9.e+-]+|\+Inf))"
    );
    std::istringstream text(two_workers());
    int lines = 0;
    for (std::string each; std::getline(text, each); ++lines)
        EXPECT_TRUE(std::regex_match(each, line)) << each;
    EXPECT_GT(lines, 60);
}

TEST(Metrics, TellsTheWrongestClockOfAllWorkers) {
    std::vector<worker_metrics> workers(3);
    workers[0].of_scope("s3", "eu-west-1").clock_offset = 0s; // set right again
    workers[1].of_scope("s3", "eu-west-1").clock_offset = -20min;
    workers[2].of_scope("sqs", "eu-west-1").first_attempts = 1; // never wrong
    const std::string text = render_metrics(workers, {});
    EXPECT_THAT(text, HasSubstr("countersign_clock_offset_seconds{service=\"s3\",region=\"eu-west-1\"} -1200\n"));
    EXPECT_THAT(text, Not(HasSubstr("countersign_clock_offset_seconds{service=\"sqs\"")));
}

TEST(Metrics, TellPeopleOfServicesThatThrottleOrHaveAnotherClock) {
    std::vector<worker_metrics> workers(2);
    EXPECT_EQ(describe_services(workers), "");
    workers[0].of_scope("s3", "eu-west-1").clock_offset = -20min;
    workers[0].of_scope("sqs", "eu-west-1").throttled = 3;
    workers[1].of_scope("sqs", "eu-west-1").throttled = 4;
    workers[1].of_scope("sns", "eu-west-1").first_attempts = 1;
    EXPECT_EQ(
        describe_services(workers),
        "service s3 in eu-west-1: its clock is 1200 s behind this machine's; check NTP\n"
        "service sqs in eu-west-1: 7 attempts throttled; where that goes on, ask Service Quotas for more\n"
    );
}

TEST(Metrics, RendersWithoutWorkers) {
    EXPECT_THAT(render_metrics({}, {}), HasSubstr("countersign_refusals_total 0\n"));
}

} // namespace metrics_test
} // namespace countersign::proxy
