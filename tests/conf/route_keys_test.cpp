#include "conf/load.hpp"
#include "conf/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::conf {
namespace route_keys_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal_of(std::string_view line) {
    try {
        load("[[route]]\nhost = \"*\"\n" + std::string(line), "f.toml");
    } catch (const error& e) {
        return e.what();
    }
    return "accepted";
}

TEST(RouteKeys, AreRead) {
    const config c = load(
        R"([[route]]
name = "reports"
host = "*"
path = "/v1/"
method = ["GET", "HEAD"]
retry_mode = "off"
connect_timeout = "1s"
request_timeout = "2s"
response_timeout = "3s"
idle_timeout = "4s"
rate_limit = "20/m"
rate_limit_wait = "0s"
add_headers = {"X-Tenant" = "a b"}
remove_headers = ["X-Debug", "x-b"])",
        "f.toml"
    );
    const route& r = c.routes.at(0);
    EXPECT_EQ(r.name, "reports");
    EXPECT_EQ(r.path, "/v1/");
    EXPECT_THAT(r.method, ElementsAre("GET", "HEAD"));
    EXPECT_EQ(r.retry_mode, retry_mode::off);
    EXPECT_EQ(r.connect_timeout, 1s);
    EXPECT_EQ(r.request_timeout, 2s);
    EXPECT_EQ(r.response_timeout, 3s);
    EXPECT_EQ(r.idle_timeout, 4s);
    EXPECT_EQ(r.rate_limit, (rate{20, 60s}));
    EXPECT_EQ(r.rate_limit_wait, 0s);
    ASSERT_EQ(r.add_headers.size(), 1u);
    EXPECT_EQ(r.add_headers[0].name, "X-Tenant");
    EXPECT_EQ(r.add_headers[0].value, "a b");
    EXPECT_THAT(r.remove_headers, ElementsAre("x-debug", "x-b"));
}

TEST(RouteKeys, TakePathsWithOneMeaningOnly) {
    for (const char* bad : {"v1", "", "/v1?a", "/v%31", "/a//b", "/a/../b", "/.", "/a\\\\b", "/"})
        EXPECT_THAT(refusal_of("path = \"" + std::string(bad) + "\""), HasSubstr("f.toml:3: route.path")) << bad;
    for (const char* good : {"/v1", "/v1/", "/a/b.c/...", "/a/.b"})
        EXPECT_EQ(refusal_of("path = \"" + std::string(good) + "\""), "accepted") << good;
}

TEST(RouteKeys, LeaveFieldsAloneThatOthersRelyOn) {
    for (const char* name :
         {"Host",       "content-length", "Transfer-Encoding",     "Connection",   "TE",
          "Upgrade",    "Expect",         "Proxy-Authorization",   "Via",          "Authorization",
          "X-Amz-Date", "Date",           "X-Amz-Security-Token",  "X-Amz-Target", "x-amz-content-sha256",
          "Keep-Alive", "Trailer",        "X-Countersign-Dry-Run", "Content-Type", "Smithy-Protocol"}) {
        EXPECT_THAT(refusal_of("add_headers = {\"" + std::string(name) + "\" = \"x\"}"), HasSubstr("leave it")) << name;
        EXPECT_THAT(refusal_of("remove_headers = \"" + std::string(name) + "\""), HasSubstr("leave it")) << name;
    }
    EXPECT_THAT(refusal_of(R"(add_headers = {"X A" = "x"})"), HasSubstr("expected the name of a header field"));
    EXPECT_THAT(refusal_of(R"(add_headers = {"X-A" = "x\r\nHost: evil"})"), HasSubstr("visible ASCII"));
    EXPECT_THAT(refusal_of(R"(add_headers = {"X-A" = " x"})"), HasSubstr("blank"));
    EXPECT_THAT(refusal_of(R"(add_headers = {"X-A" = "x", "x-a" = "y"})"), HasSubstr("already"));
    EXPECT_THAT(refusal_of(R"(add_headers = ["X-A"])"), HasSubstr("inline table"));
}

TEST(RouteKeys, TakeRatesOfRequests) {
    EXPECT_EQ(parse_rate("100/s", "r"), (rate{100, 1s}));
    EXPECT_EQ(parse_rate("5/h", "r"), (rate{5, 3600s}));
    for (const char* bad : {"", "100", "0/s", "-1/s", "1.5/s", "100/d", "100/ s", "2000000/s", "99999999999999/s"})
        EXPECT_THROW(parse_rate(bad, "r"), error) << bad;
}

TEST(RouteKeys, AreNotToContradict) {
    EXPECT_THAT(refusal_of("retry_mode = \"off\"\nmax_attempts = 3"), HasSubstr("contradicts"));
    EXPECT_THAT(refusal_of("rate_limit_wait = \"1s\""), HasSubstr("f.toml:1: rate_limit_wait needs a rate_limit"));
    EXPECT_EQ(refusal_of("rate_limit = \"1/s\"\nrate_limit_wait = \"1m\""), "accepted");
    EXPECT_EQ(refusal_of("retry_mode = \"off\"\nmax_attempts = 1"), "accepted");
}

std::string both(std::string_view first, std::string_view second) {
    try {
        load(
            "[[route]]\nhost = \"*.example\"\n" + std::string(first) + "\n[[route]]\nhost = \"a.example\"\n" +
                std::string(second),
            "f.toml"
        );
    } catch (const error& e) {
        return e.what();
    }
    return "accepted";
}

TEST(RouteKeys, ShowRoutesThatAreNeverReached) {
    EXPECT_THAT(both("", "path = \"/v1\""), HasSubstr("never reached"));
    EXPECT_THAT(both("path = \"/v1\"", "path = \"/v1/x\""), HasSubstr("never reached"));
    EXPECT_THAT(
        both("path = \"/v1\"\nmethod = [\"GET\", \"PUT\"]", "path = \"/v1/\"\nmethod = \"PUT\""), HasSubstr("never")
    );
    EXPECT_EQ(both("path = \"/v1\"", "path = \"/v10\""), "accepted");
    EXPECT_EQ(both("path = \"/v1/\"", "path = \"/v1\""), "accepted");
    EXPECT_EQ(both("path = \"/v1\"", ""), "accepted");
    EXPECT_EQ(both("method = \"GET\"", ""), "accepted");
    EXPECT_EQ(both("method = \"GET\"", "method = [\"GET\", \"PUT\"]"), "accepted");
}

} // namespace route_keys_test
} // namespace countersign::conf
