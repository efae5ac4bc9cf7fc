#include "proxy/commands/scope_explanation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace scope_explanation_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(ScopeExplanation, NamesTheShapeOfTheHost) {
    EXPECT_THAT(
        explain_scope("runtime.sagemaker.eu-west-1.amazonaws.com"),
        AllOf(HasSubstr("regional"), HasSubstr("\"runtime.sagemaker\""), HasSubstr("signing name \"sagemaker\""))
    );
    EXPECT_THAT(explain_scope("agent-registry.cn-north-1.api.aws"), HasSubstr("region \"cn-north-1\""));
    EXPECT_THAT(explain_scope("iam.amazonaws.com"), HasSubstr("table of host names"));
    EXPECT_THAT(explain_scope("b\xc3\xbc.s3.amazonaws.com"), HasSubstr("not a host name as DNS has it"));
    EXPECT_THAT(explain_scope("b.s3.amazonaws.com"), HasSubstr("S3 without a region label"));
    EXPECT_THAT(explain_scope("vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com"), HasSubstr("VPC endpoint"));
    EXPECT_THAT(explain_scope("search-x.eu-west-1.es.amazonaws.com"), HasSubstr("RESOURCE.REGION.SERVICE"));
    EXPECT_THAT(explain_scope("abc.lambda-url.eu-west-1.on.aws"), HasSubstr("RESOURCE.SERVICE.REGION"));
    EXPECT_THAT(explain_scope("d1.cloudfront.net"), AllOf(HasSubstr("customers"), HasSubstr("somebody's own")));
    EXPECT_THAT(explain_scope("nosuch.us-east-1.amazonaws.com"), HasSubstr("no service is known"));
    EXPECT_THAT(explain_scope("my.bucket.s3.eu-west-1.amazonaws.com"), HasSubstr("goes into the path, /my.bucket/"));
    EXPECT_THAT(explain_scope("bucket.s3.eu-west-1.amazonaws.com"), Not(HasSubstr("into the path")));
    EXPECT_THAT(explain_scope("example.com"), HasSubstr("none of AWS's"));
}

} // namespace scope_explanation_test
} // namespace countersign::proxy
