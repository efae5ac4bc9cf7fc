#include "proxy/http/refusal.hpp"
#include "proxy/http/service_error.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace refusal_test {

using signer::wire_protocol;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string head_of(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n\r\n") + 4);
}

std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

const refusal denied{.status = 403, .code = "origin", .message = "A <web> page & \"others\" may not."};

TEST(Refusal, HasAWholeHead) {
    EXPECT_EQ(
        render(denied, wire_protocol::text, false, true),
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 33\r\n"
        "Cache-Control: no-store\r\nx-countersign-error: origin\r\nConnection: close\r\n\r\n"
        "A <web> page & \"others\" may not.\n"
    );
}

TEST(Refusal, SaysHowLongToWait) {
    const refusal r{.status = 503, .code = "no-credentials", .message = "m", .retry_after = 5};
    EXPECT_THAT(head_of(render(r, wire_protocol::text, false, false)), HasSubstr("\r\nRetry-After: 5\r\n"));
    EXPECT_THAT(head_of(render(r, wire_protocol::text, false, false)), Not(HasSubstr("Connection")));
    EXPECT_THAT(head_of(render(denied, wire_protocol::text, false, false)), Not(HasSubstr("Retry-After")));
}

TEST(Refusal, EscapesInXml) {
    EXPECT_EQ(
        body_of(render(denied, wire_protocol::rest_xml, false, false)),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code>"
        "<Message>A &lt;web&gt; page &amp; \"others\" may not.</Message></Error>"
    );
    EXPECT_THAT(
        body_of(render(denied, wire_protocol::query_xml, false, false)),
        HasSubstr("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>A &lt;web&gt;")
    );
    EXPECT_THAT(
        body_of(render(denied, wire_protocol::ec2_xml, false, false)),
        HasSubstr("<Response><Errors><Error><Code>AccessDenied</Code><Message>")
    );
    const refusal ours{.status = 502, .code = "upstream", .message = "m"};
    EXPECT_THAT(body_of(render(ours, wire_protocol::query_xml, false, false)), HasSubstr("<Type>Receiver</Type>"));
}

TEST(Refusal, EscapesInJson) {
    const std::string answer = render(denied, wire_protocol::json, false, false);
    EXPECT_THAT(head_of(answer), HasSubstr("\r\nx-amzn-errortype: AccessDeniedException\r\n"));
    const auto parsed = boost::json::parse(body_of(answer)).as_object();
    EXPECT_EQ(parsed.at("__type").as_string(), "AccessDeniedException");
    EXPECT_EQ(parsed.at("message").as_string(), denied.message);
}

TEST(Refusal, LetsNoControlByteThrough) {
    const refusal r{.status = 400, .code = "bad-framing", .message = "a\r\nb\xff"};
    for (const auto p : {wire_protocol::text, wire_protocol::rest_xml, wire_protocol::json}) {
        const std::string body = body_of(render(r, p, false, true));
        EXPECT_THAT(body, HasSubstr("x0d"));
        EXPECT_THAT(body, Not(HasSubstr("\r")));
        EXPECT_THAT(body, Not(HasSubstr("\xff")));
    }
}

TEST(Refusal, GivesHeadTheSameHeadAndNoBody) {
    for (const auto p :
         {wire_protocol::text,
          wire_protocol::rest_xml,
          wire_protocol::query_xml,
          wire_protocol::ec2_xml,
          wire_protocol::json})
        EXPECT_EQ(render(denied, p, true, false), head_of(render(denied, p, false, false)));
}

TEST(Refusal, NamesACodeThatClientsFindForEveryStatus) {
    for (const unsigned status : {400u, 403u, 404u, 405u, 408u, 411u, 413u, 414u, 417u, 421u,
                                  429u, 431u, 500u, 501u, 502u, 503u, 504u, 505u, 508u, 599u})
        for (const auto p :
             {wire_protocol::rest_xml, wire_protocol::query_xml, wire_protocol::ec2_xml, wire_protocol::json}) {
            const refusal r{.status = status, .code = "c", .message = "m"};
            const std::string answer = render(r, p, false, true);
            EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(status) + " "));
            EXPECT_THAT(
                head_of(answer), HasSubstr("Content-Length: " + std::to_string(body_of(answer).size()) + "\r\n")
            );
            EXPECT_NE(find_error_code("", "", body_of(answer)), "") << status;
        }
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(599), "Unknown");
}

} // namespace refusal_test
} // namespace countersign::proxy
