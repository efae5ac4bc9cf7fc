#include "signer/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory_resource>
#include <string>
#include <vector>

namespace countersign::signer {
namespace sigv4_test {

using namespace std::chrono;
using testing::EndsWith;
using testing::HasSubstr;

// The keys, date and bucket of the examples in the Amazon S3 API reference ("Authenticating Requests").
constexpr std::string_view access_key = "AKIAIOSFODNN7EXAMPLE";
constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr sys_seconds when = sys_days(2013y / 5 / 24);
constexpr std::string_view bucket = "examplebucket.s3.amazonaws.com";

class Sigv4 : public testing::Test {
protected:
    instructions sign_s3(
        std::string_view method,
        std::string_view path,
        std::string_view query,
        std::vector<header> headers,
        std::string_view payload_hash,
        options how
    ) {
        headers_ = std::move(headers);
        how.path = path_rule::s3;
        return sign(
            {method, path, query, headers_, payload_hash},
            {"s3", "us-east-1"},
            {access_key, token_},
            signing_key::derive(secret, "20130524", "us-east-1", "s3"),
            when,
            how,
            memory_
        );
    }

    std::pmr::monotonic_buffer_resource memory_;
    std::vector<header> headers_;
    std::string_view token_;
};

constexpr options with_hash{.content_sha256_header = true};
constexpr options like_aws{.headers = header_rule::all_but_skipped, .content_sha256_header = true};

TEST_F(Sigv4, SignsThePublishedGetOfAnObject) {
    const instructions made =
        sign_s3("GET", "/test.txt", "", {{"Host", bucket}, {"Range", "bytes=0-9"}}, empty_hash, with_hash);
    EXPECT_EQ(made.signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    EXPECT_EQ(made.signed_headers, "host;range;x-amz-content-sha256;x-amz-date");
    EXPECT_EQ(
        made.string_to_sign,
        "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
        "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"
    );
    EXPECT_EQ(made.credential_scope, "20130524/us-east-1/s3/aws4_request");
}

TEST_F(Sigv4, SignsThePublishedPutOfAnObject) {
    const instructions made = sign_s3(
        "PUT",
        "/test%24file.text",
        "",
        {{"Host", bucket}, {"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        like_aws
    );
    EXPECT_EQ(made.signature, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(Sigv4, SignsThePublishedSubresourceAndListing) {
    EXPECT_EQ(
        sign_s3("GET", "/", "lifecycle", {{"Host", bucket}}, empty_hash, with_hash).signature,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    );
    EXPECT_EQ(
        sign_s3("GET", "/", "max-keys=2&prefix=J", {{"Host", bucket}}, empty_hash, with_hash).signature,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    );
}

TEST_F(Sigv4, SignsThePublishedSeedOfAChunkedUpload) {
    const instructions made = sign_s3(
        "PUT",
        "/examplebucket/chunkObject.txt",
        "",
        {{"Host", "s3.amazonaws.com"},
         {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
         {"Content-Encoding", "aws-chunked"},
         {"x-amz-decoded-content-length", "66560"},
         {"Content-Length", "66824"}},
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        like_aws
    );
    EXPECT_EQ(made.signature, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
}

// The example that the AWS General Reference takes through all its tasks: a service with the standard's path rule.
TEST_F(Sigv4, SignsThePublishedListOfUsers) {
    const std::vector<header> headers{
        {"Host", "iam.amazonaws.com"}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    const instructions made = sign(
        {"GET", "/", "Action=ListUsers&Version=2010-05-08", headers, empty_hash},
        {"iam", "us-east-1"},
        {"AKIDEXAMPLE", ""},
        signing_key::derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam"),
        sys_days(2015y / 8 / 30) + 12h + 36min,
        {},
        memory_
    );
    EXPECT_EQ(
        made.canonical_request,
        "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
        "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
        "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n" +
            std::string(empty_hash)
    );
    EXPECT_THAT(
        std::string(made.string_to_sign), EndsWith("\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59")
    );
    EXPECT_EQ(
        made.add.back().value,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

TEST_F(Sigv4, PresignsThePublishedUrl) {
    const instructions made = sign_s3(
        "GET",
        "/test.txt",
        "",
        {{"Host", bucket}},
        "UNSIGNED-PAYLOAD",
        {.where = placement::query, .expires = seconds(86400)}
    );
    EXPECT_EQ(made.signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    EXPECT_EQ(
        made.query,
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
        "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=86400&"
        "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
    EXPECT_TRUE(made.add.empty());
}

TEST_F(Sigv4, AddsTheHeadersThatItSigned) {
    token_ = "TOKEN/+=";
    const instructions made = sign_s3("GET", "/", "", {{"Host", bucket}}, empty_hash, with_hash);
    ASSERT_EQ(made.add.size(), 4u);
    EXPECT_EQ(made.add[0].name, "X-Amz-Date");
    EXPECT_EQ(made.add[0].value, "20130524T000000Z");
    EXPECT_EQ(made.add[1].name, "X-Amz-Content-Sha256");
    EXPECT_EQ(made.add[1].value, empty_hash);
    EXPECT_EQ(made.add[2].name, "X-Amz-Security-Token");
    EXPECT_EQ(made.add[2].value, "TOKEN/+=");
    EXPECT_EQ(made.add[3].name, "Authorization");
    EXPECT_EQ(
        made.add[3].value,
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=" +
            std::string(made.signature)
    );
    EXPECT_TRUE(made.query.empty());
}

TEST_F(Sigv4, KeepsNoViewOfTheCredentials) {
    std::string token(600, 't');
    token_ = token;
    const instructions made = sign_s3("GET", "/", "", {{"Host", bucket}}, empty_hash, with_hash);
    token.assign(600, '!');
    EXPECT_EQ(made.add[2].value, std::string(600, 't'));
}

TEST_F(Sigv4, PutsTheTokenIntoTheQueryEncoded) {
    token_ = "a/b+c=";
    const options presign{.where = placement::query};
    const instructions made = sign_s3("GET", "/", "z=1&A=2", {{"Host", bucket}}, "UNSIGNED-PAYLOAD", presign);
    EXPECT_THAT(std::string(made.query), testing::StartsWith("z=1&A=2&X-Amz-Algorithm="));
    EXPECT_THAT(std::string(made.query), HasSubstr("&X-Amz-Security-Token=a%2Fb%2Bc%3D&"));
    EXPECT_THAT(std::string(made.canonical_request), HasSubstr("\nA=2&X-Amz-Algorithm="));
    EXPECT_THAT(std::string(made.canonical_request), HasSubstr("&X-Amz-SignedHeaders=host&z=1\n"));
}

TEST_F(Sigv4, CanLeaveTheTokenOutsideTheSignature) {
    const auto presign = [&](token_rule rule) {
        const options how{.where = placement::query, .token = rule};
        return sign_s3("GET", "/", "", {{"Host", bucket}}, "UNSIGNED-PAYLOAD", how);
    };
    const std::string without(presign(token_rule::added_after).signature);
    token_ = "a/b";
    const instructions after = presign(token_rule::added_after);
    EXPECT_EQ(after.signature, without);
    EXPECT_THAT(std::string(after.query), EndsWith("&X-Amz-Security-Token=a%2Fb&X-Amz-Signature=" + without));
    EXPECT_NE(presign(token_rule::signed_with_the_rest).signature, without);
}

TEST_F(Sigv4, SignsWhatSurvivesTheHopAndNothingElse) {
    const std::vector<header> headers{
        {"Host", "h"},
        {"Accept-Encoding", "gzip"},
        {"CONTENT-TYPE", "t"},
        {"Via", "1.1 p"},
        {"X-Amz-Meta-B", " 2  3 "},
        {"x-amz-meta-b", "1"},
        {"If-None-Match", "*"},
        {"Content-Length", "0"},
        {"x-forwarded-for", "c"}};
    EXPECT_EQ(
        sign_s3("GET", "/", "", headers, empty_hash, {}).canonical_request,
        "GET\n/\n\ncontent-type:t\nhost:h\nif-none-match:*\nx-amz-date:20130524T000000Z\nx-amz-meta-b:2 "
        "3,1\n\n"
        "content-type;host;if-none-match;x-amz-date;x-amz-meta-b\n" +
            std::string(empty_hash)
    );
}

TEST_F(Sigv4, LetsTheCallerMakeExceptions) {
    const std::vector<header> headers{
        {"Host", "h"},
        {"X-Tenant", "7"},
        {"Range", "bytes=0-9"},
        {"Connection", "x"},
        {"X-Amz-Acl", "a"},
        {"Via", "v"}};
    const std::vector<std::string> also{"x-tenant", "connection", "authorization", "via", "not-there"};
    const std::vector<std::string> never{"range", "host", "x-amz-acl", "x-amz-date", "via"};
    const auto names = [&](options how) {
        return std::string(sign_s3("GET", "/", "", headers, empty_hash, how).signed_headers);
    };
    EXPECT_EQ(names({}), "host;range;x-amz-acl;x-amz-date");
    EXPECT_EQ(names({.also_sign = also}), "host;range;via;x-amz-acl;x-amz-date;x-tenant");
    EXPECT_EQ(names({.never_sign = never}), "host;x-amz-acl;x-amz-date");
    EXPECT_EQ(names({.also_sign = also, .never_sign = never}), "host;x-amz-acl;x-amz-date;x-tenant");
    EXPECT_EQ(names({.where = placement::query, .also_sign = also, .never_sign = never}), "host;x-amz-acl;x-tenant");
    EXPECT_EQ(
        names({.headers = header_rule::all_but_skipped, .also_sign = also, .never_sign = never}),
        "host;x-amz-acl;x-amz-date;x-tenant"
    );
}

TEST_F(Sigv4, LeavesTheExpiryOutWhenThereIsNone) {
    const options how{.where = placement::query, .expires = seconds(0)};
    const instructions made = sign_s3("GET", "/", "", {{"Host", bucket}}, "UNSIGNED-PAYLOAD", how);
    EXPECT_EQ(made.query.find("Expires"), std::string_view::npos);
    EXPECT_EQ(made.canonical_request.find("Expires"), std::string_view::npos);
}

TEST(SignedHeaders, AreChosenByName) {
    for (const std::string_view name :
         {"host",
          "HOST",
          "x-amz-meta-a",
          "X-Amz-",
          "Content-Type",
          "content-md5",
          "Range",
          "If-Match",
          "if-x",
          "x-amz-a-name-that-is-longer-than-any-buffer-for-names-could-be"}) {
        EXPECT_TRUE(is_signed(name)) << name;
    }
    for (const std::string_view name :
         {"",
          "hos",
          "hosts",
          "x-amz",
          "x-amzn-trace-id",
          "content-length",
          "content-encoding",
          "accept-encoding",
          "range-",
          "if",
          "via",
          "user-agent",
          "connection",
          "x-forwarded-for",
          "host-and-then-a-name-that-is-longer-than-any-buffer"}) {
        EXPECT_FALSE(is_signed(name)) << name;
    }
    for (const std::string_view name :
         {"Authorization",
          "connection",
          "Expect",
          "TE",
          "Transfer-Encoding",
          "User-Agent",
          "X-Amzn-Trace-Id",
          "sec-websocket-key",
          "keep-alive",
          "proxy-authorization"}) {
        EXPECT_TRUE(is_skipped(name)) << name;
    }
    for (const std::string_view name : {"", "host", "accept", "content-length", "te-", "x-amz-date", "date", "via"}) {
        EXPECT_FALSE(is_skipped(name)) << name;
    }
}

TEST(SignedHeaders, HaveBoundsForExceptions) {
    for (const std::string_view name :
         {"", "connection", "te", "authorization", "x-amz-date", "x-amz-content-sha256"}) {
        EXPECT_FALSE(can_be_added(name)) << name;
    }
    for (const std::string_view name : {"x-tenant", "accept", "content-encoding", "range", "date"}) {
        EXPECT_TRUE(can_be_added(name)) << name;
    }
    for (const std::string_view name : {"host", "x-amz-", "x-amz-meta-a"}) {
        EXPECT_FALSE(can_be_left_out(name)) << name;
    }
    for (const std::string_view name : {"", "range", "content-type", "x-amzn-trace-id", "hosts"}) {
        EXPECT_TRUE(can_be_left_out(name)) << name;
    }
}

TEST(OwnedHeaders, AreThoseThatSigningSets) {
    for (const std::string_view name :
         {"authorization", "X-AMZ-DATE", "x-amz-security-token", "X-Amz-Content-Sha256", "x-amz-region-set", "Date"}) {
        EXPECT_TRUE(is_owned_by_signing(name)) << name;
    }
    for (const std::string_view name :
         {"", "x-amz-dates", "x-amz-content-sha257", "x-amz-security-tokem", "data", "x-amz-region-sets", "host"}) {
        EXPECT_FALSE(is_owned_by_signing(name)) << name;
    }
}

// Sizes around every bound, in a buffer that the address sanitizer watches: no input may outgrow the room.
TEST(Sign, StaysInItsRoomWhateverTheInput) {
    const signing_key key = signing_key::derive("s", "20130524", "r", "x");
    const std::string ugly(300, '\xff');
    const std::string blanks(300, ' ');
    const std::string dots = "/../.././//..";
    std::string ampersands;
    for (int i = 0; i < 300; ++i) {
        ampersands += i % 3 == 0 ? "&" : "a";
    }
    for (const std::string& text : {std::string(), std::string("a"), ugly, blanks, dots, ampersands}) {
        for (const placement where : {placement::header, placement::query}) {
            for (const token_rule token : {token_rule::signed_with_the_rest, token_rule::added_after}) {
                for (const path_rule rule : {path_rule::standard, path_rule::s3, path_rule::encoded_only}) {
                    const std::vector<header> headers{{"host", text}, {text, text}, {"x-amz-x", text}};
                    std::pmr::monotonic_buffer_resource memory(1, std::pmr::new_delete_resource());
                    const instructions made = sign(
                        {text, text, text, headers, text},
                        {text, text},
                        {text, text},
                        key,
                        when,
                        {.where = where,
                         .path = rule,
                         .headers = header_rule::all_but_skipped,
                         .token = token,
                         .content_sha256_header = true},
                        memory
                    );
                    EXPECT_EQ(made.signature.size(), 64u);
                }
            }
        }
    }
}

} // namespace sigv4_test
} // namespace countersign::signer
