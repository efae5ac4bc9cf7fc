#include "signer/bucket_host.hpp"

#include <gtest/gtest.h>

namespace countersign::signer {
namespace bucket_host_test {

struct row {
    std::string_view bucket;
    std::string_view endpoint;
};

TEST(BucketHost, IsFoundInFrontOfEveryEndpointOfS3) {
    for (const row& r : {
             row{"my.bucket", "s3.eu-west-1.amazonaws.com"},
             row{"a.b.c.d", "s3.dualstack.us-east-1.amazonaws.com"},
             row{"my.bucket", "s3-fips.us-east-1.amazonaws.com"},
             row{"my.bucket", "s3-fips.dualstack.us-gov-west-1.amazonaws.com"},
             row{"my.bucket", "s3.cn-north-1.amazonaws.com.cn"},
             row{"my.bucket", "s3.dualstack.cn-northwest-1.amazonaws.com.cn"},
             row{"my.bucket", "s3-eu-west-1.amazonaws.com"},
             row{"my.bucket", "s3-fips-us-gov-west-1.amazonaws.com"},
             row{"my.bucket", "s3-external-1.amazonaws.com"},
             row{"my_bucket", "s3.us-east-1.amazonaws.com"}, // OpenSSL's wildcard takes no underscore
             row{"s3.eu-west-1.example.com", "s3.eu-west-1.amazonaws.com"},
             row{"my.bucket", "bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com"},
             row{"my.bucket", "bucket.vpce-0a1b-2c3d-eu-west-1a.s3.eu-west-1.vpce.amazonaws.com"},
         }) {
        const std::string host = std::string(r.bucket) + "." + std::string(r.endpoint);
        const auto found = uncovered_bucket_in(host);
        ASSERT_TRUE(found) << host;
        EXPECT_EQ(found->bucket, r.bucket);
        EXPECT_EQ(found->endpoint, r.endpoint);
        EXPECT_TRUE(found->names_region) << host;
        EXPECT_TRUE(found->has_path_style) << host;
    }
}

TEST(BucketHost, SaysWhereTheRegionIsMissingAndWhereThereIsNoPathStyle) {
    const auto global = uncovered_bucket_in("my.bucket.s3.amazonaws.com");
    ASSERT_TRUE(global);
    EXPECT_FALSE(global->names_region);
    EXPECT_TRUE(global->has_path_style);
    for (const std::string_view host :
         {"my.bucket.s3-accelerate.amazonaws.com", "my.bucket.s3-accelerate.dualstack.amazonaws.com"}) {
        const auto fast = uncovered_bucket_in(host);
        ASSERT_TRUE(fast) << host;
        EXPECT_FALSE(fast->has_path_style);
    }
}

TEST(BucketHost, IsNothingWhereTheCertificateCoversTheName) {
    for (const std::string_view host : {
             "bucket.s3.eu-west-1.amazonaws.com",
             "bucket-1.s3.amazonaws.com",
             "s3.eu-west-1.amazonaws.com",
             "s3.amazonaws.com",
             "s3.dualstack.eu-west-1.amazonaws.com",
             "bucket.s3-accelerate.amazonaws.com",
             "bucket.bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com",
             "bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com",
             "vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com",
         }) {
        EXPECT_FALSE(uncovered_bucket_in(host)) << host;
    }
}

TEST(BucketHost, IsNothingWhereAwsChoosesTheNamesOrNobodySigns) {
    for (const std::string_view host : {
             "my.bucket.s3-website.eu-west-1.amazonaws.com",
             "my.bucket.s3-website-us-east-1.amazonaws.com",
             "point-123456789012.op-0123.s3-outposts.us-east-1.amazonaws.com",
             "a.b.s3-accesspoint.us-east-1.amazonaws.com",
             "a.b.accesspoint.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com",
             "a.b.s3-object-lambda.us-east-1.amazonaws.com",
             "123456789012.s3-control.us-east-1.amazonaws.com",
             "b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
             "abc.mrap.accesspoint.s3-global.amazonaws.com",
             "my.bucket.s3.example.com",
             "my.s3.sqs.us-east-1.amazonaws.com",
             "d.s3.cloudfront.net",
             ".s3",
             "",
         }) {
        EXPECT_FALSE(uncovered_bucket_in(host)) << host;
    }
}

TEST(BucketHost, KnowsWhichPathsLeadOut) {
    for (const std::string_view path :
         {"/..",
          "/../",
          "/../other/key",
          "/a/../../other",
          "/./../x",
          "//../x",
          "/%2e%2E/x",
          "/..%2fx",
          "/a/../..%2Fx"}) {
        EXPECT_TRUE(leaves_bucket(path)) << path;
    }
    for (const std::string_view path :
         {"",
          "/",
          "//",
          "/a",
          "/a/..",
          "/a/../b",
          "/...",
          "/..a/b",
          "/a//b/../..",
          "/.",
          "/.%252e/x",
          "/a/b/../../c"}) {
        EXPECT_FALSE(leaves_bucket(path)) << path;
    }
}

} // namespace bucket_host_test
} // namespace countersign::signer
