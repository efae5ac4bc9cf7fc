#include "signer/scope_lookup.hpp"

#include <gtest/gtest.h>

namespace countersign::signer {
namespace {

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

} // namespace
} // namespace countersign::signer
