// Names of targets, actions and paths: AWS's API references and the models in botocore.
#include "proxy/rules/action.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace action_test {

constexpr std::string_view form = "application/x-www-form-urlencoded";
constexpr std::string_view json = "application/x-amz-json-1.0";

struct asked {
    std::string_view service;
    std::string_view method = "POST";
    std::string_view path = "/";
    std::string_view query = "";
    std::vector<std::pair<std::string_view, std::string_view>> fields = {};
    std::optional<std::string_view> body = "";
};

std::string found(const asked& a) {
    std::vector<field> fields;
    for (const auto& [name, value] : a.fields)
        fields.push_back({name, value, identify(name), false});
    return action_of({a.service, signer::traits_of(a.service), a.method, a.path, a.query, fields, a.body})
        .value_or("-");
}

TEST(Action, IsWhatTheTargetOfAJsonServiceNames) {
    EXPECT_EQ(found({"dynamodb", "POST", "/", "", {{"X-Amz-Target", "DynamoDB_20120810.GetItem"}}, "{}"}), "GetItem");
    EXPECT_EQ(
        found(
            {"cloudtrail",
             "POST",
             "/",
             "",
             {{"x-amz-target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"}},
             "{}"}
        ),
        "LookupEvents"
    );
    // A JSON text may hold what it likes.
    EXPECT_EQ(
        found(
            {"dynamodb",
             "POST",
             "/",
             "",
             {{"X-Amz-Target", "DynamoDB_20120810.PutItem"}, {"Content-Type", json}},
             "{\"a\":\"x&Action=DeleteTable\"}"}
        ),
        "PutItem"
    );
    EXPECT_EQ(
        found({"sqs", "POST", "/", "", {{"X-Amz-Target", "AmazonSQS.SendMessage"}, {"x-amzn-query-mode", "true"}}, "{}"}
        ),
        "SendMessage"
    );
}

TEST(Action, IsWhatAQueryServiceIsAskedFor) {
    EXPECT_EQ(found({"sts", "GET", "/", "Action=GetCallerIdentity&Version=2011-06-15"}), "GetCallerIdentity");
    EXPECT_EQ(
        found({"iam", "POST", "/", "", {{"Content-Type", form}}, "Version=2010-05-08&Action=ListUsers"}), "ListUsers"
    );
    EXPECT_EQ(found({"ec2", "POST", "/", "", {}, "Action=RunInstances"}), "RunInstances");
    EXPECT_EQ(
        found({"sqs", "POST", "/123456789012/queue.fifo", "", {{"Content-Type", form}}, "Action=DeleteQueue"}),
        "DeleteQueue"
    );
    EXPECT_EQ(found({"sqs", "GET", "/123456789012/queue", "Action=ReceiveMessage"}), "ReceiveMessage");
    EXPECT_EQ(
        found({"iam", "POST", "/", "Action=ListUsers", {{"Content-Type", form}}, "Action=ListUsers"}), "ListUsers"
    );
    EXPECT_EQ(
        found(
            {"iam",
             "POST",
             "/",
             "",
             {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
             "Action=ListUsers"}
        ),
        "ListUsers"
    );
}

TEST(Action, IsTheOperationOfAnRpcPath) {
    constexpr std::string_view path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    EXPECT_EQ(
        found(
            {"monitoring",
             "POST",
             path,
             "",
             {{"smithy-protocol", "rpc-v2-cbor"}, {"Content-Type", "application/cbor"}},
             "\xbf\xff"}
        ),
        "PutMetricData"
    );
    EXPECT_EQ(
        found({"dynamodb", "POST", "/service/x/operation/GetItem", "", {{"smithy-protocol", "rpc-v2-cbor"}}}), "GetItem"
    );
    EXPECT_EQ(
        found({"dynamodb", "POST", "/service/x/operation/GetItem"}), "-"
    ); // without the protocol it means nothing
    EXPECT_EQ(
        found({"dynamodb", "GET", "/service/x/operation/GetItem", "", {{"smithy-protocol", "rpc-v2-cbor"}}}), "-"
    );
    for (const char* bad :
         {"/",
          "/service/x/operation/",
          "/service/x/operation/Get%49tem",
          "/service/x/operation/GetItem/../DeleteTable",
          "/service//operation/GetItem",
          "/Service/x/operation/GetItem",
          "/service/x/operation/GetItem/"})
        EXPECT_EQ(
            found({"dynamodb", "POST", bad, "", {{"smithy-protocol", "rpc-v2-cbor"}, {"X-Amz-Target", "D.GetItem"}}}),
            "-"
        ) << bad;
    for (const char* other : {"rpc-v2", "RPC-V2-CBOR", "", "rest-json"})
        EXPECT_EQ(found({"dynamodb", "POST", "/service/x/operation/GetItem", "", {{"smithy-protocol", other}}}), "-")
            << other;
}

TEST(Action, IsReadAsTheMostLenientServerWould) {
    for (const char* query :
         {"%41ction=ListUsers",
          "action=ListUsers",
          "ACTION=ListUsers",
          "+Action=ListUsers",
          "Action%20=ListUsers",
          "Action%00x=ListUsers",
          "x=1;Action=ListUsers",
          "Action=List%55sers",
          "&&Action=ListUsers&"})
        EXPECT_EQ(found({"iam", "GET", "/", query}), "ListUsers") << query;
}

TEST(Action, IsNotCertainWhenSourcesDiffer) {
    for (const char* query :
         {"Action=ListUsers&Action=DeleteUser",
          "Action=ListUsers&%41ction=DeleteUser",
          "Action=ListUsers&action=DeleteUser",
          "Action=ListUsers;Action=DeleteUser",
          "Action=ListUsers;x=1",
          "Action=ListUsers&Action%00=DeleteUser",
          "Action=ListUsers&+Action=DeleteUser",
          "Action=ListUsers&Action=",
          "Action=ListUsers&Action",
          "Action=ListUsers%00",
          "Action=ListUsers%0a",
          "Action=ListUsers+",
          "Action=List-Users",
          "Action=",
          "Action",
          "Version=1",
          "",
          "Action=%C4ListUsers"})
        EXPECT_EQ(found({"iam", "GET", "/", query}), "-") << query;
    EXPECT_EQ(found({"iam", "POST", "/", "Action=ListUsers", {{"Content-Type", form}}, "Action=DeleteUser"}), "-");
    EXPECT_EQ(found({"sqs", "POST", "/", "", {{"X-Amz-Target", "AmazonSQS.GetQueueUrl"}}, "Action=DeleteQueue"}), "-");
    EXPECT_EQ(
        found({"dynamodb", "POST", "/", "Action=DeleteTable", {{"X-Amz-Target", "DynamoDB_20120810.GetItem"}}}), "-"
    );
    EXPECT_EQ(
        found({"dynamodb", "POST", "/", "", {{"X-Amz-Target", "D.GetItem"}, {"X-Amz-Target", "D.DeleteTable"}}}), "-"
    );
    for (const char* target :
         {"D.GetItem,D.DeleteTable", "D.GetItem D.DeleteTable", "", ".", "D.", "D/x.GetItem", "D.Get%49tem"})
        EXPECT_EQ(found({"dynamodb", "POST", "/", "", {{"X-Amz-Target", target}}}), "-") << target;
    EXPECT_EQ(found({"iam", "GET", "/", std::string("Action=").append(200, 'A')}), "-");
}

TEST(Action, IsLookedForInEveryBodyOfAQueryService) {
    for (const char* type :
         {"text/plain", "application/json", "application/x-amz-json-1.0", "application/octet-stream", "x"})
        EXPECT_EQ(found({"iam", "POST", "/", "Action=ListUsers", {{"Content-Type", type}}, "Action=DeleteUser"}), "-")
            << type;
    EXPECT_EQ(
        found(
            {"iam",
             "POST",
             "/",
             "",
             {{"X-Amz-Target", "X.ListUsers"}, {"Content-Type", json}},
             "{\"a\":\"&Action=DeleteUser&b=\"}"}
        ),
        "-"
    );
}

TEST(Action, IsNotCertainWhereTheBodyCannotBeRead) {
    const auto with = [](std::string_view name, std::string_view value) {
        return found({"iam", "POST", "/", "Action=ListUsers", {{name, value}}, "Action=ListUsers"});
    };
    EXPECT_EQ(with("Content-Type", form), "ListUsers");
    EXPECT_EQ(with("Content-Encoding", "identity"), "ListUsers");
    EXPECT_EQ(with("Content-Encoding", "gzip"), "-");
    EXPECT_EQ(with("Content-Type", "multipart/form-data; boundary=x"), "-");
    EXPECT_EQ(with("Content-Type", "application/x-www-form-urlencoded; charset=ibm037"), "-");
    EXPECT_EQ(with("Content-Type", "application/x-www-form-urlencoded;CHARSET = \"UTF-16\""), "-");
    EXPECT_EQ(
        found({"iam", "POST", "/", "", {{"Content-Type", form}, {"Content-Type", json}}, "Action=ListUsers"}), "-"
    );
    EXPECT_EQ(found({"iam", "POST", "/", "Action=ListUsers", {}, std::nullopt}), "-");
    EXPECT_EQ(found({"dynamodb", "POST", "/", "", {{"X-Amz-Target", "D.PutItem"}}, std::nullopt}), "PutItem");
}

TEST(Action, IsNotThereWhereTheServiceWouldNotLook) {
    EXPECT_EQ(found({"s3", "GET", "/", "Action=GetObject"}), "-");
    EXPECT_EQ(found({"lambda", "DELETE", "/2015-03-31/functions/f", "Action=GetFunction"}), "-");
    EXPECT_EQ(found({"lambda", "POST", "/", "", {{"X-Amz-Target", "X.GetFunction"}}}), "-");
    EXPECT_EQ(found({"execute-api", "POST", "/", "", {{"X-Amz-Target", "X.Get"}}}), "-");
    EXPECT_EQ(found({"eks", "DELETE", "/clusters/c", "", {{"X-Amz-Target", "X.ListClusters"}}}), "-");
    EXPECT_EQ(found({"dynamodb", "GET", "/", "", {{"X-Amz-Target", "D.GetItem"}}}), "-");
    EXPECT_EQ(found({"dynamodb", "POST", "/", "Action=GetItem"}), "-");
    EXPECT_EQ(found({"iam", "DELETE", "/", "Action=ListUsers"}), "-");
    EXPECT_EQ(found({"iam", "GET", "/x", "Action=ListUsers"}), "-");
    EXPECT_EQ(found({"sqs", "GET", "/123456789012/../x", "Action=ReceiveMessage"}), "-");
}

TEST(Action, LeavesOutFieldsThatEndHere) {
    std::vector<field> fields{{"X-Amz-Target", "D.GetItem", field_name::amz_target, true}};
    const signer::service_traits& traits = signer::traits_of("dynamodb");
    EXPECT_FALSE(action_of({"dynamodb", traits, "POST", "/", "", fields, "{}"}));
    fields[0].stays_here = false;
    EXPECT_EQ(action_of({"dynamodb", traits, "POST", "/", "", fields, "{}"}), "GetItem");
}

} // namespace action_test
} // namespace countersign::proxy
