#include "signer/scope.hpp"
#include "signer/scope_lookup.hpp"

#include <gtest/gtest.h>

namespace countersign::signer {
namespace scope_lookup_test {

// AWS's partitions.json: regionRegex, dnsSuffix and dualStackDnsSuffix of each partition.
TEST(Partition, IsKnownByTheRegionsForm) {
    struct row {
        const char* region;
        const char* partition;
        const char* suffix;
        const char* dual_stack;
    };
    for (const row& r : {
             row{"eu-west-1", "aws", "amazonaws.com", "api.aws"},
             row{"ap-nowhere-19", "aws", "amazonaws.com", "api.aws"},
             row{"cn-north-1", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
             row{"us-gov-west-1", "aws-us-gov", "amazonaws.com", "api.aws"},
             row{"us-iso-east-1", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"},
             row{"us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"},
             row{"eusc-de-east-1", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"},
         }) {
        const auto found = partition_of(r.region);
        ASSERT_TRUE(found) << r.region;
        EXPECT_EQ(partition_name(*found), r.partition) << r.region;
        EXPECT_EQ(suffixes_of(*found).standard, r.suffix) << r.region;
        EXPECT_EQ(suffixes_of(*found).dual_stack, r.dual_stack) << r.region;
    }
}

TEST(Partition, IsUnknownForOtherLabels) {
    for (const auto* label : {"", "eu", "eu-west", "west-1", "-1", "eu--1", "mars-north-1", "eu-west-1a", "us-west-"})
        EXPECT_FALSE(partition_of(label)) << label;
}

TEST(Traits, KeepTheS3FamilysPathAsSentAndWantItsHash) {
    for (const std::string_view service : {"s3", "s3express", "s3-outposts", "s3-object-lambda"}) {
        EXPECT_EQ(traits_of(service).path, path_rule::s3) << service;
        EXPECT_TRUE(traits_of(service).content_sha256_header) << service;
        EXPECT_EQ(traits_of(service).errors, wire_protocol::rest_xml) << service;
    }
}

TEST(Traits, WantTheHashWhereTheServiceDemandsIt) {
    for (const std::string_view service : {"aoss", "glacier", "vpc-lattice-svcs"}) {
        EXPECT_TRUE(traits_of(service).content_sha256_header) << service;
        EXPECT_EQ(traits_of(service).path, path_rule::standard) << service;
    }
    EXPECT_FALSE(traits_of("dynamodb").content_sha256_header);
}

TEST(Traits, KnowPayloadsAndTokensThatAreNotSigned) {
    EXPECT_TRUE(traits_of("vpc-lattice-svcs").payload_unsigned);
    EXPECT_FALSE(traits_of("vpc-lattice").payload_unsigned);
    EXPECT_FALSE(traits_of("s3").payload_unsigned);
    EXPECT_TRUE(traits_of("iotdevicegateway").token_after_signing);
    EXPECT_FALSE(traits_of("iotdata").token_after_signing);
}

TEST(Traits, NameTheFormOfErrors) {
    EXPECT_EQ(traits_of("sts").errors, wire_protocol::query_xml);
    EXPECT_EQ(traits_of("iam").errors, wire_protocol::query_xml);
    EXPECT_EQ(traits_of("ec2").errors, wire_protocol::ec2_xml);
    EXPECT_EQ(traits_of("route53").errors, wire_protocol::rest_xml);
    EXPECT_EQ(traits_of("dynamodb").errors, wire_protocol::json);
    EXPECT_EQ(traits_of("never-heard-of").errors, wire_protocol::json);
}

} // namespace scope_lookup_test
} // namespace countersign::signer
