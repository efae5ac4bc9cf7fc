#include "proxy/destination.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace destination_test {

using namespace std::chrono_literals;

struct table {
    conf::config config;
    tests::still_worker worker;
    worker_metrics metrics;
    destination_table destinations{worker->pool};
    steady_time now{};

    table() {
        conf::route any;
        any.host = "*.route.example";
        any.service = "s3";
        any.region = "us-east-1";
        config.routes.push_back(any);
    }

    std::variant<destination_ptr, refusal>
    find(std::string_view host, std::optional<std::uint16_t> port = {}, bool https = false) {
        return destinations.find(config, "", {host, port, https}, metrics, now);
    }
    destination_ptr get(std::string_view host, std::optional<std::uint16_t> port = {}, bool https = false) {
        return std::get<destination_ptr>(find(host, port, https));
    }
};

TEST(DestinationTable, PlansAHostOnce) {
    table t;
    const destination_ptr first = t.get("sqs.us-east-1.amazonaws.com");
    t.config.policy.allow.emplace_back().host = "nothing"; // would not be planned again
    EXPECT_EQ(t.get("sqs.us-east-1.amazonaws.com"), first);
    t.destinations.clear();
    EXPECT_TRUE(std::holds_alternative<refusal>(t.find("sqs.us-east-1.amazonaws.com")));
    EXPECT_EQ(first->plan.service, "sqs"); // who holds it may go on with it
}

TEST(DestinationTable, ForgetsWhatItSaidOfTheClock) {
    table t;
    const destination_ptr d = t.get("sqs.us-east-1.amazonaws.com");
    d->learn_clock(20min);
    const auto& told = t.metrics.of_scope("sqs", "us-east-1").clock_offset;
    EXPECT_EQ(told, 20min);
    t.destinations.clear();
    EXPECT_EQ(told, 0s);
}

TEST(DestinationTable, TellsPortsAndSchemesApart) {
    table t;
    const destination_ptr plain = t.get("a.route.example");
    EXPECT_NE(t.get("a.route.example", 8080), plain);
    EXPECT_NE(t.get("a.route.example", {}, true), plain);
    EXPECT_NE(t.get("a.route.example", 8081), t.get("a.route.example", 8080));
    EXPECT_EQ(t.get("a.route.example"), plain);
}

TEST(DestinationTable, RemembersNoRefusal) {
    table t;
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(std::get<refusal>(t.find("example.com")).status, 421u);
    t.config.policy.other = conf::other_hosts::pass;
    EXPECT_EQ(t.get("example.com")->plan.sign, conf::sign_mode::none);
}

TEST(DestinationTable, ForgetsTheLongestUnusedWhenItIsFull) {
    table t;
    const auto host = [](std::size_t i) { return fmt::format("h{}.route.example", i); };
    std::vector<const destination*> made;
    for (std::size_t i = 0; i < destination_table::most; ++i) {
        t.now += 1s;
        made.push_back(t.get(host(i)).get());
    }
    t.now += 1s;
    const destination_ptr used = t.get(host(0)); // the oldest one, but used since
    t.now += 1s;
    t.get("one.too.many.route.example");
    EXPECT_EQ(used->use_count(), 2u); // the table still has it
    EXPECT_EQ(t.get(host(0)), used);
    EXPECT_EQ(t.get(host(destination_table::most - 1)).get(), made.back());
    // A client that invents names makes nothing grow: the counters and budgets are the scope's.
    for (std::size_t i = 0; i < 3 * destination_table::most; ++i) {
        t.now += 1s;
        t.get(fmt::format("n{}.route.example", i));
    }
    EXPECT_EQ(t.metrics.scopes.size(), 1u);
    EXPECT_EQ(used->use_count(), 1u); // and at last this one is forgotten too
}

TEST(DestinationTable, SharesOneBudgetPerScope) {
    table t;
    const destination_ptr a = t.get("a.s3.us-east-1.amazonaws.com");
    const destination_ptr b = t.get("b.s3.us-east-1.amazonaws.com");
    const destination_ptr other = t.get("a.s3.us-west-2.amazonaws.com");
    EXPECT_EQ(a->budget, b->budget);
    EXPECT_EQ(a->counters, b->counters);
    EXPECT_NE(a->budget, other->budget);
    EXPECT_EQ(a->throttling, b->throttling);
    EXPECT_NE(a->throttling, other->throttling);
    EXPECT_NE(a->counters, other->counters);
}

TEST(DestinationTable, HasOnePacePerScopeWhereTheModeIsAdaptive) {
    table t;
    EXPECT_FALSE(t.get("a.s3.us-east-1.amazonaws.com")->pace);
    t.config.retry.mode = conf::retry_mode::adaptive;
    const destination_ptr b = t.get("b.s3.us-east-1.amazonaws.com");
    EXPECT_TRUE(b->pace);
    EXPECT_EQ(t.get("c.s3.us-east-1.amazonaws.com")->pace, b->pace);
    EXPECT_NE(t.get("a.s3.us-west-2.amazonaws.com")->pace, b->pace);
    t.config.routes.front().retry_mode = conf::retry_mode::standard;
    EXPECT_FALSE(t.get("x.route.example")->pace);
}

TEST(DestinationTable, TakesTheRetriesFromRouteThenFileThenService) {
    table t;
    EXPECT_EQ(t.get("dynamodb.us-east-1.amazonaws.com")->retries.max_attempts, 4u);
    EXPECT_EQ(t.get("sqs.us-east-1.amazonaws.com")->retries.max_attempts, 3u);
    t.config.retry.max_attempts = 6;
    EXPECT_EQ(t.get("sns.us-east-1.amazonaws.com")->retries.max_attempts, 6u);
    t.config.retry.mode = conf::retry_mode::off;
    EXPECT_EQ(t.get("kms.us-east-1.amazonaws.com")->retries.max_attempts, 1u);
    t.config.routes.front().max_attempts = 5;
    EXPECT_EQ(t.get("x.route.example")->retries.max_attempts, 5u);
}

TEST(DestinationTable, LetsARoutesModeStandOverTheFiles) {
    table t;
    t.config.retry.mode = conf::retry_mode::off;
    t.config.retry.max_attempts = 6;
    t.config.routes.front().retry_mode = conf::retry_mode::standard;
    EXPECT_EQ(t.get("x.route.example")->retries.max_attempts, 6u);
    t.config.retry.mode = conf::retry_mode::standard;
    t.config.routes.front().retry_mode = conf::retry_mode::off;
    EXPECT_EQ(t.get("y.route.example")->retries.max_attempts, 1u);
}

struct forked : table {
    forked() {
        conf::route v1 = config.routes.front();
        v1.path = "/v1/";
        v1.name = "v1";
        conf::route writes = config.routes.front();
        writes.host = "*";
        writes.method = {"PUT", "DELETE"};
        writes.name = "writes";
        config.routes = {v1, writes};
        config.routes.push_back(conf::route{});
        config.routes.back().host = "*.other.example";
        config.routes.back().service = "sqs";
        config.routes.back().region = "us-east-1";
    }
    std::variant<destination_ptr, refusal> ask(std::string_view host, std::string_view method, std::string_view path) {
        return destinations.find(config, "", {host, {}, false, method, path}, metrics, now);
    }
    std::string route(std::string_view host, std::string_view method, std::string_view path) {
        const auto found = ask(host, method, path);
        const auto* place = std::get_if<destination_ptr>(&found);
        return place ? (*place)->plan.route : std::string(std::get<refusal>(found).code);
    }
};

TEST(DestinationTable, KeepsOneDestinationForEachRouteThatAsksForMoreThanTheHost) {
    forked t;
    EXPECT_EQ(t.route("a.route.example", "GET", "/v1/x"), "v1");
    EXPECT_EQ(t.route("a.route.example", "PUT", "/v2"), "writes");
    EXPECT_EQ(t.route("a.route.example", "GET", "/v2"), "unknown-host"); // and no other route's by mistake
    EXPECT_EQ(t.route("a.route.example", "PUT", "/v1/../x"), "ambiguous-path");
    EXPECT_EQ(t.route("a.other.example", "PUT", "/v1/../x"), "writes");
    EXPECT_EQ(t.route("a.other.example", "GET", "/"), "*.other.example");
    EXPECT_EQ(t.route("sqs.us-east-1.amazonaws.com", "GET", "/"), "");
    const auto first = std::get<destination_ptr>(t.ask("a.route.example", "GET", "/v1/x"));
    EXPECT_EQ(std::get<destination_ptr>(t.ask("a.route.example", "GET", "/v1/y")), first);
    EXPECT_NE(std::get<destination_ptr>(t.ask("b.route.example", "GET", "/v1/y")), first);
    t.destinations.clear();
    EXPECT_EQ(first->use_count(), 1u);
}

TEST(DestinationTable, LearnsTheRegionOfABucketWhoseHostDoesNotNameIt) {
    table t;
    const destination_ptr open = t.get("bucket.s3.amazonaws.com");
    EXPECT_EQ(open->region(), "us-east-1");
    open->learn_region("eu-west-1");
    EXPECT_EQ(open->region(), "eu-west-1");
    EXPECT_EQ(t.get("bucket.s3.amazonaws.com")->region(), "eu-west-1");
    EXPECT_EQ(t.get("other.s3.amazonaws.com")->region(), "us-east-1");
    // In path style the endpoint is a region's own.
    proxy::plan in_path = open->plan;
    in_path.path_prefix = "/my.bucket";
    destination dotted{in_path, t.worker->pool};
    dotted.learn_region("eu-west-1");
    EXPECT_EQ(dotted.region(), "us-east-1");
}

TEST(DestinationTable, KeepsOneDestinationForEachServiceOfASharedHost) {
    table t;
    const auto ask = [&](std::string_view path) {
        const asked_host asked{"maps.geo.eu-west-1.amazonaws.com", {}, false, "GET", path};
        return std::get<destination_ptr>(t.destinations.find(t.config, "", asked, t.metrics, t.now));
    };
    const destination_ptr older = ask("/maps/v0/maps");
    const destination_ptr newer = ask("/v2/tiles/x");
    EXPECT_EQ(older->plan.service, "geo");
    EXPECT_EQ(newer->plan.service, "geo-maps");
    EXPECT_EQ(ask("/maps/v0/maps"), older);
    EXPECT_EQ(ask("/v2/glyphs/y"), newer);
}

TEST(DestinationTable, AsksForTheServiceOfAFixedUpstreamThatIsShared) {
    table t;
    conf::route fixed;
    fixed.host = "*";
    fixed.upstream = conf::endpoint{"places.geo.eu-west-1.amazonaws.com", 443};
    t.config.routes = {fixed};
    const auto service = [&](std::string_view path) {
        const asked_host asked{"anything.example", {}, false, "GET", path};
        return std::get<destination_ptr>(t.destinations.find(t.config, "", asked, t.metrics, t.now))->plan.service;
    };
    EXPECT_EQ(service("/places/v0/indexes"), "geo");
    EXPECT_EQ(service("/v2/search-text"), "geo-places");
    EXPECT_EQ(service("/places/v0/indexes"), "geo");
}

TEST(DestinationTable, BoundsTheHostsThatHaveSeveral) {
    forked t;
    const auto first = std::get<destination_ptr>(t.ask("h.route.example", "GET", "/v1/x"));
    for (std::size_t i = 0; i < destination_table::most_forks; ++i) {
        t.now += 1s;
        t.ask(fmt::format("h{}.route.example", i), "GET", "/v1/x");
    }
    EXPECT_EQ(first->use_count(), 1u);
}

TEST(DestinationTable, SharesALimitAmongTheHostsOfARoute) {
    table t;
    t.config.routes.front().rate_limit = conf::rate{1, 3600s};
    const destination_ptr a = t.get("a.route.example");
    EXPECT_EQ(t.get("b.route.example")->limiter, a->limiter);
    EXPECT_TRUE(a->limiter);
    EXPECT_FALSE(t.get("sqs.us-east-1.amazonaws.com")->limiter);
    t.destinations.clear(); // a reload that leaves the route as it is gives nobody a new bucket
    EXPECT_EQ(t.get("a.route.example")->limiter, a->limiter);
}

} // namespace destination_test
} // namespace countersign::proxy
