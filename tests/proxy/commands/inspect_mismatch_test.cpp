#include "proxy/commands/inspect.hpp"
#include "proxy/commands/server_answer.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace inspect_mismatch_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Answers of AWS as people have published them. The hashes of S3 and DynamoDB are those of the canonical requests
// beside them; the query of the SQS one is cut short.

// S3: https://github.com/minio/minio/issues/2986
const std::string s3_canonical =
    "GET\n/\n\nexpect:100-continue\nhost:s3.amazonaws.com\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"
    "x-amz-date:20161018T091707Z\n\nexpect;host;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD";
const std::string s3_string = "AWS4-HMAC-SHA256\n20161018T091707Z\n20161018/us-east-1/s3/aws4_request\n"
                              "9977fec5206b9a221f83b69fe0de934fc76de632d276964e02329e51ca90c413";
const std::string s3_answer =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The request "
    "signature "
    "we calculated does not match the signature you provided. Check your key and signing method.</Message>"
    "<AWSAccessKeyId>AKIAI6SNMUFOVIEFOZJA</AWSAccessKeyId><StringToSign>" +
    s3_string +
    "</StringToSign><SignatureProvided>190d0f190d9af06017543ad0ef802abf6dee2dcf3836840cbaa13e8750f9f3ed"
    "</SignatureProvided><CanonicalRequest>" +
    s3_canonical + "</CanonicalRequest></Error>";

// DynamoDB
const std::string json_canonical = "POST\n/\n\nhost:dynamodb.us-west-2.amazonaws.com\nx-amz-date:20150727T180750Z\n"
                                   "x-amz-target:DynamoDB_20120810.GetItem\n\nhost;x-amz-date;x-amz-target\n"
                                   "7b80fb15dd80c5fecd6c575463166f6ba3ae1df84765bdf86035718b30a22bd1";
const std::string json_answer =
    R"({"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The request signature we c)"
    R"(alculated does not match the signature you provided. Check your AWS Secret Access Key and signing me)"
    R"(thod. Consult the service documentation for details.\n\nThe Canonical String for this request should)"
    R"( have been\n'POST\n/\n\nhost:dynamodb.us-west-2.amazonaws.com\nx-amz-date:20150727T180750Z\nx-amz-ta)"
    R"(rget:DynamoDB_20120810.GetItem\n\nhost;x-amz-date;x-amz-target\n7b80fb15dd80c5fecd6c575463166f6ba3ae)"
    R"(1df84765bdf86035718b30a22bd1'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20150727T18)"
    R"(0750Z\n20150727/us-west-2/dynamodb/aws4_request\nd202fd0eddcbcc001121861b892da5530d2c3e579a94166022b)"
    R"(a8d6db9cf19dc'\n"})";

// SQS
const std::string query_canonical =
    "GET\n/209369606763\nAction=CreateQueue&QueueName=test\nexpires:20190811T165553+0100\n"
    "host:sqs.eu-west-1.amazonaws.com\n\nexpires;"
    "host\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const std::string query_answer =
    "<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender</Type>"
    "<Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match.\n\n"
    "The Canonical String for this request should have been\n'\nGET\n/209369606763\n"
    "Action=CreateQueue&amp;QueueName=test\nexpires:20190811T165553+0100\nhost:sqs.eu-west-1.amazonaws.com\n\n"
    "expires;host\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\n"
    "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20190811T145553Z\n"
    "20190811/eu-west-1/sqs/aws4_request\nd7366611a6eed3d8a19cbf2dec813a8622f0ffa30bfd371ec458c865660d7ad8'\n"
    "</Message><Detail/></Error><RequestId>6d510b70</RequestId></ErrorResponse>";

std::string spaced_hex(std::string_view text) {
    std::string hex;
    for (const char c : text) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        hex.append(hex.empty() ? "" : " ").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    return hex;
}

TEST(ServerAnswer, IsReadInEachFormOfAws) {
    const server_answer s3 = server_answer::parse(s3_answer);
    EXPECT_EQ(s3.code, "SignatureDoesNotMatch");
    EXPECT_EQ(s3.canonical_request, s3_canonical);
    EXPECT_EQ(s3.string_to_sign, s3_string);
    const server_answer json = server_answer::parse(json_answer);
    EXPECT_EQ(json.code, "InvalidSignatureException");
    EXPECT_EQ(json.canonical_request, json_canonical);
    EXPECT_THAT(json.string_to_sign, HasSubstr("\n20150727/us-west-2/dynamodb/aws4_request\nd202fd0e"));
    const server_answer query = server_answer::parse("HTTP/1.1 403 Forbidden\r\nServer: x\r\n\r\n" + query_answer);
    EXPECT_EQ(query.canonical_request, query_canonical);
    EXPECT_THAT(query.string_to_sign, HasSubstr("\n20190811/eu-west-1/sqs/aws4_request\nd7366611"));
}

TEST(ServerAnswer, TrustsBytesMoreThanText) {
    const std::string answer = "<Error><CanonicalRequest>GET\n/a</CanonicalRequest><CanonicalRequestBytes>" +
                               spaced_hex(s3_canonical) + "</CanonicalRequestBytes></Error>";
    EXPECT_EQ(server_answer::parse(answer).canonical_request, s3_canonical);
    EXPECT_EQ(
        server_answer::parse(
            "<Error><CanonicalRequest>GET</CanonicalRequest><CanonicalRequestBytes>4x</CanonicalRequestBytes></Error>"
        )
            .canonical_request,
        "GET"
    );
}

TEST(ServerAnswer, SaysWhenThereIsNothingToCompare) {
    for (const std::string_view wrong :
         {"",
          "HTTP/1.1 403 Forbidden\r\n\r\n",
          "<Error><Code>AccessDenied</Code></Error>",
          "<Error>",
          "{",
          "[]",
          "{}",
          "{\"message\":\"The security token included in the request is invalid.\"}",
          "no",
          "The Canonical String for this request should have been",
          "The Canonical String for this request should have been '"}) {
        EXPECT_THROW(server_answer::parse(wrong), std::runtime_error) << wrong;
    }
}

std::string explained(std::string_view ours, std::string_view answer, std::string output = "text") {
    inspect_arguments a;
    a.output = std::move(output);
    const explanation e = explain_mismatch(a, ours, answer);
    EXPECT_EQ(e.status, 1);
    return e.text;
}

std::string changed(std::string text, std::string_view from, std::string_view to) {
    return text.replace(text.find(from), from.size(), to);
}

std::string signed_json(const std::string& canonical, const std::string& string) {
    return boost::json::serialize(boost::json::object{{"canonical_request", canonical}, {"string_to_sign", string}});
}

TEST(InspectMismatch, NamesLineValuesColumnAndCause) {
    EXPECT_EQ(
        explained(changed(s3_canonical, "100-continue", "100-Continue"), s3_answer),
        "differs         header expect\n"
        "ours            100-Continue\n"
        "the server's    100-continue\n"
        "at column       5\n"
        "likely cause    the value's case was changed: values are signed as they stand\n"
    );
    const auto o =
        boost::json::parse(explained(changed(json_canonical, "\n7b80fb", "\n8b80fb"), json_answer, "json")).as_object();
    EXPECT_EQ(o.at("equal"), false);
    EXPECT_EQ(o.at("line"), "payload hash");
    EXPECT_EQ(o.at("column"), 1);
    EXPECT_THAT(o.at("cause").as_string().c_str(), HasSubstr("the body is not the one that was signed"));
}

TEST(InspectMismatch, BlamesSecretOrTokenWhenAllIsEqual) {
    EXPECT_THAT(
        explained(s3_canonical + "\n", s3_answer),
        AllOf(
            StartsWith("all that can be compared is equal\n"),
            HasSubstr("secret access key"),
            HasSubstr("session token"),
            HasSubstr("the server signs for 20161018/us-east-1/s3/aws4_request")
        )
    );
    EXPECT_THAT(
        explained(signed_json(s3_canonical, s3_string), s3_answer),
        AllOf(HasSubstr("secret access key"), Not(HasSubstr("scope")))
    );
}

TEST(InspectMismatch, ComparesStringsToSignWhereItHasBoth) {
    const std::string elsewhere = changed(s3_string, "us-east-1", "eu-west-1");
    EXPECT_THAT(
        explained(signed_json(s3_canonical, elsewhere), s3_answer),
        AllOf(
            StartsWith("differs         scope\n"), HasSubstr("another region: sign for us-east-1 instead of eu-west-1")
        )
    );
}

TEST(InspectMismatch, ComparesHashesWhereTheServerTellsNoMore) {
    const std::string answer = "<Error><StringToSign>" + s3_string + "</StringToSign></Error>";
    EXPECT_THAT(explained(s3_canonical, answer), StartsWith("all that can be compared is equal"));
    EXPECT_THAT(
        explained(changed(s3_canonical, "GET", "PUT"), answer),
        AllOf(StartsWith("differs         hash of the canonical request\n"), HasSubstr("the server's hash only"))
    );
}

TEST(InspectMismatch, ShowsLongValuesAroundTheDifference) {
    const std::string long_path = "\n/" + std::string(300, 'a');
    const std::string answer = changed(s3_answer, "GET\n/\n", "GET" + long_path + "X" + std::string(200, 'b') + "\n");
    const std::string text =
        explained(changed(s3_canonical, "GET\n/\n", "GET" + long_path + "Y" + std::string(200, 'b') + "\n"), answer);
    EXPECT_THAT(text, HasSubstr("ours            ..." + std::string(32, 'a') + "Y" + std::string(55, 'b') + "...\n"));
    EXPECT_THAT(text, HasSubstr("at column       302\n"));
}

TEST(InspectMismatch, WantsOurSideInOneOfTwoForms) {
    EXPECT_THROW(explained("", s3_answer), std::runtime_error);
    EXPECT_THROW(explained("{\"canonical_request\":5}", s3_answer), std::runtime_error);
    EXPECT_THROW(explained("{", s3_answer), std::runtime_error);
    EXPECT_THAT(explained("GET", s3_answer), HasSubstr("ours is not a canonical request"));
}

} // namespace inspect_mismatch_test
} // namespace countersign::proxy
