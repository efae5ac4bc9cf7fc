#include "signer/scope.hpp"
#include "tests/signer/support/known_hosts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::signer {
namespace scope_test {

using namespace scopes;

TEST(Scope, KnowsRegionalEndpoints) {
    expect_all({
        {"dynamodb.us-east-1.amazonaws.com", "dynamodb", "us-east-1"},
        {"sqs.eu-west-1.amazonaws.com", "sqs", "eu-west-1"},
        {"lambda.ap-southeast-2.amazonaws.com", "lambda", "ap-southeast-2"},
        {"monitoring.us-west-2.amazonaws.com", "monitoring", "us-west-2"},
        {"sts.eu-central-1.amazonaws.com", "sts", "eu-central-1"},
        {"rds.us-east-1.amazonaws.com", "rds", "us-east-1"},
        {"es.us-east-1.amazonaws.com", "es", "us-east-1"},
        {"aoss.us-east-1.amazonaws.com", "aoss", "us-east-1"},
        {"glacier.us-east-1.amazonaws.com", "glacier", "us-east-1"},
        {"ec2.mx-central-1.amazonaws.com", "ec2", "mx-central-1"},
    });
}

TEST(Scope, KnowsSigningNamesThatDifferFromTheHost) {
    expect_all({
        {"email.us-east-1.amazonaws.com", "ses", "us-east-1"},
        {"api.ecr.us-east-1.amazonaws.com", "ecr", "us-east-1"},
        {"api.ecr-public.us-east-1.amazonaws.com", "ecr-public", "us-east-1"},
        {"runtime.sagemaker.us-east-1.amazonaws.com", "sagemaker", "us-east-1"},
        {"api.sagemaker.us-east-1.amazonaws.com", "sagemaker", "us-east-1"},
        {"ingest.timestream.us-east-1.amazonaws.com", "timestream", "us-east-1"},
        {"query-cell1.timestream.us-east-1.amazonaws.com", "timestream", "us-east-1"},
        {"bedrock-runtime.us-west-2.amazonaws.com", "bedrock", "us-west-2"},
        {"bedrock-agent-runtime.us-west-2.amazonaws.com", "bedrock", "us-west-2"},
        {"bedrock-agentcore.us-east-1.amazonaws.com", "bedrock-agentcore", "us-east-1"},
        {"gw-1.gateway.bedrock-agentcore.us-east-1.amazonaws.com", "bedrock-agentcore", "us-east-1"},
        {"agent-1.runtime.bedrock-agentcore.us-east-1.amazonaws.com", "bedrock-agentcore", "us-east-1"},
        {"streams.dynamodb.us-east-1.amazonaws.com", "dynamodb", "us-east-1"},
        {"portal.sso.us-east-1.amazonaws.com", "awsssoportal", "us-east-1"},
        {"oidc.us-east-1.amazonaws.com", "sso-oauth", "us-east-1"},
        {"runtime.lex.us-east-1.amazonaws.com", "lex", "us-east-1"},
        {"transcribestreaming.us-east-1.amazonaws.com", "transcribe", "us-east-1"},
        {"data-ats.iot.us-east-1.amazonaws.com", "iotdata", "us-east-1"},
        {"a1b2c3d4e5f6g7.ats.iot.cn-north-1.amazonaws.com.cn", "iotdata", "cn-north-1", "aws-cn"},
        {"a1b2c3d4e5f6g7-ats.iot.us-east-1.amazonaws.com", "iotdata", "us-east-1"},
        {"a1b2c3-ats.iot.us-east-1.amazonaws.com", "iotdata", "us-east-1"},
        {"a1b2c3.iot.us-east-1.amazonaws.com", "iotdata", "us-east-1"},
        {"bedrock-mantle.us-east-1.api.aws", "bedrock-mantle", "us-east-1"},
        {"ssmmessages.us-east-1.amazonaws.com", "ssmmessages", "us-east-1"},
        {"ec2messages.cn-north-1.amazonaws.com.cn", "ec2messages", "cn-north-1", "aws-cn"},
        {"8a1a4592.route53-recovery-cluster.us-west-2.amazonaws.com", "route53-recovery-cluster", "us-west-2"},
        {"metering.marketplace.us-east-1.amazonaws.com", "aws-marketplace", "us-east-1"},
        {"aps-workspaces.us-east-1.amazonaws.com", "aps", "us-east-1"},
        {"sync-states.us-east-1.amazonaws.com", "states", "us-east-1"},
    });
}

TEST(Scope, KnowsEveryFormOfS3) {
    expect_all({
        {"s3.amazonaws.com", "s3", "us-east-1"},
        {"bucket.s3.amazonaws.com", "s3", "us-east-1"},
        {"s3.us-east-1.amazonaws.com", "s3", "us-east-1"},
        {"bucket.s3.eu-west-1.amazonaws.com", "s3", "eu-west-1"},
        {"my.bucket.with.dots.s3.eu-west-1.amazonaws.com", "s3", "eu-west-1"},
        {"us-east-1.s3.eu-west-1.amazonaws.com", "s3", "eu-west-1"},
        {"es.s3.amazonaws.com", "s3", "us-east-1"},
        {"x.execute-api.s3.eu-west-1.amazonaws.com", "s3", "eu-west-1"},
        {"s3-us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"bucket.s3-us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"s3-external-1.amazonaws.com", "s3", "us-east-1"},
        {"s3.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"bucket.s3.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"bucket.s3-fips.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"bucket.s3-fips.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"bucket.s3-accelerate.amazonaws.com", "s3", "us-east-1"},
        {"bucket.s3-accelerate.dualstack.amazonaws.com", "s3", "us-east-1"},
        {"point-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"point-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"123456789012.s3-control.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"123456789012.s3-control.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2"},
        {"p-123456789012.s3-object-lambda.us-west-2.amazonaws.com", "s3-object-lambda", "us-west-2"},
        {"p-123456789012.op-01ac.s3-outposts.us-west-2.amazonaws.com", "s3-outposts", "us-west-2"},
        {"b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "s3express", "us-east-1"},
        {"b--use1-az4--x-s3.s3express-fips-use1-az4.dualstack.us-east-1.amazonaws.com", "s3express", "us-east-1"},
        {"s3express-control.us-east-1.amazonaws.com", "s3express", "us-east-1"},
        {"s3express-control-fips.dualstack.us-east-1.amazonaws.com", "s3express", "us-east-1"},
        {"b--op-s3.op-0b1d075431d83bebd.s3-outposts.us-east-1.amazonaws.com", "s3-outposts", "us-east-1"},
        {"s3-outposts-fips.dualstack.us-gov-west-1.amazonaws.com", "s3-outposts", "us-gov-west-1", "aws-us-gov"},
        {"p-123456789012.s3-object-lambda-fips.us-gov-west-1.amazonaws.com",
         "s3-object-lambda",
         "us-gov-west-1",
         "aws-us-gov"},
        {"123456789012.s3-control-fips.dualstack.cn-north-1.amazonaws.com.cn", "s3", "cn-north-1", "aws-cn"},
        {"s3tables.us-east-1.amazonaws.com", "s3tables", "us-east-1"},
        {"bucket.s3-accelerate.dualstack.us-east-1.amazonaws.com", "s3", "us-east-1"},
        {"bucket.s3-accelerate.amazonaws.eu", "s3", "eusc-de-east-1", "aws-eusc"},
        {"bucket.s3-accelerate.dualstack.c2s.ic.gov", "s3", "us-iso-east-1", "aws-iso"},
    });
}

TEST(Scope, SignsGlobalServicesForTheirHome) {
    expect_all({
        {"iam.amazonaws.com", "iam", "us-east-1"},
        {"sts.amazonaws.com", "sts", "us-east-1"},
        {"route53.amazonaws.com", "route53", "us-east-1"},
        {"cloudfront.amazonaws.com", "cloudfront", "us-east-1"},
        {"organizations.us-east-1.amazonaws.com", "organizations", "us-east-1"},
        {"networkmanager.us-west-2.amazonaws.com", "networkmanager", "us-west-2"},
        {"global.health.amazonaws.com", "health", "us-east-1"},
        {"iam.eu-west-1.api.aws", "iam", "us-east-1"},
        {"iam.global.api.aws", "iam", "us-east-1"},
        {"cost-explorer.eu-west-1.api.aws", "ce", "us-east-1"},
        {"iam.us-gov.amazonaws.com", "iam", "us-gov-west-1", "aws-us-gov"},
        {"iam.cn-north-1.amazonaws.com.cn", "iam", "cn-north-1", "aws-cn"},
        {"route53.amazonaws.com.cn", "route53", "cn-northwest-1", "aws-cn"},
        {"budgets.global.sc2s.sgov.gov", "budgets", "us-isob-east-1", "aws-iso-b"},
        {"budgets-fips.amazonaws.com", "budgets", "us-east-1"},
        {"budgets.api.aws", "budgets", "us-gov-west-1", "aws-us-gov"},
        {"cloudfront.api.amazonwebservices.com.cn", "cloudfront", "cn-northwest-1", "aws-cn"},
        {"iam-fips.amazonaws.eu", "iam", "eusc-de-east-1", "aws-eusc"},
        {"route53.global.api.amazonwebservices.eu", "route53", "eusc-de-east-1", "aws-eusc"},
        {"arc-recovery-control-config.us-west-2.api.aws", "route53-recovery-control-config", "us-west-2"},
    });
}

// Rule sets of 2026 make names of regions for them and say nothing of the signature.
TEST(Scope, SignsGlobalServicesForTheRegionInTheirFipsAndDualStackNames) {
    expect_all({
        {"billingconductor.us-east-1.amazonaws.com", "billingconductor", "us-east-1"},
        {"billingconductor-fips.us-west-2.amazonaws.com", "billingconductor", "us-west-2"},
        {"billingconductor-fips.eu-west-1.api.aws", "billingconductor", "eu-west-1"},
        {"billingconductor.eu-west-1.api.aws", "billingconductor", "eu-west-1"},
        {"billingconductor.cn-north-1.amazonaws.com.cn", "billingconductor", "cn-north-1", "aws-cn"},
        {"chime.ap-south-1.api.aws", "chime", "ap-south-1"},
        {"organizations.eu-west-1.api.aws", "organizations", "eu-west-1"},
        {"organizations-fips.cn-north-1.amazonaws.com.cn", "organizations", "cn-north-1", "aws-cn"},
        {"savingsplans-fips.eu-west-1.amazonaws.com", "savingsplans", "eu-west-1"},
        {"shield-fips.eu-west-1.api.aws", "shield", "eu-west-1"},
        {"waf.eu-west-1.api.aws", "waf", "eu-west-1"},
        {"savingsplans.amazonaws.com", "savingsplans", "us-east-1"},
        {"savingsplans.global.api.aws", "savingsplans", "us-east-1"},
        {"organizations.global.api.aws", "organizations", "us-east-1"},
        {"waf-fips.amazonaws.com", "waf", "us-east-1"},
    });
}

TEST(Scope, KnowsFipsAndDualStackSpellings) {
    expect_all({
        {"sqs-fips.us-east-1.amazonaws.com", "sqs", "us-east-1"},
        {"fips.batch.us-east-1.amazonaws.com", "batch", "us-east-1"},
        {"fips.eks.us-east-1.amazonaws.com", "eks", "us-east-1"},
        {"runtime-fips.sagemaker.us-east-1.amazonaws.com", "sagemaker", "us-east-1"},
        {"ecr-fips.us-east-1.amazonaws.com", "ecr", "us-east-1"},
        {"data.iot-fips.us-east-1.amazonaws.com", "iotdata", "us-east-1"},
        {"ec2.us-east-1.api.aws", "ec2", "us-east-1"},
        {"lambda-fips.us-east-1.api.aws", "lambda", "us-east-1"},
        {"aos.us-east-1.api.aws", "es", "us-east-1"},
    });
}

TEST(Scope, KnowsEndpointsOfCustomersResources) {
    expect_all({
        {"abc123.execute-api.eu-west-1.amazonaws.com", "execute-api", "eu-west-1"},
        {"abc123-vpce-0a1b.execute-api.eu-west-1.amazonaws.com", "execute-api", "eu-west-1"},
        {"abc123.lambda-url.eu-west-1.on.aws", "lambda", "eu-west-1"},
        {"search-name-abc.eu-west-1.es.amazonaws.com", "es", "eu-west-1"},
        {"vpc-name-abc.eu-west-1.es.amazonaws.com", "es", "eu-west-1"},
        {"search-name-abc.aos.eu-west-1.on.aws", "es", "eu-west-1"},
        {"abc123.eu-west-1.aoss.amazonaws.com", "aoss", "eu-west-1"},
        {"name-0a1b.7d67968.vpc-lattice-svcs.us-west-2.on.aws", "vpc-lattice-svcs", "us-west-2"},
        {"abc123.appsync-api.us-east-1.amazonaws.com", "appsync", "us-east-1"},
        {"s-1234abcd.kinesisvideo.us-east-1.amazonaws.com", "kinesisvideo", "us-east-1"},
        {"abc123.data.mediastore.us-east-1.amazonaws.com", "mediastore", "us-east-1"},
        {"search-movies-abc.us-east-1.cloudsearch.amazonaws.com", "cloudsearch", "us-east-1"},
        {"123456789012.ddb.us-east-1.amazonaws.com", "dynamodb", "us-east-1"},
        {"db.cluster-abc.us-east-1.neptune.amazonaws.com", "neptune-db", "us-east-1"},
        {"db.cluster-abc.neptune.cn-north-1.amazonaws.com.cn", "neptune-db", "cn-north-1", "aws-cn"},
    });
}

// From the SDKs' endpoint rule sets and host prefixes, and the services' guides.
TEST(Scope, KnowsResourcesInOtherPartitionsAndSpellings) {
    expect_all({
        {"abc123.execute-api.cn-north-1.amazonaws.com.cn", "execute-api", "cn-north-1", "aws-cn"},
        {"abc123.execute-api.us-gov-west-1.amazonaws.com", "execute-api", "us-gov-west-1", "aws-us-gov"},
        {"abc123.execute-api.us-iso-east-1.c2s.ic.gov", "execute-api", "us-iso-east-1", "aws-iso"},
        {"abc123.execute-api.eu-west-1.api.aws", "execute-api", "eu-west-1"},
        {"abc123.execute-api-fips.us-east-1.amazonaws.com", "execute-api", "us-east-1"},
        {"abc123.lambda-url.cn-north-1.on.amazonwebservices.com.cn", "lambda", "cn-north-1", "aws-cn"},
        {"abc123.appsync-api.cn-north-1.amazonaws.com.cn", "appsync", "cn-north-1", "aws-cn"},
        {"abc123.appsync-realtime-api.eu-west-1.amazonaws.com", "appsync", "eu-west-1"},
        {"vpc-name-abc.cn-north-1.es.amazonaws.com.cn", "es", "cn-north-1", "aws-cn"},
        {"search-name-abc.us-gov-west-1.es.amazonaws.com", "es", "us-gov-west-1", "aws-us-gov"},
        {"search-name-abc.us-isob-east-1.es.sc2s.sgov.gov", "es", "us-isob-east-1", "aws-iso-b"},
        {"abc123.us-gov-west-1.aoss-fips.amazonaws.com", "aoss", "us-gov-west-1", "aws-us-gov"},
        {"abc123.aoss.us-east-1.on.aws", "aoss", "us-east-1"},
        {"name-abc.us-east-1.osis.amazonaws.com", "osis", "us-east-1"},
        {"a1b2c3d4e5f6g7.iot.cn-north-1.amazonaws.com.cn", "iotdata", "cn-north-1", "aws-cn"},
        {"data.iot.us-gov-west-1.amazonaws.com", "iotdata", "us-gov-west-1", "aws-us-gov"},
        {"a1b2c3d4e5f6g7.jobs.iot.us-east-1.amazonaws.com", "iot-jobs-data", "us-east-1"},
        {"s-1234abcd.kinesisvideo.us-gov-west-1.amazonaws.com", "kinesisvideo", "us-gov-west-1", "aws-us-gov"},
        {"123456789012.data-kinesis.us-east-1.amazonaws.com", "kinesis", "us-east-1"},
        {"123456789012.control-kinesis-fips.us-gov-east-1.api.aws", "kinesis", "us-gov-east-1", "aws-us-gov"},
        {"123456789012.ddb.us-east-1.api.aws", "dynamodb", "us-east-1"},
        {"123456789012.ddb.cn-north-1.amazonaws.com.cn", "dynamodb", "cn-north-1", "aws-cn"},
        {"123456789012.ddb.eusc-de-east-1.amazonaws.eu", "dynamodb", "eusc-de-east-1", "aws-eusc"},
        {"123456789012.search-ddb.us-east-1.api.aws", "dynamodb", "us-east-1"},
        {"123456789012.search-ddb.us-gov-west-1.amazonaws.com", "dynamodb", "us-gov-west-1", "aws-us-gov"},
        {"abcdefghij0123456789.abc.data-kinesis.us-east-1.api.aws", "kinesis", "us-east-1"},
        {"abcdefghij0123456789.abc.control-kinesis-fips.us-east-1.amazonaws.com", "kinesis", "us-east-1"},
        {"c-0a1b.data-kinesis.eu-west-1.amazonaws.com", "kinesis", "eu-west-1"},
        {"svc-0a1b.7d67968.vpc-lattice-svcs.us-gov-west-1.on.aws", "vpc-lattice-svcs", "us-gov-west-1", "aws-us-gov"},
        {"db.cluster-ro-abc.eu-west-1.neptune.amazonaws.com", "neptune-db", "eu-west-1"},
        {"g-0a1b.us-east-1.neptune-graph.amazonaws.com", "neptune-graph", "us-east-1"},
        {"us-east-1.neptune-graph.amazonaws.com", "neptune-graph", "us-east-1"},
        {"g-0a1b.neptune-graph.us-east-1.on.aws", "neptune-graph", "us-east-1"},
        {"g-0a1b.neptune-graph.cn-north-1.on.aws", "neptune-graph", "cn-north-1", "aws-cn"},
        {"neptune-graph.us-iso-east-1.on.aws", "neptune-graph", "us-iso-east-1", "aws-iso"},
        {"g-0a1b.neptune-graph-fips.us-east-1.amazonaws.com", "neptune-graph", "us-east-1"},
        {"a1b2.c3d4.lambda-web.eu-west-1.on.aws", "lambda", "eu-west-1"},
        {"abc.livy.emr-serverless-services.us-east-1.amazonaws.com", "emr-serverless", "us-east-1"},
        {"abc.egress.xyz.mediapackagev2.us-east-1.amazonaws.com", "mediapackagev2", "us-east-1"},
        {"doc-movies-abc.us-gov-west-1.cloudsearch.amazonaws.com", "cloudsearch", "us-gov-west-1", "aws-us-gov"},
    });
}

TEST(Scope, KnowsNamesOfRuntimesAndDataPlanes) {
    expect_all({
        {"api.ecr.cn-north-1.amazonaws.com.cn", "ecr", "cn-north-1", "aws-cn"},
        {"ecr.eu-west-1.api.aws", "ecr", "eu-west-1"},
        {"ecr-public.us-east-1.api.aws", "ecr-public", "us-east-1"},
        {"polly-fips.us-east-1.amazonaws.com", "polly", "us-east-1"},
        {"cn.transcribe.cn-north-1.amazonaws.com.cn", "transcribe", "cn-north-1", "aws-cn"},
        {"fips.transcribe.us-gov-west-1.amazonaws.com", "transcribe", "us-gov-west-1", "aws-us-gov"},
        {"runtime-v2-lex.us-east-1.amazonaws.com", "lex", "us-east-1"},
        {"runtime-fips.lex.us-east-1.amazonaws.com", "lex", "us-east-1"},
        {"runtime.sagemaker.cn-north-1.amazonaws.com.cn", "sagemaker", "cn-north-1", "aws-cn"},
        {"bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "bedrock", "us-gov-west-1", "aws-us-gov"},
        {"bedrock-runtime.eu-west-1.api.aws", "bedrock", "eu-west-1"},
        {"timestream-ingest.us-east-1.api.aws", "timestream", "us-east-1"},
        {"timestream-query-fips.us-gov-west-1.api.aws", "timestream", "us-gov-west-1", "aws-us-gov"},
        {"ingest-cell2.timestream.us-gov-west-1.amazonaws.com", "timestream", "us-gov-west-1", "aws-us-gov"},
        {"efs.us-east-1.api.aws", "elasticfilesystem", "us-east-1"},
        {"kafka-api-fips.us-east-1.api.aws", "kafka", "us-east-1"},
        {"api.iot-tunneling-fips.us-east-1.api.aws", "IoTSecuredTunneling", "us-east-1"},
        {"maps.geo.us-east-1.amazonaws.com", "geo-maps", "us-east-1"},
        {"places.geo-fips.us-east-1.api.aws", "geo-places", "us-east-1"},
        {"maps.geo.us-gov-west-1.amazonaws.com", "geo-maps", "us-gov-west-1", "aws-us-gov"},
        {"routes.geo.us-gov-west-1.us-gov.amazonaws.com", "geo-routes", "us-gov-west-1", "aws-us-gov"},
        {"routes.geo.us-gov-west-1.amazonaws.com", "geo", "us-gov-west-1", "aws-us-gov"},
        {"places.geo-fips.cn-north-1.api.amazonwebservices.com.cn", "geo", "cn-north-1", "aws-cn"},
        {"geo-places.cn-north-1.amazonaws.com.cn", "geo-places", "cn-north-1", "aws-cn"},
        {"search-dynamodb.us-east-1.amazonaws.com", "dynamodb", "us-east-1"},
        {"search-dynamodb-fips.us-gov-west-1.api.aws", "dynamodb", "us-gov-west-1", "aws-us-gov"},
        {"iam-toolbox-fips.eu-west-1.api.aws", "iam", "eu-west-1"},
        {"account-access.eu-west-1.api.aws", "account-access", "eu-west-1"},
        {"cp.tracking.geo.us-east-1.amazonaws.com", "geo", "us-east-1"},
        {"management.deadline.us-east-1.amazonaws.com", "deadline", "us-east-1"},
        {"us-east-1.signin.aws.amazon.com", "signin", "us-east-1"},
        {"us-gov-west-1.signin.amazonaws-us-gov.com", "signin", "us-gov-west-1", "aws-us-gov"},
        {"cn-north-1.signin.amazonaws.cn", "signin", "cn-north-1", "aws-cn"},
    });
}

// The first label is the signing name, as in AWS's own client ("MCP Proxy for AWS").
TEST(Scope, KnowsMcpServersOfAws) {
    expect_all({
        {"aws-mcp.us-east-1.api.aws", "aws-mcp", "us-east-1"},
        {"eks-mcp.us-west-2.api.aws", "eks-mcp", "us-west-2"},
        {"ecs-mcp.us-west-2.api.aws", "ecs-mcp", "us-west-2"},
        {"agentaccess-mcp.eu-central-1.api.aws", "agentaccess-mcp", "eu-central-1"},
        {"partnercentral-agents-mcp.us-east-1.api.aws", "partnercentral-agents-mcp", "us-east-1"},
        {"sagemaker-unified-studio-mcp.eu-west-1.api.aws", "sagemaker-unified-studio-mcp", "eu-west-1"},
    });
    expect_refused(
        "unknown",
        {"x.aws-mcp.us-east-1.api.aws",
         "-mcp.us-east-1.api.aws",
         "mcp.us-east-1.api.aws",
         "any-mcp.us-east-1.api.aws",
         "aws-mcp.api.aws"}
    );
    expect_refused("not signed", {"knowledge-mcp.global.api.aws"});
}

TEST(Scope, KnowsServicesThatNoSdkDescribes) {
    expect_all({
        {"aws-external-anthropic.us-west-2.api.aws", "aws-external-anthropic", "us-west-2"},
        {"q.us-east-1.amazonaws.com", "q", "us-east-1"},
        {"codewhisperer.us-east-1.amazonaws.com", "codewhisperer", "us-east-1"},
        {"ecs-a-1.eu-central-1.amazonaws.com", "ecs", "eu-central-1"},
        {"ecs-t-12.cn-north-1.amazonaws.com.cn", "ecs", "cn-north-1", "aws-cn"},
    });
    expect_refused(
        "unknown",
        {"desktop-release.q.us-east-1.amazonaws.com",
         "ecs-a-.us-east-1.amazonaws.com",
         "ecs-a-1x.us-east-1.amazonaws.com",
         "ecs-b-1.us-east-1.amazonaws.com",
         "x.ecs-a-1.us-east-1.amazonaws.com"}
    );
}

TEST(Scope, SignsForOneRegionWhereSigV4ADoesNotHaveToBe) {
    expect_all({
        {"partnercentral-channel.global.api.aws", "partnercentral-channel", "us-east-1"},
        {"sustainability-fips.us-gov.api.aws", "sustainability", "us-gov-west-1", "aws-us-gov"},
        {"api.sustainability.eu-west-1.api.aws", "sustainability", "us-east-1"},
        {"arc-region-switch-control-plane-fips.us-east-1.api.aws", "arc-region-switch", "us-east-1"},
        {"partnercentral-prm.global.api.aws", "partnercentral", "us-east-1"},
        {"partnercentral-prm-fips.us-gov.api.aws", "partnercentral", "us-gov-west-1", "aws-us-gov"},
        {"sustainability.global.api.amazonwebservices.eu", "sustainability", "eusc-de-east-1", "aws-eusc"},
    });
}

TEST(Scope, TellsEndpointsForSeveralRegions) {
    const known_host hosts[] = {
        {"mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", "s3", "*"},
        {"abc123.456def.endpoint.events.amazonaws.com", "events", "*"},
        {"abc123.456def.endpoint.events.api.aws", "events", "*"},
        {"abc123.456def.endpoint.events.amazonaws.com.cn", "events", "*", "aws-cn"},
        {"abc123.456def.endpoints.email.amazonaws.com", "ses", "*"},
        {"abc123.456def.endpoints.email.global.api.aws", "ses", "*"},
        {"123456789012.cloudfront-kvs.global.api.aws", "cloudfront-keyvaluestore", "*"},
        {"a1b2.lambda-web.global.on.aws", "lambda", "*"},
    };
    for (const known_host& h : hosts) {
        expect_all({h});
        EXPECT_TRUE(std::get<host_scope>(scope_of(h.host)).sigv4a) << h.host;
    }
    EXPECT_FALSE(std::get<host_scope>(scope_of("events.us-east-1.amazonaws.com")).sigv4a);
    // Whoever has a bucket of such a name is in one region all the same.
    EXPECT_FALSE(std::get<host_scope>(scope_of("x.endpoint.events.s3.amazonaws.com")).sigv4a);
}

TEST(Scope, KnowsVpcEndpoints) {
    expect_all({
        {"vpce-0a1b-2c3d.sqs.us-east-1.vpce.amazonaws.com", "sqs", "us-east-1"},
        {"vpce-0a1b-2c3d-us-east-1a.api.ecr.us-east-1.vpce.amazonaws.com", "ecr", "us-east-1"},
        {"vpce-0a1b-2c3d.execute-api.us-east-1.vpce.amazonaws.com", "execute-api", "us-east-1"},
        {"bucket.vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com", "s3", "us-east-1"},
        {"my.bucket.bucket.vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com", "s3", "us-east-1"},
        {"vpce-x.bucket.vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com", "s3", "us-east-1"},
        {"vpce-0a1b-2c3d.s3.cn-north-1.vpce.amazonaws.com.cn", "s3", "cn-north-1", "aws-cn"},
    });
}

TEST(Scope, KnowsOldSpellings) {
    expect_all({
        {"queue.amazonaws.com", "sqs", "us-east-1"},
        {"eu-west-1.queue.amazonaws.com", "sqs", "eu-west-1"},
        {"eu-west-1.elasticmapreduce.amazonaws.com", "elasticmapreduce", "eu-west-1"},
        {"sdb.amazonaws.com", "sdb", "us-east-1"},
        {"ec2.amazonaws.com", "ec2", "us-east-1"},
    });
}

TEST(Scope, KnowsPartitions) {
    expect_all({
        {"s3.cn-north-1.amazonaws.com.cn", "s3", "cn-north-1", "aws-cn"},
        {"bucket.s3.dualstack.cn-north-1.amazonaws.com.cn", "s3", "cn-north-1", "aws-cn"},
        {"ec2.cn-north-1.api.amazonwebservices.com.cn", "ec2", "cn-north-1", "aws-cn"},
        {"s3-fips-us-gov-west-1.amazonaws.com", "s3", "us-gov-west-1", "aws-us-gov"},
        {"dynamodb.us-gov-east-1.amazonaws.com", "dynamodb", "us-gov-east-1", "aws-us-gov"},
        {"sqs.us-gov-west-1.api.aws", "sqs", "us-gov-west-1", "aws-us-gov"},
        {"s3.us-iso-east-1.c2s.ic.gov", "s3", "us-iso-east-1", "aws-iso"},
        {"sqs.us-isob-east-1.sc2s.sgov.gov", "sqs", "us-isob-east-1", "aws-iso-b"},
        {"sqs.eu-isoe-west-1.cloud.adc-e.uk", "sqs", "eu-isoe-west-1", "aws-iso-e"},
        {"sqs.us-isof-south-1.csp.hci.ic.gov", "sqs", "us-isof-south-1", "aws-iso-f"},
        {"sqs.eusc-de-east-1.amazonaws.eu", "sqs", "eusc-de-east-1", "aws-eusc"},
    });
}

// Their rule sets know no other suffix.
TEST(Scope, KnowsEndpointsWithOneSuffixInAllPartitions) {
    expect_all({
        {"agent-registry.us-east-1.api.aws", "agent-registry", "us-east-1"},
        {"agent-registry-control.us-gov-west-1.api.aws", "agent-registry", "us-gov-west-1", "aws-us-gov"},
        {"agent-registry.cn-north-1.api.aws", "agent-registry", "cn-north-1", "aws-cn"},
        {"agent-registry-control.us-iso-east-1.api.aws", "agent-registry", "us-iso-east-1", "aws-iso"},
        {"agent-registry.eusc-de-east-1.api.aws", "agent-registry", "eusc-de-east-1", "aws-eusc"},
    });
    expect_refused(
        "unknown",
        {"x.agent-registry.cn-north-1.api.aws",
         "agent-registry.nowhere.api.aws",
         "agent-registry.us-east-1.api.amazonwebservices.com.cn",
         "agent-registry.cn-north-1.amazonaws.com",
         "sqs.cn-north-1.api.aws"}
    );
}

TEST(Scope, AcceptsRegionsThatDoNotExistYet) {
    expect_all({
        {"sqs.eu-northeast-7.amazonaws.com", "sqs", "eu-northeast-7"},
        {"bucket.s3.us-gov-south-12.amazonaws.com", "s3", "us-gov-south-12", "aws-us-gov"},
    });
}

TEST(Scope, SaysWhereABucketsRegionIsOnlyAGuess) {
    for (const char* host :
         {"bucket.s3.amazonaws.com",
          "my.bucket.s3.amazonaws.com",
          "b.s3-accelerate.amazonaws.com",
          "b.s3-accelerate.dualstack.amazonaws.com"}) {
        EXPECT_TRUE(std::get<host_scope>(scope_of(host)).is_default_region) << host;
        EXPECT_EQ(std::get<host_scope>(scope_of(host)).region, "us-east-1") << host;
    }
    for (const char* host :
         {"s3.amazonaws.com",
          "s3-external-1.amazonaws.com",
          "b.s3-external-1.amazonaws.com",
          "b.s3.us-east-1.amazonaws.com",
          "b.s3-us-west-2.amazonaws.com",
          "s3-accelerate.amazonaws.com",
          "s3-accelerate.dualstack.amazonaws.com",
          "iam.amazonaws.com"}) {
        EXPECT_FALSE(std::get<host_scope>(scope_of(host)).is_default_region) << host;
    }
    EXPECT_TRUE(is_region_beside("eu-west-1", "us-east-1"));
    EXPECT_TRUE(is_region_beside("ap-nowhere-9", "us-east-1"));
    for (const char* other :
         {"", "us-gov-west-1", "cn-north-1", "us-east-1/s3", "eu-w.st-1", "EU-WEST-1", "eu-west-1 ", "*", "nowhere"}) {
        EXPECT_FALSE(is_region_beside(other, "us-east-1")) << other;
    }
}

TEST(Scope, AsksThePathWhereServicesShareAHost) {
    const auto service = [](std::string_view host, std::string_view path) {
        const auto found = scope_of(host, path);
        return std::get<host_scope>(found).service;
    };
    for (const std::string_view name : {"maps", "places", "routes"}) {
        const std::string front(name);
        for (const char* end : {".geo.eu-west-1.amazonaws.com", ".geo-fips.us-east-1.api.aws"}) {
            EXPECT_EQ(service(front + end, "/v2/static/map"), "geo-" + front);
            EXPECT_EQ(service(front + end, "/" + front + "/v0/x/v2/"), "geo");
            EXPECT_EQ(service(front + end, "/"), "geo");
            EXPECT_EQ(service_by_path(front + end, "/"), "geo");
        }
        EXPECT_EQ(service("geo-" + front + ".eu-west-1.amazonaws.com", "/"), "geo-" + front);
        EXPECT_EQ(service_by_path("geo-" + front + ".eu-west-1.amazonaws.com", "/"), "");
    }
    EXPECT_EQ(service("cp.maps.geo.eu-west-1.amazonaws.com", "/v2/"), "geo");
    EXPECT_EQ(service("maps.geo.cn-north-1.amazonaws.com.cn", "/v2/"), "geo"); // geo-maps has hosts of its own there
    EXPECT_EQ(service("sqs.eu-west-1.amazonaws.com", "/v2/"), "sqs");
    EXPECT_EQ(service_by_path("sqs.eu-west-1.amazonaws.com", "/v2/"), "");
    EXPECT_EQ(service_by_path("example.com", "/v2/"), "");
    EXPECT_EQ(std::get<scope_refusal>(scope_of("example.com", "/v2/")), scope_refusal::not_aws);
}

TEST(Scope, PointsIntoTheHostOrIntoConstantTables) {
    const std::string host = "sqs.eu-west-1.amazonaws.com";
    const auto scope = std::get<host_scope>(scope_of(host));
    EXPECT_EQ(scope.region.data(), host.data() + 4);
    EXPECT_EQ(scope.service, "sqs");
}

} // namespace scope_test
} // namespace countersign::signer
