// Service and region of a host: one name of each shape. Target: 150 ns, no allocation.
#include "signer/scope.hpp"

#include <benchmark/benchmark.h>

namespace countersign::signer {
namespace {

void find_scope(benchmark::State& state, std::string_view host) {
    for (auto step : state) {
        benchmark::DoNotOptimize(host);
        benchmark::DoNotOptimize(scope_of(host));
    }
}

BENCHMARK_CAPTURE(find_scope, regional, "dynamodb.us-east-1.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, bucket_with_dots, "my.bucket.s3.eu-west-1.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, global, "iam.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, fips, "runtime-fips.sagemaker.us-east-1.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, execute_api, "abc123.execute-api.eu-west-1.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, opensearch, "search-name-abc.eu-west-1.es.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, lambda_url, "abc123.lambda-url.eu-west-1.on.aws");
BENCHMARK_CAPTURE(find_scope, vpc_endpoint, "vpce-0123456789abcdef0-abcdefgh.sqs.us-east-1.vpce.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, not_aws, "www.example.com");
BENCHMARK_CAPTURE(find_scope, several_regions, "abc.mrap.accesspoint.s3-global.amazonaws.com");
BENCHMARK_CAPTURE(find_scope, global_by_name, "iam-fips.api.aws.scloud");
BENCHMARK_CAPTURE(find_scope, unknown, "nosuchservice.us-east-1.amazonaws.com");

} // namespace
} // namespace countersign::signer
