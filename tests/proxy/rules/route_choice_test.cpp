#include "proxy/rules/route_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace route_choice_test {

using testing::ElementsAre;

conf::route route(std::string host, std::string path = "", std::vector<std::string> method = {}) {
    conf::route r;
    r.host = std::move(host);
    r.path = std::move(path);
    r.method = std::move(method);
    return r;
}

path_fit uri(std::string_view path, std::string_view prefix = "/v1/") {
    return fit_path(path, prefix, path_reading::uri);
}

TEST(PathFit, ComparesWholeSegmentsOfTheDecodedPath) {
    EXPECT_EQ(uri("/v1/"), path_fit::yes);
    EXPECT_EQ(uri("/v1/a/b"), path_fit::yes);
    EXPECT_EQ(uri("/v1"), path_fit::no);
    EXPECT_EQ(uri("/v10/"), path_fit::no);
    EXPECT_EQ(uri("/V1/"), path_fit::no);
    EXPECT_EQ(uri("/"), path_fit::no);
    EXPECT_EQ(uri(""), path_fit::no);
    EXPECT_EQ(uri("/%76%31/a"), path_fit::yes);
    EXPECT_EQ(uri("/v1", "/v1"), path_fit::yes);
    EXPECT_EQ(uri("/v1/x", "/v1"), path_fit::yes);
    EXPECT_EQ(uri("/v10", "/v1"), path_fit::no);
    EXPECT_EQ(uri("/v1/x/", "/v1"), path_fit::yes); // a final slash is no empty segment
}

TEST(PathFit, HasNoAnswerForWhatServersReadInTwoWays) {
    for (const char* path :
         {"/v1/../admin",
          "/x/../v1/a",
          "/v1/./a",
          "/v1/%2e%2E/a",
          "/v1/.%2e",
          "/v1/..",
          "/.",
          "//v1/a",
          "/v1//a",
          "/v1/..%2fa",
          "/v1/..;/a",
          "/v1\\..\\a",
          "/v1/..%5ca",
          "/v1%2Fa",
          "/%2fv1/a",
          "/v1\\a",
          "/v1%5ca",
          "/x%2f%2fy"})
        EXPECT_EQ(uri(path), path_fit::unclear) << path;
    EXPECT_EQ(uri("/v1%2Fa", "/v1"), path_fit::unclear);
    EXPECT_EQ(uri("/v1\\a", "/v1"), path_fit::unclear);
    // Escaped slashes that change nothing: behind what is compared, or in another path altogether.
    EXPECT_EQ(uri("/v1/arn%3Aaws%3Ax%2Fy"), path_fit::yes);
    EXPECT_EQ(uri("/tags/a%2Fb"), path_fit::no);
    for (const char* path : {"/v1/...", "/v1/.a", "/v1/a..", "/v1/a.;b"})
        EXPECT_EQ(uri(path), path_fit::yes) << path;
}

TEST(PathFit, TakesKeysOfS3AsTheyAre) {
    const auto s3 = [](std::string_view path) { return fit_path(path, "/bucket/a/", path_reading::s3); };
    EXPECT_EQ(s3("/bucket/a/k"), path_fit::yes);
    EXPECT_EQ(s3("/bucket/a//k"), path_fit::yes);
    EXPECT_EQ(s3("/bucket%2Fa%2Fk"), path_fit::yes); // goes out as /bucket/a/k
    EXPECT_EQ(s3("/bucket//a/k"), path_fit::no);
    EXPECT_EQ(s3("/bucket\\a\\k"), path_fit::no);
    EXPECT_EQ(s3("/bucket/a/../k"), path_fit::unclear); // S3 takes it as it is, what stands in front of it may not
}

TEST(RouteChoice, IsTheFirstRouteThatMatchesInAll) {
    const std::vector<conf::route> routes{
        route("a.example", "/v1/", {"GET", "HEAD"}),
        route("*.example", "/v1/"),
        route("a.example", "", {"PUT"}),
        route("b.example")};
    const auto chosen = [&](std::string_view host, std::string_view method, std::string_view path) {
        const route_choice c = choose_route(routes, host, method, path);
        return c.unclear ? -2 : c.route ? static_cast<int>(c.route - routes.data()) : -1;
    };
    EXPECT_EQ(chosen("a.example", "GET", "/v1/x"), 0);
    EXPECT_EQ(chosen("a.example", "PUT", "/v1/x"), 1);
    EXPECT_EQ(chosen("a.example", "PUT", "/v2"), 2);
    EXPECT_EQ(chosen("a.example", "GET", "/v2"), -1);
    EXPECT_EQ(chosen("b.example", "GET", "/v2"), 3);
    EXPECT_EQ(chosen("c.other", "GET", "/v1/"), -1);
    EXPECT_EQ(chosen("a.example", "PUT", "/v2/../v1/"), -2);
    EXPECT_EQ(chosen("c.other", "PUT", "/v2/../v1/"), -1); // nobody asks for its path
    // A host's own keys are S3's, whatever other hosts a glob takes in.
    const std::vector<conf::route> any{route("*", "/b/")};
    EXPECT_FALSE(choose_route(any, "s3.us-east-1.amazonaws.com", "GET", "/b//k").unclear);
    EXPECT_TRUE(choose_route(any, "lambda.us-east-1.amazonaws.com", "GET", "/b//k").unclear);
}

TEST(RouteChoice, KnowsWhichHostsNeedMoreThanTheirName) {
    const std::vector<conf::route> routes{route("a.*"), route("*", "/x"), route("*"), route("b.*")};
    EXPECT_FALSE(is_conditional(routes, "a.b"));
    EXPECT_TRUE(is_conditional(routes, "b.b"));
    EXPECT_FALSE(is_conditional({}, "b.b"));
    EXPECT_THAT(routes_for(routes, "a.b"), ElementsAre(0));
    EXPECT_THAT(routes_for(routes, "b.b"), ElementsAre(1, 2));
}

} // namespace route_choice_test
} // namespace countersign::proxy
