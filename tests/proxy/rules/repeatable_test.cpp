#include "proxy/rules/repeatable.hpp"
#include "signer/scope.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace countersign::proxy {
namespace repeatable_test {

struct ask {
    std::string_view service = "dynamodb";
    std::string_view method = "POST";
    std::string_view path = "/";
    std::string_view query = "";
    std::vector<std::pair<std::string_view, std::string_view>> fields = {};
    std::string_view body = "";
};

bool repeatable(const ask& a) {
    std::vector<field> fields;
    for (const auto& [name, value] : a.fields)
        fields.push_back({name, value, identify(name)});
    return is_repeatable({a.service, signer::traits_of(a.service), a.method, a.path, a.query, fields, a.body});
}

bool target(std::string_view service, std::string_view name) {
    return repeatable({.service = service, .fields = {{"X-Amz-Target", name}}, .body = "{}"});
}

TEST(Repeatable, GoesByTheMethod) {
    for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
        EXPECT_TRUE(repeatable({.service = "s3", .method = method, .path = "/k"})) << method;
    for (const char* method : {"POST", "PATCH", "get", "LOCK", "M"})
        EXPECT_FALSE(repeatable({.service = "s3", .method = method, .path = "/k"})) << method;
    EXPECT_FALSE(repeatable({"lambda", "POST", "/2015-03-31/functions/getUser/invocations"}));
    EXPECT_FALSE(repeatable({"execute-api", "GET", "/v1/x", "", {{"X-HTTP-Method-Override", "POST"}}}));
}

TEST(Repeatable, KnowsOperationsThatOnlyRead) {
    EXPECT_TRUE(target("dynamodb", "DynamoDB_20120810.GetItem"));
    EXPECT_TRUE(target("dynamodb", "DynamoDB_20120810.BatchGetItem"));
    EXPECT_TRUE(target("dynamodb", "DynamoDB_20120810.Query"));
    EXPECT_TRUE(target("dynamodb", "DynamoDB_20120810.Scan"));
    EXPECT_TRUE(target("sqs", "AmazonSQS.ListQueues"));
    EXPECT_TRUE(target("logs", "Logs_20140328.DescribeLogGroups"));
    EXPECT_FALSE(target("dynamodb", "DynamoDB_20120810.PutItem"));
    EXPECT_FALSE(target("dynamodb", "DynamoDB_20120810.BatchWriteItem"));
    EXPECT_FALSE(target("sqs", "AmazonSQS.ReceiveMessage"));
    EXPECT_FALSE(target("states", "AWSStepFunctions.GetActivityTask"));
    EXPECT_FALSE(target("dynamodb", "DynamoDB_20120810.Getaway"));
    EXPECT_FALSE(repeatable({.fields = {{"X-Amz-Target", "D.GetItem"}, {"X-Amz-Target", "D.PutItem"}}}));
}

TEST(Repeatable, ReadsTheActionOfQueryServices) {
    EXPECT_TRUE(repeatable({.service = "ec2", .body = "Action=DescribeInstances&Version=2016-11-15"}));
    EXPECT_FALSE(repeatable({.service = "ec2", .body = "Action=RunInstances&Version=2016-11-15"}));
    EXPECT_TRUE(repeatable({.service = "iam", .method = "GET", .query = "Action=ListUsers"}));
    EXPECT_FALSE(repeatable({.service = "iam", .method = "GET", .query = "Action=CreateUser&UserName=a"}));
    EXPECT_FALSE(repeatable({.service = "iam", .method = "GET", .query = "%41ction=CreateUser"}));
    EXPECT_FALSE(repeatable({.service = "iam", .method = "GET", .query = "Action=ListUsers&Action=CreateUser"}));
    EXPECT_TRUE(repeatable({.service = "s3", .method = "GET", .path = "/k", .query = "Action=CreateUser"}));
}

TEST(Repeatable, ReadsPathsOfRestServices) {
    EXPECT_TRUE(repeatable({"account", "POST", "/getAccountInformation"}));
    EXPECT_TRUE(repeatable({"servicediscovery", "POST", "/list-services"}));
    EXPECT_TRUE(repeatable({"inspector2", "POST", "/findings/list"}));
    EXPECT_TRUE(repeatable({"es", "POST", "/index/_search"}));
    EXPECT_TRUE(repeatable({"monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData"}));
    EXPECT_FALSE(repeatable({"monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData"}));
    EXPECT_FALSE(repeatable({"iot", "POST", "/things/get-well"})); // a name that somebody gave
    EXPECT_FALSE(repeatable({"es", "POST", "/index/_doc"}));
    EXPECT_FALSE(repeatable({"s3", "POST", "/list", "uploads"}));
    EXPECT_FALSE(repeatable({"execute-api", "POST", "/search"}));
}

TEST(Repeatable, KnowsTokens) {
    for (const char* name : {"X-Amz-Client-Token", "x-amzn-client-token", "Idempotency-Key", "X-Idempotency-Key"}) {
        EXPECT_TRUE(repeatable({"lambda", "POST", "/f/invocations", "", {{name, "1"}}})) << name;
        EXPECT_FALSE(repeatable({"lambda", "POST", "/f/invocations", "", {{name, ""}}})) << name;
    }
    EXPECT_TRUE(repeatable({"batch", "POST", "/v1/submitjob", "", {}, R"({"clientToken":"a"})"}));
    EXPECT_TRUE(repeatable({"batch", "POST", "/v1/submitjob", "clientToken=a"}));
    EXPECT_FALSE(repeatable({"batch", "POST", "/v1/submitjob", "", {}, R"({"clientToken":"","x":{"clientToken":"a"}})"})
    );
    EXPECT_FALSE(repeatable({"batch", "POST", "/v1/submitjob", "", {}, R"({"clientToken":"a")"}));
    EXPECT_TRUE(repeatable({.service = "ec2", .body = "Action=RunInstances&ClientToken=a"}));
    const auto sqs = [](std::string_view name, std::string_view body) {
        return repeatable({.service = "sqs", .fields = {{"X-Amz-Target", name}}, .body = body});
    };
    EXPECT_TRUE(sqs("AmazonSQS.SendMessage", R"({"MessageBody":"x","MessageDeduplicationId":"1"})"));
    EXPECT_FALSE(sqs("AmazonSQS.SendMessage", R"({"MessageBody":"x"})"));
    EXPECT_TRUE(sqs("AmazonSQS.SendMessageBatch", R"({"Entries":[{"MessageDeduplicationId":"1"}]})"));
    EXPECT_FALSE(sqs("AmazonSQS.SendMessageBatch", R"({"Entries":[{"MessageDeduplicationId":"1"},{"Id":"2"}]})"));
    // A function's own input, a model's, a customer's API: the service knows nothing of what stands there.
    EXPECT_FALSE(repeatable({"lambda", "POST", "/f/invocations", "", {}, R"({"ClientToken":"a"})"}));
    EXPECT_FALSE(repeatable({"execute-api", "POST", "/v1/orders", "", {}, R"({"clientToken":"a"})"}));
}

} // namespace repeatable_test
} // namespace countersign::proxy
