#include "proxy/rules/redirect.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace redirect_test {

std::string followed(const redirect_answer& said, std::string_view host, std::string_view region = "us-east-1") {
    const auto to = read_redirect(said, host, region);
    return to ? to->host + " " + to->region : "";
}

TEST(Redirect, FindsTheSameEndpointOfAnotherRegion) {
    const std::pair<const char*, const char*> hosts[]{
        {"b.s3.amazonaws.com", "b.s3.eu-west-1.amazonaws.com"},
        {"a.b.s3.us-east-1.amazonaws.com", "a.b.s3.eu-west-1.amazonaws.com"},
        {"s3.amazonaws.com", "s3.eu-west-1.amazonaws.com"},
        {"b.s3-us-west-2.amazonaws.com", "b.s3.eu-west-1.amazonaws.com"},
        {"b.s3.dualstack.us-west-2.amazonaws.com", "b.s3.dualstack.eu-west-1.amazonaws.com"},
        {"b.s3-fips.us-west-2.amazonaws.com", "b.s3-fips.eu-west-1.amazonaws.com"},
        {"b.s3-accelerate.amazonaws.com", ""},
        {"ap-1.s3-accesspoint.us-west-2.amazonaws.com", ""},
        {"sqs.us-west-2.amazonaws.com", ""},
        {"example.com", ""},
    };
    for (const auto& [host, expected] : hosts)
        EXPECT_EQ(s3_host_in(host, "eu-west-1"), expected) << host;
}

TEST(Redirect, KnowsHostsThatStandForOneBucket) {
    for (const char* host :
         {"b.s3.amazonaws.com", "a.b.s3.us-east-1.amazonaws.com", "b.s3-fips.us-west-2.amazonaws.com"})
        EXPECT_TRUE(names_bucket(host)) << host;
    for (const char* host : {"s3.amazonaws.com", "s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com", "x"})
        EXPECT_FALSE(names_bucket(host)) << host;
}

TEST(Redirect, LeadsBackToTheClientsHostFromElsewhere) {
    const redirect_answer said{301, "PermanentRedirect", "us-west-2", "", ""};
    const std::string host = "b.s3.us-west-2.amazonaws.com";
    EXPECT_EQ(followed(said, host, "eu-west-1"), host + " us-west-2");
    EXPECT_EQ(followed(said, host, "us-west-2"), "");
}

TEST(Redirect, GoesWhereLocationAndRegionSay) {
    const std::string host = "b.s3.amazonaws.com";
    EXPECT_EQ(
        followed({307, "TemporaryRedirect", "eu-west-1", "https://b.s3-eu-west-1.amazonaws.com/k?x", ""}, host),
        "b.s3-eu-west-1.amazonaws.com eu-west-1"
    );
    EXPECT_EQ(
        followed({307, "", "", "http://B.s3.eu-west-1.amazonaws.com:443/k", ""}, host),
        "b.s3.eu-west-1.amazonaws.com eu-west-1"
    );
    EXPECT_EQ(
        followed({307, "", "eu-west-1", "", "b.s3.eu-west-1.amazonaws.com"}, host),
        "b.s3.eu-west-1.amazonaws.com eu-west-1"
    );
    EXPECT_EQ(
        followed({301, "PermanentRedirect", "eu-west-1", "", ""}, "b.s3.us-east-1.amazonaws.com"),
        "b.s3.eu-west-1.amazonaws.com eu-west-1"
    );
    EXPECT_EQ(
        followed({301, "PermanentRedirect", "eu-west-1", "", "b.s3.amazonaws.com"}, "s3.amazonaws.com"),
        "s3.eu-west-1.amazonaws.com eu-west-1"
    );
    // A name of S3's own that says nothing: the region does.
    EXPECT_EQ(
        followed({307, "", "eu-west-1", "https://b.s3-gztb4pa9sq.amazonaws.com/k", ""}, host),
        "b.s3.eu-west-1.amazonaws.com eu-west-1"
    );
    EXPECT_EQ(
        followed({400, "IllegalLocationConstraintException", "me-south-1", "", ""}, host),
        "b.s3.me-south-1.amazonaws.com me-south-1"
    );
}

TEST(Redirect, FollowsNoLocationToElsewhere) {
    const std::string host = "b.s3.amazonaws.com";
    for (const char* location : {
             "http://169.254.169.254/latest/meta-data/",
             "https://example.com/k",
             "https://b.s3.eu-west-1.amazonaws.com.example.com/k",
             "https://user@b.s3.eu-west-1.amazonaws.com/k",
             "https://b.s3.eu-west-1.amazonaws.com:8443/k",
             "ftp://b.s3.eu-west-1.amazonaws.com/k",
             "//b.s3.eu-west-1.amazonaws.com/k",
             "/k",
             "https://ec2-1-2-3-4.eu-west-1.compute.amazonaws.com/k",
             "https://b.s3-website-eu-west-1.amazonaws.com/k",
         })
        EXPECT_EQ(followed({307, "", "eu-west-1", location, ""}, host), "") << location;
    // Another bucket or service: only the region is believed.
    EXPECT_EQ(
        followed({307, "", "eu-west-1", "https://other.s3.eu-west-1.amazonaws.com/k", ""}, host),
        "b.s3.eu-west-1.amazonaws.com eu-west-1"
    );
    EXPECT_EQ(followed({307, "", "", "https://sqs.eu-west-1.amazonaws.com/k", ""}, host), "");
    for (const char* region : {"us-gov-west-1", "cn-north-1", "nowhere", "eu-west-1.example.com", "eu-west-1/"})
        EXPECT_EQ(followed({307, "", region, "", ""}, host), "") << region;
}

TEST(Redirect, IsNoOtherAnswer) {
    const std::string host = "b.s3.amazonaws.com";
    for (const unsigned status : {200u, 303u, 304u, 308u, 400u, 403u, 404u})
        EXPECT_EQ(followed({status, "PermanentRedirect", "eu-west-1", "", ""}, host), "") << status;
    EXPECT_EQ(followed({307, "", "", "", ""}, host), "");
    EXPECT_EQ(followed({307, "", "eu-west-1", "", ""}, "b.s3.eu-west-1.amazonaws.com", "eu-west-1"), "");
    EXPECT_EQ(followed({307, "", "eu-west-1", "", ""}, "sqs.us-east-1.amazonaws.com"), "");
}

} // namespace redirect_test
} // namespace countersign::proxy
