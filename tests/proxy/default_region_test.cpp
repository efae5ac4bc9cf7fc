#include "proxy/default_region.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace default_region_test {

TEST(DefaultRegion, IsNeededOnlyWhereARouteLeavesItOpen) {
    const auto needs = [](auto change) {
        conf::config c;
        conf::route r;
        r.host = "api.corp.example";
        r.service = "execute-api";
        change(r);
        c.routes.push_back(r);
        return needs_default_region(c);
    };
    EXPECT_FALSE(needs_default_region({}));
    EXPECT_TRUE(needs([](conf::route&) {}));
    EXPECT_FALSE(needs([](conf::route& r) { r.region = "us-east-1"; }));
    EXPECT_FALSE(needs([](conf::route& r) { r.service.clear(); }));
    EXPECT_FALSE(needs([](conf::route& r) { r.sign = conf::sign_mode::none; }));
    EXPECT_FALSE(needs([](conf::route& r) { r.host = "sqs.us-east-1.amazonaws.com"; }));
    EXPECT_TRUE(needs([](conf::route& r) { r.host = "*"; }));
    EXPECT_FALSE(needs([](conf::route& r) {
        r.host = "*";
        r.upstream = conf::endpoint{"search-x.us-west-2.es.amazonaws.com", 443};
    }));
}

TEST(DefaultRegion, IsTheConfigurationsWhereItNamesOne) {
    conf::config c;
    c.credentials.region = "eu-north-1";
    EXPECT_EQ(find_default_region(c)->region, "eu-north-1");
    c.credentials.region = "not a region";
    EXPECT_FALSE(find_default_region(c));
}

} // namespace default_region_test
} // namespace countersign::proxy
