#include "signer/scope.hpp"
#include "tests/signer/support/known_hosts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::signer {
namespace scope_refusal_test {

using namespace scopes;

TEST(Scope, RefusesWhatCustomersControl) {
    expect_refused(
        "customer's",
        {
            "ec2-1-2-3-4.compute-1.amazonaws.com",
            "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
            "ip-10-0-0-1.eu-west-1.compute.internal",
            "ip-10-0-0-1.ec2.internal",
            "name-123.us-east-1.elb.amazonaws.com",
            "name-123.elb.us-east-1.amazonaws.com",
            "dualstack.name-123.us-east-1.elb.amazonaws.com",
            "db-1.abc.us-east-1.rds.amazonaws.com",
            "db-1.abc.rds.cn-north-1.amazonaws.com.cn",
            "db.cluster-abc.us-east-1.docdb.amazonaws.com",
            "db.cluster-abc.docdb.cn-north-1.amazonaws.com.cn",
            "name-123456789012.us-east-1.docdb-elastic.amazonaws.com",
            "clustercfg.name.abc.memorydb.us-east-1.amazonaws.com",
            "name.abc.dax-clusters.us-east-1.amazonaws.com",
            "b-0a1b-1.mq.us-east-1.amazonaws.com",
            "bucket.s3-website-us-east-1.amazonaws.com",
            "bucket.s3-website.eu-central-1.amazonaws.com",
            "d111111abcdef8.cloudfront.net",
            "env.us-east-1.elasticbeanstalk.com",
            "abc.awsglobalaccelerator.com",
            "name.abc.0001.use1.cache.amazonaws.com",
            "name.abc.us-east-1.redshift.amazonaws.com",
            "0123abcd.gr7.us-east-1.eks.amazonaws.com",
            "vpce-0a1b-2c3d.vpce-svc-0123.us-east-1.vpce.amazonaws.com",
        }
    );
}

TEST(Scope, RefusesEndpointsThatTakeNoSignature) {
    expect_refused(
        "not signed",
        {
            "abc.credentials.iot.us-east-1.amazonaws.com",
            "credentials.iot.us-east-1.amazonaws.com",
            "codecatalyst.global.api.aws",
            "account-access-runtime.us-east-1.api.aws",
            "aa-gyxmap389.account-access-runtime-fips.us-east-1.api.aws",
            "m-0a1b.lambda-microvm.us-east-1.on.aws",
            "abc.credentials.iot.cn-north-1.amazonaws.com.cn",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
            "123456789012.dkr.ecr.cn-northwest-1.amazonaws.com.cn",
            "123456789012.dkr-ecr.eu-west-1.on.aws",
            "abc123.dsql.us-east-1.on.aws",
            "email-smtp.us-east-1.amazonaws.com",
            "email-smtp-fips.us-gov-west-1.amazonaws.com",
            "git-codecommit.us-east-1.amazonaws.com",
            "domain-123456789012.d.codeartifact.us-east-1.amazonaws.com",
            "vpce-0a1b-2c3d.dkr.ecr.us-east-1.vpce.amazonaws.com",
            "vpce-0a1b-2c3d.email-smtp.us-east-1.vpce.amazonaws.com",
            "vpce-0a1b-2c3d.credentials.iot.us-east-1.vpce.amazonaws.com",
            "vpce-0a1b-2c3d.git-codecommit.us-east-1.vpce.amazonaws.com",
        }
    );
}

TEST(Scope, RefusesHostsThatAreNotOfAws) {
    expect_refused(
        "not AWS",
        {
            "example.com",
            "amazonaws.com",
            "s3.us-east-1.amazonaws.com.evil.com",
            "evilamazonaws.com",
            "s3.us-east-1.xamazonaws.com",
            "127.0.0.1",
            "localhost",
            "",
            ".",
            "169.254.169.254",
        }
    );
}

TEST(Scope, RefusesUnknownFormsInsteadOfGuessing) {
    expect_refused(
        "unknown",
        {
            "nosuchservice.us-east-1.amazonaws.com",
            "us-east-1.amazonaws.com",
            "accesspoint.s3-global.amazonaws.com",
            "endpoint.events.amazonaws.com",
            "devices.iot.us-east-1.amazonaws.com",
            "x.eu-west-1.elasticmapreduce.amazonaws.com",
            "cloudfront-kvs.global.api.aws",
            "bedrock-agentcore.us-east-1.on.aws",
            "console.signin.aws.amazon.com",
            "waf-regional.amazonaws.com",
            "neptune-graph.nowhere.on.aws",
            "neptune-graph.us-east-1.on.amazonwebservices.com.cn",
            "lambda-web.global.on.aws",
            "x.lambda-web.global.api.aws",
            "search-ddb.us-east-1.amazonaws.com",
            "x.search-dynamodb.us-east-1.amazonaws.com",
            "data-kinesis.us-east-1.amazonaws.com",
            "x.abcdefghij0123456789.abc.data-kinesis.us-east-1.amazonaws.com",
            "partnercentral-prm.api.aws",
            "bucket.s3-accelerate.amazonaws.com.cn",
            "b-1.name.abc.kafka.us-east-1.amazonaws.com",
            "sqs.nowhere.amazonaws.com",
            "sqs.us-east-1x.amazonaws.com",
            "sqs.us--1.amazonaws.com",
            "sqs.us-east-.amazonaws.com",
            "sqs.cn-north-1.amazonaws.com",
            "sqs.us-east-1.amazonaws.com.cn",
            "sqs.us-iso-east-1.amazonaws.com",
            "lambda-url.eu-west-1.on.aws",
            "x.unknown.eu-west-1.on.aws",
            "vpce-0a1b.us-east-1.vpce.amazonaws.com",
            "sqs.us-east-1.vpce.amazonaws.com",
            "x.eu-west-1.queue.amazonaws.com",
            "s3.nowhere.amazonaws.com",
        }
    );
}

TEST(Scope, RefusesNamesThatAreNoHostNames) {
    expect_refused(
        "unknown",
        {
            ".s3.amazonaws.com",
            "a..s3.amazonaws.com",
            "a b.s3.amazonaws.com",
            "a%2f.s3.amazonaws.com",
            "user@s3.amazonaws.com",
            "x\\.s3.amazonaws.com",
            "S3.amazonaws.com",
            std::string_view("a\0.s3.amazonaws.com", 19),
        }
    );
    const std::string long_label(64, 'a');
    EXPECT_EQ(written(long_label + ".s3.amazonaws.com"), "unknown");
    EXPECT_EQ(written(long_label.substr(1) + ".s3.amazonaws.com"), "s3 us-east-1 aws");
}

} // namespace scope_refusal_test
} // namespace countersign::signer
