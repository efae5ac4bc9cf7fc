#include "proxy/rules/earlier_scope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace countersign::proxy {
namespace earlier_scope_test {

using testing::HasSubstr;

// "" or the refusal's text, for a request that was signed for this scope.
std::string refused(
    std::string_view host,
    std::string_view scope,
    const conf::config& config = {},
    const std::string& date = "20261128T120000Z"
) {
    constexpr std::chrono::sys_seconds now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 28};
    const std::string text = "GET / HTTP/1.1\r\nHost: " + std::string(host) +
                             "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/20261128/" + std::string(scope) +
                             ", SignedHeaders=host, Signature=" + std::string(64, '0') + "\r\nX-Amz-Date: " + date +
                             "\r\n\r\n";
    field_array room;
    request_head head;
    inbound in;
    EXPECT_EQ(parse_request(text, room, head), head_error::none);
    EXPECT_FALSE(read_inbound(head, {"us", {}}, in));
    const auto made = make_plan(config, "", {in.host, {}, false});
    const auto no = check_earlier_scope(in, std::get<plan>(made), now);
    return no ? no->message : "";
}

TEST(EarlierScope, MayBeTheHostsOwn) {
    EXPECT_EQ(refused("sqs.eu-west-1.amazonaws.com", "eu-west-1/sqs/aws4_request"), "");
    EXPECT_EQ(refused("b.s3.eu-west-1.amazonaws.com", "eu-west-1/s3/aws4_request"), "");
    EXPECT_EQ(refused("iam.amazonaws.com", "us-east-1/iam/aws4_request"), "");
}

TEST(EarlierScope, MayNotBeAnothers) {
    const std::string other_service = refused("sqs.eu-west-1.amazonaws.com", "eu-west-1/sns/aws4_request");
    EXPECT_THAT(other_service, HasSubstr("signed for sns in eu-west-1, but its host is that of sqs in eu-west-1"));
    EXPECT_NE(refused("sqs.eu-west-1.amazonaws.com", "us-east-1/sqs/aws4_request"), "");
    EXPECT_NE(refused("b.s3.eu-west-1.amazonaws.com", "us-east-1/s3/aws4_request"), "");
}

TEST(EarlierScope, MayKnowWhatTheHostLeavesOpen) {
    EXPECT_EQ(refused("b.s3.amazonaws.com", "eu-west-1/s3/aws4_request"), "");
    EXPECT_EQ(refused("iam.amazonaws.com", "eu-west-1/iam/aws4_request"), "");
    EXPECT_EQ(refused("b.s3.eu-west-1.amazonaws.com", "eu-west-1/s3express/aws4_request"), "");
}

TEST(EarlierScope, IsThatOfASignatureMadeNow) {
    for (const char* date : {"20200101T000000Z", "20261201T000000Z", "", "yesterday"})
        EXPECT_EQ(refused("sqs.eu-west-1.amazonaws.com", "us-east-1/sns/aws4_request", {}, date), "") << date;
}

TEST(EarlierScope, IsNotComparedWithARoutes) {
    conf::config config;
    conf::route& r = config.routes.emplace_back();
    r.service = "es";
    r.region = "eu-west-1";
    EXPECT_EQ(refused("sqs.eu-west-1.amazonaws.com", "us-east-1/sqs/aws4_request", config), "");
}

TEST(EarlierScope, IsReadOnlyWhereItIsOne) {
    for (const char* text : {"", "/", "//", "x", "aws4_request", "eu/sqs/aws4_request/x", "~/~/aws4_request"})
        EXPECT_EQ(refused("sqs.eu-west-1.amazonaws.com", text), "") << text;
}

} // namespace earlier_scope_test
} // namespace countersign::proxy
