#include "proxy/commands/inspect.hpp"
#include "proxy/commands/inspect_input.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace inspect_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono;

constexpr sys_seconds now = sys_days(2013y / 5 / 24) + hours(1);

// "Authenticating Requests: Using Query Parameters" of the S3 manual.
const std::string manual_url =
    "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
    "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

// "Example: GET Object" of the same manual.
const std::string manual_authorization =
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
    "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
    "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
const std::string manual_message =
    "GET /test.txt HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nAuthorization: " + manual_authorization +
    "\r\nRange: bytes=0-9\r\nx-amz-content-sha256: "
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n"
    "x-amz-date: 20130524T000000Z\r\n\r\n";

explanation of_url(std::string url, std::string output = "text") {
    inspect_arguments a;
    a.subject = std::move(url);
    a.output = std::move(output);
    return explain_signature(a, a.subject, now);
}

explanation of_input(std::string_view text, std::string time = "20130524T000500Z") {
    inspect_arguments a;
    a.time = std::move(time);
    return explain_signature(a, text, now);
}

TEST(InspectCommand, ExplainsTheUrlOfTheManual) {
    const explanation e = of_url(manual_url);
    EXPECT_EQ(e.status, 0);
    EXPECT_EQ(
        e.text,
        "algorithm       AWS4-HMAC-SHA256, in the query\n"
        "access key id   AKIAIOSFODNN7EXAMPLE\n"
        "date            20130524T000000Z\n"
        "expiry          86400 s: valid for another 23 hours\n"
        "scope: day      20130524\n"
        "scope: region   us-east-1\n"
        "scope: service  s3\n"
        "scope: end      aws4_request\n"
        "signed headers  host\n"
        "session token   none\n"
        "payload         UNSIGNED-PAYLOAD (the rule for presigned S3)\n"
        "\nnothing is wrong with what can be seen; whether the signature is right takes the secret to tell\n"
    );
}

TEST(InspectCommand, SpeaksJson) {
    inspect_arguments a;
    a.subject = manual_url;
    a.output = "json";
    a.time = "20130601T000000Z";
    const explanation e = explain_signature(a, a.subject, now);
    EXPECT_EQ(e.status, 1);
    const boost::json::object o = boost::json::parse(e.text).as_object();
    EXPECT_EQ(o.at("signed"), true);
    EXPECT_EQ(o.at("placement"), "query");
    EXPECT_EQ(o.at("scope").at("region"), "us-east-1");
    EXPECT_EQ(o.at("expires"), 86400);
    EXPECT_EQ(o.at("session_token"), false);
    EXPECT_EQ(o.at("region_set"), nullptr);
    EXPECT_EQ(o.at("wrong").as_array().size(), 1u);
    EXPECT_EQ(o.at("wrong").at(0), "expired 7 days ago");
}

TEST(InspectCommand, ReadsAUrlHoweverItIsGiven) {
    EXPECT_EQ(of_input(manual_url + "\n").status, 0);
    EXPECT_EQ(of_input("  '" + manual_url + "'\n").status, 0);
    EXPECT_EQ(of_url("\"" + manual_url + "\"").status, 0);
    EXPECT_EQ(of_url(manual_url.substr(8)).status, 0);
    const explanation e = of_url(manual_url + "#top");
    EXPECT_EQ(e.status, 1);
    EXPECT_THAT(e.text, HasSubstr("wrong:\n  the URL has a fragment"));
}

TEST(InspectCommand, ReadsAMessageHoweverItIsGiven) {
    EXPECT_EQ(of_input(manual_message).status, 0) << of_input(manual_message).text;
    std::string by_curl = "* Connected to examplebucket\n";
    std::string_view rest = manual_message;
    while (!rest.empty()) {
        const std::size_t end = rest.find("\r\n");
        by_curl += "> " + std::string(rest.substr(0, end)) + "\n";
        rest.remove_prefix(end + 2);
    }
    EXPECT_EQ(of_input(by_curl + "< HTTP/1.1 200 OK\n").status, 0) << of_input(by_curl).text;
    const std::string headers_only = manual_message.substr(manual_message.find("\r\n") + 2);
    EXPECT_EQ(of_input(headers_only).status, 0) << of_input(headers_only).text;
    EXPECT_EQ(of_input("Authorization: " + manual_authorization + "\n").status, 0);
    EXPECT_EQ(of_input(manual_authorization).status, 0);
    const std::string absolute = "GET " + manual_url + " HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n\n";
    EXPECT_EQ(of_input(absolute).status, 0) << of_input(absolute).text;
    EXPECT_THROW(of_input(" \n"), std::runtime_error);
}

TEST(InspectCommand, NamesWhatIsWrongWithAMessage) {
    const auto with = [](std::string_view more, std::string_view body = "") {
        std::string text = manual_message;
        text.insert(text.size() - 2, more);
        return of_input(text + std::string(body)).text;
    };
    EXPECT_THAT(with("Host: other\r\n"), HasSubstr("more than one Host header"));
    EXPECT_THAT(with("no colon\r\n"), HasSubstr("a line that is not NAME: VALUE"));
    EXPECT_THAT(with("X-Amz-Acl: private\r\n"), HasSubstr("x-amz-acl is not signed"));
    EXPECT_THAT(with("", "hello"), HasSubstr("not the hash of the body"));
    EXPECT_THAT(with("Content-Length: 5\r\n", "hel"), HasSubstr("the body has 3 bytes, Content-Length says 5"));
    EXPECT_THAT(with("Content-Length: 5\r\n"), HasSubstr("the body is not here"));
    EXPECT_THAT(of_input(manual_message, "20130525T000000Z").text, HasSubstr("expired: signed 24 hours ago"));
}

TEST(InspectCommand, ReadsAPostedBody) {
    // SHA-256 of "hello", computed by sha256sum.
    std::string text =
        "POST / HTTP/1.1\nHost: sqs.us-east-1.amazonaws.com\nContent-Length: 5\nX-Amz-Date: 20130524T000000Z\n"
        "x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/sqs/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\n\nhello\n";
    const explanation e = of_input(text);
    EXPECT_EQ(e.status, 0) << e.text;
    EXPECT_THAT(e.text, HasSubstr("payload         hash of a body\n"));
}

TEST(InspectCommand, WritesNoSecretAndNothingUnprintable) {
    const std::string text = manual_url + "&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE";
    for (const std::string_view output : {"text", "json"}) {
        EXPECT_THAT(
            of_url(text, std::string(output)).text,
            AllOf(Not(HasSubstr("IQoJb3")), Not(HasSubstr("aeeed9bb")), HasSubstr("long-lived one"))
        );
    }
    std::string hostile = manual_url;
    hostile.replace(hostile.find("us-east-1"), 9, "%1b%5b31m%c3%a4");
    const explanation e = of_url(hostile);
    EXPECT_THAT(e.text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(e.text, HasSubstr("scope: region   ?[31m??"));
}

TEST(InspectCommand, TellsWrongArguments) {
    const auto refuses = [](auto change) {
        inspect_arguments a;
        change(a);
        EXPECT_THROW(explain_signature(a, manual_url, now), wrong_usage);
    };
    refuses([](inspect_arguments& a) { a.time = "now"; });
    refuses([](inspect_arguments& a) { a.output = "xml"; });
    refuses([](inspect_arguments& a) { a.canonical_request = "file"; });
    refuses([](inspect_arguments& a) { a.canonical_request = a.server_answer = "-"; });
    EXPECT_THROW(of_url("ftp://example.com/"), std::runtime_error);
}

} // namespace inspect_test
} // namespace countersign::proxy
