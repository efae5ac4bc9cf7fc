#include "signer/answer_time.hpp"

#include <gtest/gtest.h>

namespace countersign::signer {
namespace answer_time_test {

using namespace std::chrono_literals;

std::chrono::seconds
limit(std::string_view service, std::string_view host, std::string_view path, std::string_view target = "") {
    return longest_answer(service, host, path, target).value_or(0s);
}

TEST(AnswerTime, IsThatOfTheSlowOperations) {
    EXPECT_GT(limit("lambda", "lambda.us-east-1.amazonaws.com", "/2015-03-31/functions/f/invocations"), 15min);
    EXPECT_GT(limit("lambda", "abc.lambda-url.us-east-1.on.aws", "/any"), 15min);
    EXPECT_GT(limit("bedrock", "bedrock-runtime.us-east-1.amazonaws.com", "/model/m/converse"), 60min);
    EXPECT_GT(limit("bedrock", "bedrock-runtime-fips.us-east-1.amazonaws.com:443", "/model/m/invoke"), 60min);
    EXPECT_GT(limit("states", "sync-states.us-east-1.amazonaws.com", "/", "AWSStepFunctions.StartSyncExecution"), 5min);
    EXPECT_GT(limit("swf", "swf.us-east-1.amazonaws.com", "/", "SimpleWorkflowService.PollForDecisionTask"), 70s);
    EXPECT_GT(limit("sagemaker", "runtime.sagemaker.us-east-1.amazonaws.com", "/endpoints/e/invocations"), 70s);
}

TEST(AnswerTime, IsOrdinaryForAllOthers) {
    EXPECT_EQ(limit("lambda", "lambda.us-east-1.amazonaws.com", "/2015-03-31/functions"), 0s);
    EXPECT_EQ(limit("bedrock", "bedrock.us-east-1.amazonaws.com", "/foundation-models"), 0s);
    EXPECT_EQ(limit("states", "states.us-east-1.amazonaws.com", "/", "AWSStepFunctions.StartExecution"), 0s);
    EXPECT_EQ(limit("sagemaker", "api.sagemaker.us-east-1.amazonaws.com", "/", "SageMaker.CreateModel"), 0s);
    EXPECT_EQ(limit("s3", "bucket.s3.amazonaws.com", "/invocations"), 0s);
    EXPECT_EQ(limit("", "example.com", "/invocations"), 0s);
}

} // namespace answer_time_test
} // namespace countersign::signer
