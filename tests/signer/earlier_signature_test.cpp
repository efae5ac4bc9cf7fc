#include "signer/earlier_signature.hpp"

#include <gtest/gtest.h>

#include <memory_resource>
#include <string>

namespace countersign::signer {
namespace earlier_signature_test {

std::string without(std::string_view query) {
    std::pmr::monotonic_buffer_resource memory;
    return std::string(without_signature(query, memory));
}

std::string form_without(std::string form) {
    form.resize(remove_form_signature({form.data(), form.size()}));
    return form;
}

TEST(EarlierSignature, OfVersionFourIsTakenOff) {
    EXPECT_EQ(
        without("a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&b=2&"
                "X-Amz-SignedHeaders=host&X-Amz-Security-Token=t&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&"
                "X-Amz-Signature=s&c"),
        "a=1&b=2&c"
    );
    EXPECT_EQ(without("X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Region-Set=*&X-Amz-Signature=s&k"), "k");
    EXPECT_EQ(without("X-Amz-S3session-Token=t&X-Amz-Signature=s"), "");
    EXPECT_EQ(without("X-Amz-Date=d&a"), "a"); // a remainder is one, too
}

// As boto3 (S3; with temporary keys) and boto 2 (query APIs) write it.
TEST(EarlierSignature, OfVersionTwoIsTakenOff) {
    EXPECT_EQ(
        without("response-content-type=text%2Fplain&AWSAccessKeyId=AKID&Signature=qbE%3D&"
                "x-amz-security-token=t%2F%2B%3D&Expires=1700000000&versionId=3"),
        "response-content-type=text%2Fplain&versionId=3"
    );
    EXPECT_EQ(
        without("AWSAccessKeyId=AKID&Action=ListQueues&SecurityToken=t&SignatureMethod=HmacSHA256&SignatureVersion=2&"
                "Timestamp=2026-01-01T00%3A00%3A00Z&Version=2012-11-05&Signature=s"),
        "Action=ListQueues&Version=2012-11-05"
    );
    EXPECT_EQ(without("AWSAccessKeyId=AKID"), "");
}

TEST(EarlierSignature, IsFoundInAnySpelling) {
    EXPECT_EQ(without("x-AMZ-signature=s&a"), "a");
    EXPECT_EQ(without("X%2DAmz%2dSign%61ture=s"), "");
    EXPECT_EQ(without("x%2damz-content-SHA256&a="), "a=");
    EXPECT_EQ(without("%41WSAccessKeyID=k&%53ignature=s&EXPIRES=1&a=Signature"), "a=Signature");
}

TEST(EarlierSignature, LeavesWhatIsTheCallers) {
    for (const std::string_view query :
         {"",
          "a=1&&b",
          "x-amz-signatures=1",
          "x-amz-meta=2",
          "x-amz-acl=private&x-amz-checksum-crc32=a",
          "a=X-Amz-Signature",
          "%",
          "Expires=1&Signature=s&Key-Pair-Id=K&Policy=p", // CloudFront's
          "Action=x&Timestamp=t&SignatureVersion=2&SecurityToken=t",
          "a=AWSAccessKeyId&Signature=1",
          "AWSAccessKeyIds=1&Expires=2",
          "response-expires=1&Signature=2"}) {
        EXPECT_EQ(without_signature(query, *std::pmr::null_memory_resource()), query);
    }
}

TEST(EarlierSignature, IsTakenOutOfAForm) {
    EXPECT_EQ(
        form_without("Action=SendMessage&AWSAccessKeyId=AKID&MessageBody=a%26Signature%3Db+c&SignatureMethod=HmacSHA256"
                     "&SignatureVersion=2&Timestamp=t&SecurityToken=t&Version=2012-11-05&Signature=s"),
        "Action=SendMessage&MessageBody=a%26Signature%3Db+c&Version=2012-11-05"
    );
    EXPECT_EQ(form_without("AWSAccessKeyId=AKID&Signature=s"), "");
    EXPECT_EQ(form_without("Signature=s&Expires=1&b=2&%61wsaccesskeyid=1&a"), "b=2&a");
}

TEST(EarlierSignature, LeavesAnotherFormByteForByte) {
    for (const std::string form :
         {"", "&&Action=a&&", "Action=a&Signature=s&Timestamp=t", "X-Amz-Signature=s", "{\"a\":\"&AWSAccessKeyId\"}"}) {
        EXPECT_EQ(form_without(form), form);
    }
}

} // namespace earlier_signature_test
} // namespace countersign::signer
