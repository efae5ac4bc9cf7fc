#include "conf/load.hpp"
#include "proxy/rules/plan.hpp"
#include "signer/headers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace plan_test {

using testing::HasSubstr;
using made = std::variant<plan, refusal>;

conf::config with_route(conf::route r) {
    conf::config c;
    c.routes.push_back(std::move(r));
    return c;
}

made ask(const conf::config& c, std::string_view host, std::optional<std::uint16_t> port = {}, bool https = false) {
    return make_plan(c, "eu-north-1", {host, port, https});
}

plan plan_of(const made& m) {
    EXPECT_TRUE(std::holds_alternative<plan>(m)) << std::get<refusal>(m).message;
    return std::get<plan>(m);
}

refusal refusal_of(const made& m) {
    return std::holds_alternative<refusal>(m) ? std::get<refusal>(m) : refusal{0, "not refused", ""};
}

TEST(Plan, TakesEverythingFromTheNameOfAnAwsEndpoint) {
    const plan p = plan_of(ask({}, "bucket.s3.eu-west-1.amazonaws.com"));
    EXPECT_EQ(p.authority, "bucket.s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(p.tls_name, "bucket.s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(p.dial_host, "bucket.s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(p.dial_port, 443);
    EXPECT_TRUE(p.public_only);
    EXPECT_EQ(p.sign, conf::sign_mode::header);
    EXPECT_EQ(p.service, "s3");
    EXPECT_EQ(p.region, "eu-west-1");
    EXPECT_EQ(p.traits.path, signer::path_rule::s3);
    EXPECT_FALSE(p.max_attempts);
}

TEST(Plan, RefusesWhatItCannotSign) {
    EXPECT_EQ(refusal_of(ask({}, "123456789012.dkr.ecr.us-east-1.amazonaws.com")).code, "not-signed-host");
}

TEST(Plan, SignsForSeveralRegionsWhereTheEndpointOrTheRouteStandsForThem) {
    constexpr std::string_view several_regions = "abc.mrap.accesspoint.s3-global.amazonaws.com";
    const plan by_name = plan_of(ask({}, several_regions));
    EXPECT_TRUE(by_name.sigv4a);
    EXPECT_EQ(by_name.region, "*");
    EXPECT_EQ(by_name.traits.path, signer::path_rule::s3);
    EXPECT_FALSE(plan_of(ask({}, "s3.us-east-1.amazonaws.com")).sigv4a);
    conf::route r;
    r.service = "s3";
    EXPECT_TRUE(plan_of(ask(with_route(r), several_regions)).sigv4a);
    r.region = "eu-west-1"; // whoever writes one region means SigV4
    EXPECT_EQ(plan_of(ask(with_route(r), several_regions)).region, "eu-west-1");
    EXPECT_FALSE(plan_of(ask(with_route(r), several_regions)).sigv4a);
    for (const char* set : {"*", "us-east-1,eu-*", "eu-west-1,eu-west-2"}) {
        r.region = set;
        const plan p = plan_of(ask(with_route(r), "s3.us-east-1.amazonaws.com"));
        EXPECT_TRUE(p.sigv4a) << set;
        EXPECT_EQ(p.region, set);
    }
}

TEST(Plan, TakesTheExceptionsOfARouteFromTheSigningRule) {
    conf::route r;
    r.sign_headers = {"x-tenant"};
    r.unsigned_headers = {"range"};
    const plan p = plan_of(ask(with_route(r), "sqs.us-east-1.amazonaws.com"));
    EXPECT_EQ(p.sign_headers, r.sign_headers);
    EXPECT_EQ(p.unsigned_headers, r.unsigned_headers);
}

// The configuration has the signer's list once more (conf/ knows no signer/), and what the proxy writes anew.
TEST(Plan, MeetsNoNameThatTheSignerWouldIgnore) {
    const auto is_accepted = [](const std::string& key, std::string_view name) {
        try {
            conf::load("[[route]]\nhost = \"*\"\n" + key + " = [\"" + std::string(name) + "\"]", "f");
            return true;
        } catch (const conf::error&) {
            return false;
        }
    };
    for (const std::string_view name :
         {"authorization",
          "connection",
          "expect",
          "keep-alive",
          "proxy-authenticate",
          "te",
          "proxy-connection",
          "trailer",
          "proxy-authorization",
          "sec-websocket-key",
          "upgrade",
          "transfer-encoding",
          "user-agent",
          "sec-websocket-version",
          "sec-websocket-protocol",
          "x-amzn-trace-id",
          "x-amz-date",
          "x-amz-region-set",
          "x-amz-security-token",
          "x-amz-content-sha256",
          "x-tenant",
          "content-encoding",
          "range",
          "x-amz-acl",
          "accept"}) {
        EXPECT_EQ(is_accepted("sign_headers", name), signer::can_be_added(name)) << name;
    }
    for (const std::string_view name : {"content-length", "via", "date"}) {
        EXPECT_FALSE(is_accepted("sign_headers", name)) << name;
    }
    for (const std::string_view name : {"host", "x-amz-acl", "range", "content-type"}) {
        EXPECT_EQ(is_accepted("unsigned_headers", name), signer::can_be_left_out(name)) << name;
    }
}

TEST(Plan, DialsAwsOnItsOwnPortOnly) {
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}})
        EXPECT_EQ(plan_of(ask({}, "sqs.us-east-1.amazonaws.com", port)).authority, "sqs.us-east-1.amazonaws.com");
    const refusal no = refusal_of(ask({}, "sqs.us-east-1.amazonaws.com", 8443));
    EXPECT_EQ(no.status, 403u);
    EXPECT_EQ(no.code, "bad-port");
}

TEST(Plan, PutsABucketIntoThePathWhoseHostNoCertificateCovers) {
    const plan p = plan_of(ask({}, "my.bucket.s3.eu-west-1.amazonaws.com"));
    EXPECT_EQ(p.path_prefix, "/my.bucket");
    EXPECT_EQ(p.authority, "s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(p.tls_name, "s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(p.dial_host, "s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(p.dial_port, 443);
    EXPECT_TRUE(p.public_only);
    EXPECT_EQ(p.service, "s3");
    EXPECT_EQ(p.region, "eu-west-1");
    EXPECT_EQ(plan_of(ask({}, "bucket.s3.eu-west-1.amazonaws.com")).path_prefix, "");
    // Where the host leaves the region open, the regional endpoint of the region that is signed for.
    const plan global = plan_of(ask({}, "my.bucket.s3.amazonaws.com"));
    EXPECT_EQ(global.authority, "s3.us-east-1.amazonaws.com");
    EXPECT_TRUE(global.is_default_region);
    conf::route r;
    r.region = "eu-west-1";
    EXPECT_EQ(plan_of(ask(with_route(r), "my.bucket.s3.amazonaws.com")).authority, "s3.eu-west-1.amazonaws.com");
    for (const char* odd : {"nowhere", "cn-north-1", "*"}) {
        r.region = odd;
        EXPECT_EQ(plan_of(ask(with_route(r), "my.bucket.s3.amazonaws.com")).authority, "s3.amazonaws.com") << odd;
    }
    const refusal no = refusal_of(ask({}, "my.bucket.s3-accelerate.amazonaws.com"));
    EXPECT_EQ(no.code, "bucket-not-accelerated");
    EXPECT_THAT(no.message, HasSubstr("my.bucket.s3.REGION.amazonaws.com"));
}

TEST(Plan, PutsABucketIntoThePathOnARouteOverTlsToo) {
    constexpr std::string_view host = "my.bucket.s3.us-east-1.amazonaws.com";
    conf::route r;
    r.connect = conf::endpoint{"10.0.3.17", 8443};
    const plan tunnel = plan_of(ask(with_route(r), host));
    EXPECT_EQ(tunnel.path_prefix, "/my.bucket");
    EXPECT_EQ(tunnel.authority, "s3.us-east-1.amazonaws.com");
    EXPECT_EQ(tunnel.tls_name, "s3.us-east-1.amazonaws.com");
    EXPECT_EQ(tunnel.dial_host, "10.0.3.17");
    EXPECT_EQ(tunnel.dial_port, 8443);
    r.scheme = conf::scheme::http; // no certificate
    EXPECT_EQ(plan_of(ask(with_route(r), host)).path_prefix, "");
    EXPECT_EQ(plan_of(ask(with_route(r), host)).authority, host);
    r.connect = {};
    EXPECT_EQ(plan_of(ask(with_route(r), "my.bucket.s3-accelerate.amazonaws.com")).path_prefix, "");
    r = {};
    r.sign = conf::sign_mode::none; // a public bucket: its certificate is the same
    EXPECT_EQ(plan_of(ask(with_route(r), host)).path_prefix, "/my.bucket");
    r = {};
    r.upstream = conf::endpoint{std::string(host), 443};
    EXPECT_EQ(plan_of(ask(with_route(r), "files.example")).authority, "s3.us-east-1.amazonaws.com");
    r.upstream = conf::endpoint{"minio.example", 9000};
    r.service = "s3";
    r.region = "us-east-1";
    EXPECT_EQ(plan_of(ask(with_route(r), host)).authority, "minio.example:9000");
    EXPECT_EQ(plan_of(ask(with_route(r), host)).path_prefix, "");
    EXPECT_EQ(plan_of(ask(with_route({}), host, 8443)).authority, "s3.us-east-1.amazonaws.com:8443");
}

// What the policy says about hosts is about the one that was asked for.
TEST(Plan, AsksThePolicyAboutTheHostOfTheBucket) {
    conf::config c;
    conf::rule deny;
    deny.host = {"secret.bucket.s3.*.amazonaws.com"};
    c.policy.deny.push_back(deny);
    EXPECT_EQ(refusal_of(ask(c, "secret.bucket.s3.eu-west-1.amazonaws.com")).code, "policy-denied");
    EXPECT_EQ(plan_of(ask(c, "other.bucket.s3.eu-west-1.amazonaws.com")).path_prefix, "/other.bucket");
}

TEST(Plan, SignsForNobodyElse) {
    struct row {
        const char* host;
        unsigned status;
        const char* code;
    };
    for (const row& r :
         {row{"example.com", 421, "unknown-host"},
          {"amazonaws.com.evil.example", 421, "unknown-host"},
          {"localhost", 421, "unknown-host"},
          {"169.254.169.254", 421, "unknown-host"},
          {"0x7f.1", 421, "unknown-host"},
          {"2130706433", 421, "unknown-host"},
          {"::1", 421, "unknown-host"},
          {"ec2-1-2-3-4.compute-1.amazonaws.com", 403, "customer-host"},
          {"bucket.s3-website-us-east-1.amazonaws.com", 403, "customer-host"},
          {"nosuchservice.us-east-1.amazonaws.com", 421, "unknown-host"}}) {
        const refusal no = refusal_of(ask({}, r.host));
        EXPECT_EQ(no.status, r.status) << r.host;
        EXPECT_EQ(no.code, r.code) << r.host;
        EXPECT_THAT(no.message, HasSubstr(r.host));
    }
}

TEST(Plan, SaysWhichRouteToWrite) {
    EXPECT_THAT(
        refusal_of(ask({}, "search.corp.example")).message, HasSubstr("[[route]] host = \"search.corp.example\"")
    );
}

TEST(Plan, HoldsToTheListOfAllowedHosts) {
    conf::config c;
    c.policy.allow.emplace_back().host = "*.s3.*.amazonaws.com";
    EXPECT_EQ(plan_of(ask(c, "b.s3.us-east-1.amazonaws.com")).service, "s3");
    EXPECT_EQ(refusal_of(ask(c, "sqs.us-east-1.amazonaws.com")).code, "not-allowed");
    // Who writes a route for a host allows it by that.
    conf::route r;
    r.host = "sqs.us-east-1.amazonaws.com";
    c.routes.push_back(r);
    EXPECT_EQ(plan_of(ask(c, "sqs.us-east-1.amazonaws.com")).service, "sqs");
    c.policy.deny.emplace_back().service = "sqs";
    EXPECT_EQ(refusal_of(ask(c, "sqs.us-east-1.amazonaws.com")).code, "policy-denied");
}

TEST(Plan, DeniesHostsThatWouldBePassed) {
    conf::config c;
    c.policy.other = conf::other_hosts::pass;
    c.policy.allow.emplace_back().host = "*.amazonaws.com"; // what may be signed for
    c.policy.deny.emplace_back().host = "*.evil.example";
    EXPECT_EQ(refusal_of(ask(c, "www.evil.example")).code, "policy-denied");
    EXPECT_EQ(plan_of(ask(c, "good.example")).sign, conf::sign_mode::none);
}

TEST(Plan, TakesTimeOutsFromTheRouteThenFromTheFile) {
    using std::chrono::milliseconds;
    conf::route r;
    r.response_timeout = milliseconds{7};
    conf::config c = with_route(r);
    c.upstream.response_timeout = milliseconds{8};
    c.upstream.idle_timeout = milliseconds{9};
    const plan p = plan_of(ask(c, "sqs.us-east-1.amazonaws.com"));
    EXPECT_EQ(p.limits.response, milliseconds{7});
    EXPECT_TRUE(p.limits.response_is_set);
    EXPECT_FALSE(plan_of(ask(conf::config{}, "sqs.us-east-1.amazonaws.com")).limits.response_is_set);
    EXPECT_EQ(p.limits.idle, milliseconds{9});
    c.routes.clear();
    EXPECT_EQ(plan_of(ask(c, "sqs.us-east-1.amazonaws.com")).limits.response, milliseconds{8});
}

TEST(Plan, PassesOtherHostsUnsignedWhereThePolicySaysSo) {
    conf::config c;
    c.policy.other = conf::other_hosts::pass;
    const plan p = plan_of(ask(c, "example.com", 8080));
    EXPECT_EQ(p.sign, conf::sign_mode::none);
    EXPECT_EQ(p.authority, "example.com:8080");
    EXPECT_EQ(p.dial_port, 8080);
    EXPECT_EQ(p.tls_name, "");
    EXPECT_TRUE(p.public_only);
    EXPECT_EQ(plan_of(ask(c, "example.com", {}, true)).tls_name, "example.com");
    EXPECT_EQ(plan_of(ask(c, "example.com", {}, true)).dial_port, 443);
    EXPECT_EQ(plan_of(ask(c, "sqs.us-east-1.amazonaws.com")).sign, conf::sign_mode::header);
    for (const char* never :
         {"169.254.169.254", "127.1", "::1", "ec2-1-2-3-4.compute-1.amazonaws.com", "x.us-east-1.amazonaws.com"})
        EXPECT_NE(refusal_of(ask(c, never)).status, 0u) << never;
}

TEST(Plan, DialsWhereARouteSaysAndKeepsTheName) {
    conf::route r;
    r.host = "*.s3.us-east-1.amazonaws.com";
    r.connect = conf::endpoint{"127.0.0.1", 9000};
    plan p = plan_of(ask(with_route(r), "b.s3.us-east-1.amazonaws.com"));
    EXPECT_EQ(p.dial_host, "127.0.0.1");
    EXPECT_EQ(p.dial_port, 9000);
    EXPECT_FALSE(p.public_only);
    EXPECT_EQ(p.authority, "b.s3.us-east-1.amazonaws.com");
    EXPECT_EQ(p.tls_name, "b.s3.us-east-1.amazonaws.com");
    r.scheme = conf::scheme::http;
    p = plan_of(ask(with_route(r), "b.s3.us-east-1.amazonaws.com", 8080));
    EXPECT_EQ(p.tls_name, "");
    EXPECT_EQ(p.authority, "b.s3.us-east-1.amazonaws.com:8080");
    EXPECT_EQ(p.dial_port, 9000);
}

TEST(Plan, SendsEverythingToAFixedUpstream) {
    conf::route r;
    r.host = "*";
    r.upstream = conf::endpoint{"search-x.us-west-2.es.amazonaws.com", 443};
    r.upstream_scheme = conf::scheme::https;
    plan p = plan_of(ask(with_route(r), "127.0.0.1", 8080));
    EXPECT_EQ(p.authority, "search-x.us-west-2.es.amazonaws.com");
    EXPECT_EQ(p.dial_host, p.authority);
    EXPECT_EQ(p.tls_name, p.authority);
    EXPECT_EQ(p.service, "es");
    EXPECT_EQ(p.region, "us-west-2");
    r.upstream = conf::endpoint{"::1", 9000};
    r.upstream_scheme = conf::scheme::http;
    r.service = "aps";
    p = plan_of(ask(with_route(r), "anything"));
    EXPECT_EQ(p.authority, "[::1]:9000");
    EXPECT_EQ(p.tls_name, "");
    EXPECT_FALSE(p.public_only);
    r.scheme = conf::scheme::https; // stands over the URL's
    EXPECT_EQ(plan_of(ask(with_route(r), "anything")).tls_name, "::1");
}

TEST(Plan, TakesTheScopeFromTheRouteThenFromTheNameThenFromOutside) {
    conf::route r;
    r.host = "*";
    r.service = "execute-api";
    EXPECT_EQ(plan_of(ask(with_route(r), "api.corp.example")).region, "eu-north-1");
    EXPECT_EQ(plan_of(ask(with_route(r), "sqs.us-west-1.amazonaws.com")).region, "us-west-1");
    EXPECT_EQ(plan_of(ask(with_route(r), "sqs.us-west-1.amazonaws.com")).service, "execute-api");
    r.region = "ap-south-1";
    EXPECT_EQ(plan_of(ask(with_route(r), "sqs.us-west-1.amazonaws.com")).region, "ap-south-1");
    r.service.clear();
    EXPECT_EQ(plan_of(ask(with_route(r), "sqs.us-west-1.amazonaws.com")).service, "sqs");
    EXPECT_EQ(refusal_of(ask(with_route(r), "api.corp.example")).code, "unknown-host");
}

TEST(Plan, NeedsNoScopeWhereNothingIsSigned) {
    conf::route r;
    r.host = "api.corp.example";
    r.sign = conf::sign_mode::none;
    const plan p = plan_of(ask(with_route(r), "api.corp.example", 8443));
    EXPECT_EQ(p.sign, conf::sign_mode::none);
    EXPECT_EQ(p.authority, "api.corp.example:8443");
    EXPECT_TRUE(p.public_only);
}

TEST(Plan, TakesTheFirstRouteThatMatchesWithAllItSays) {
    conf::route first;
    first.host = "sqs.*";
    first.sign = conf::sign_mode::query;
    first.payload = conf::payload_mode::unsigned_body;
    first.max_attempts = 7;
    conf::config c = with_route(first);
    conf::route second;
    second.host = "*";
    second.max_attempts = 1;
    c.routes.push_back(second);
    plan p = plan_of(ask(c, "sqs.us-east-1.amazonaws.com"));
    EXPECT_EQ(p.sign, conf::sign_mode::query);
    EXPECT_EQ(p.payload, conf::payload_mode::unsigned_body);
    EXPECT_EQ(p.max_attempts, 7u);
    EXPECT_EQ(plan_of(ask(c, "sns.us-east-1.amazonaws.com")).max_attempts, 1u);
}

} // namespace plan_test
} // namespace countersign::proxy
