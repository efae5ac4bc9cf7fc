#include "proxy/http/service_error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::proxy {
namespace service_error_test {

std::string_view in_body(std::string_view body) {
    return find_error_code("", "", body);
}

TEST(ErrorCode, StripsNameSpaceAndUrl) {
    EXPECT_EQ(
        find_error_code("", "com.amazon.coral.service#ThrottlingException:http://x/y#z", ""), "ThrottlingException"
    );
    EXPECT_EQ(find_error_code("", "ThrottlingException:http://internal.amazon.com/", ""), "ThrottlingException");
    EXPECT_EQ(find_error_code("", "aws.protocoltests#FooError", ""), "FooError");
    EXPECT_EQ(find_error_code("", " FooError ", ""), "FooError");
}

TEST(ErrorCode, PrefersHeadersInTheirOrder) {
    const std::string_view body = R"({"__type":"FromBody"})";
    EXPECT_EQ(find_error_code("FromQuery;Sender", "FromType", body), "FromQuery");
    EXPECT_EQ(find_error_code("", "FromType", body), "FromType");
    EXPECT_EQ(find_error_code("", "", body), "FromBody");
    EXPECT_EQ(find_error_code(";Sender", ":", body), "FromBody");
    EXPECT_EQ(
        find_error_code("AWS.SimpleQueueService.NonExistentQueue;Sender", "", ""),
        "AWS.SimpleQueueService.NonExistentQueue"
    );
}

TEST(ErrorCode, ReadsTheThreeXmlForms) {
    EXPECT_EQ(in_body("<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>m</Message></Error>"), "SlowDown");
    EXPECT_EQ(
        in_body("<ErrorResponse "
                "xmlns=\"https://x/\"><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>"),
        "Throttling"
    );
    EXPECT_EQ(
        in_body("<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"),
        "RequestLimitExceeded"
    );
    EXPECT_EQ(
        in_body("<a:Error xmlns:a=\"x\">\n  <a:Message>&lt;Code&gt;</a:Message><a:Code >\n SlowDown "
                "\n</a:Code></a:Error>"),
        "SlowDown"
    );
}

TEST(ErrorCode, TakesOnlyTheCodeOfTheError) {
    EXPECT_EQ(in_body("<Code>A</Code>"), "");
    EXPECT_EQ(in_body("<List><Code>A</Code></List>"), "");
    EXPECT_EQ(in_body("<Error><Detail><Code>A</Code></Detail><Code>B</Code></Error>"), "B");
    EXPECT_EQ(in_body("<Error><!-- <Code>A</Code> --><Code>B</Code></Error>"), "B");
    EXPECT_EQ(in_body("<Error><Message><![CDATA[<Code>A</Code>]]></Message><Code>B</Code></Error>"), "B");
    EXPECT_EQ(in_body("<Error><Code/><Message>m</Message></Error>"), "");
    EXPECT_EQ(in_body("<Error></Error><Code>A</Code>"), "");
    EXPECT_EQ(in_body("<html><body>503 Service Unavailable</body></html>"), "");
}

TEST(ErrorCode, ReadsTheTopLevelOfJson) {
    EXPECT_EQ(
        in_body(R"({"__type":"com.amazon.coral.service#ThrottlingException","message":"m"})"), "ThrottlingException"
    );
    EXPECT_EQ(in_body(R"({ "message" : "m" , "code" : "Throttled" })"), "Throttled");
    EXPECT_EQ(in_body(R"({"__type":"A","code":"B"})"), "B");
    EXPECT_EQ(in_body(R"({"Code":"B","__type":"A"})"), "B");
    EXPECT_EQ(in_body(R"({"code":429,"__type":"A"})"), "A");
    EXPECT_EQ(in_body(R"({"code":null,"message":"A"})"), "");
    EXPECT_EQ(in_body(R"({"inner":{"code":"A"},"list":["code","A",{"code":"A"}],"__type":"B"})"), "B");
    EXPECT_EQ(in_body(R"({"message":"\"code\":\"A\"","__type":"B"})"), "B");
    EXPECT_EQ(in_body(R"({"message":"code","x":"code","y":"A"})"), "");
    EXPECT_EQ(in_body(R"(["code","A"])"), "");
    EXPECT_EQ(in_body("\xEF\xBB\xBF {\"code\":\"A\"}"), "A");
}

TEST(ErrorCode, FindsNothingThatIsNoCode) {
    EXPECT_EQ(in_body(""), "");
    EXPECT_EQ(in_body("Service Unavailable"), "");
    EXPECT_EQ(in_body(R"({"code":"a b"})"), "");
    EXPECT_EQ(in_body("{\"code\":\"a\x01\"}"), "");
    EXPECT_EQ(in_body(R"({"code":"a\n"})"), "");
    EXPECT_EQ(find_error_code("", std::string(129, 'A'), ""), "");
    EXPECT_EQ(find_error_code("", std::string(128, 'A'), ""), std::string(128, 'A'));
}

TEST(ErrorCode, SaysNothingOrTheWholeCodeOfATruncatedBody) {
    for (std::string_view body :
         {R"({"message":"a \" b","list":[1,{"code":"Not"}],"__type":"com.amazon#SlowDown:http://x"})",
          "<?xml version=\"1.0\"?><ErrorResponse><Error "
          "a='b'><Type>S</Type><Code>SlowDown</Code></Error></ErrorResponse>"})
        for (std::size_t n = 0; n <= body.size(); ++n) {
            const std::string cut(body.substr(0, n));
            const std::string_view found = in_body(cut);
            EXPECT_TRUE(found.empty() || found == "SlowDown") << cut;
            if (n == body.size()) {
                EXPECT_EQ(found, "SlowDown");
            }
        }
}

TEST(ErrorCode, FindsTheRegionThatS3Names) {
    EXPECT_EQ(
        find_error_region("<?xml version=\"1.0\"?><Error><Code>AuthorizationHeaderMalformed</Code><Message>the region "
                          "'us-east-1' is wrong</Message><Region>eu-west-1</Region><HostId>x</HostId></Error>"),
        "eu-west-1"
    );
    for (std::string_view body :
         {"",
          "<Region>eu-west-1</Region>",
          "<A><Region>eu-west-1</Region></A>",
          "<Error><Region>eu west</Region></Error>",
          "<Error><Region>eu-west-1",
          "<Error><Region></Region></Error>",
          R"({"Region":"eu-west-1"})"})
        EXPECT_EQ(find_error_region(body), "") << body;
}

} // namespace service_error_test
} // namespace countersign::proxy
