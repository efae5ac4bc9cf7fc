// Clients that sign: judged by AWS's published examples ("Create a signed AWS API request", IAM ListUsers of 2015;
// "Examples of Signature Calculations" and "Authenticating Requests: Using Query Parameters" of S3, 2013).
#include "conf/load.hpp"
#include "proxy/rules/tenant.hpp"
#include "signer/sha256.hpp"
#include "tests/support/fake_world.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace countersign::proxy {
namespace tenant_test {

using signer::mismatch;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds iam_time = std::chrono::sys_days{std::chrono::year{2015} / 8 / 30} + 12h + 36min;
constexpr std::chrono::sys_seconds s3_time = std::chrono::sys_days{std::chrono::year{2013} / 5 / 24};
constexpr tenant_scope iam{"iam", "us-east-1", signer::path_rule::standard};
constexpr tenant_scope s3{"s3", "us-east-1", signer::path_rule::s3};

shared_tenants table() {
    static const auto all = std::make_shared<const tenant_table>(std::vector<tenant>{
        {"AKIDEXAMPLE", chain::secret{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, 1},
        {"AKIAIOSFODNN7EXAMPLE", chain::secret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, 2},
    });
    return all;
}

std::string iam_request(std::string_view query = "Action=ListUsers&Version=2010-05-08", std::string_view more = "") {
    std::string text = "GET /?";
    text.append(query).append(" HTTP/1.1\r\nHost: iam.amazonaws.com\r\n"
                              "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
                              "X-Amz-Date: 20150830T123600Z\r\n"
                              "Authorization: AWS4-HMAC-SHA256 "
                              "Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                              "SignedHeaders=content-type;host;x-amz-date, "
                              "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n");
    return text.append(more).append("\r\n");
}

std::string s3_presigned(std::string_view signature) {
    std::string text = "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
                       "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
                       "&X-Amz-SignedHeaders=host&X-Amz-Signature=";
    return text.append(signature).append(" HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\n\r\n");
}

struct outcome {
    const tenant* who = nullptr;
    mismatch what = mismatch::none;
    std::string detail;
};

outcome judge(std::string text, const tenant_scope& where, std::chrono::sys_seconds now, std::string_view body = {}) {
    field_array room;
    request_head head;
    inbound in;
    EXPECT_EQ(parse_request(text, room, head), head_error::none) << text;
    EXPECT_FALSE(read_inbound(head, {"countersign-test", {}}, in)) << text;
    const auto claimed = read_tenant(table(), in);
    if (const auto* bad = std::get_if<tenant_fault>(&claimed)) {
        return {nullptr, bad->what, bad->detail};
    }
    const auto& c = std::get<tenant_claim>(claimed);
    outcome o{c.who, mismatch::none, ""};
    std::array<char, 64> hash;
    signer::write_hex(signer::sha256_of(body), hash.data());
    static signer::key_cache keys; // one for all, as a worker has: what it keeps must not help the next
    if (const auto bad = check_tenant(c, in, {hash.data(), hash.size()}, where, now, keys)) {
        o.what = bad->what;
        o.detail = bad->detail;
    }
    return o;
}

TEST(Client, IsKnownByASignatureOfItsOwn) {
    const outcome by_header = judge(iam_request(), iam, iam_time);
    EXPECT_EQ(by_header.what, mismatch::none) << by_header.detail;
    ASSERT_NE(by_header.who, nullptr);
    EXPECT_EQ(by_header.who->identity, 1u);
    const std::string right = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    const outcome by_query = judge(s3_presigned(right), s3, s3_time + 23h);
    EXPECT_EQ(by_query.what, mismatch::none) << by_query.detail;
    ASSERT_NE(by_query.who, nullptr);
    EXPECT_EQ(by_query.who->identity, 2u);
    EXPECT_EQ(judge(s3_presigned(right), s3, s3_time + 25h).what, mismatch::expired);
    EXPECT_EQ(judge(s3_presigned(std::string(64, 'a')), s3, s3_time).what, mismatch::wrong_signature);
}

TEST(Client, IsRefusedWhenItsRequestWasChanged) {
    EXPECT_EQ(
        judge(iam_request("Action=DeleteUser&Version=2010-05-08"), iam, iam_time).what, mismatch::wrong_signature
    );
    EXPECT_EQ(judge(iam_request(), iam, iam_time, "a body").what, mismatch::wrong_signature);
    std::string changed = iam_request();
    EXPECT_EQ(judge(changed.replace(0, 4, "PUT "), iam, iam_time).what, mismatch::wrong_signature);
    changed = iam_request();
    EXPECT_EQ(judge(changed.replace(changed.find("utf-8"), 5, "utf-9"), iam, iam_time).what, mismatch::wrong_signature);
    changed = iam_request();
    EXPECT_EQ(
        judge(changed.replace(changed.find("Host: iam"), 9, "Host: sts"), iam, iam_time).what, mismatch::wrong_signature
    );
    const std::string unsigned_target = "X-Amz-Target: x\r\n";
    EXPECT_EQ(
        judge(iam_request("Action=ListUsers&Version=2010-05-08", unsigned_target), iam, iam_time).what,
        mismatch::header_not_signed
    );
}

TEST(Client, CannotHaveASignedHeaderNamedAway) {
    const outcome o =
        judge(iam_request("Action=ListUsers&Version=2010-05-08", "Connection: content-type\r\n"), iam, iam_time);
    EXPECT_EQ(o.what, mismatch::header_not_signed);
    EXPECT_EQ(o.who, nullptr);
    for (const std::string named : {"x-gone, X-AMZ-DATE", "keep-alive,content-type"}) {
        const std::string more = "Connection: close\r\nConnection: " + named + "\r\n";
        EXPECT_EQ(judge(iam_request("Action=ListUsers&Version=2010-05-08", more), iam, iam_time).who, nullptr) << named;
    }
    EXPECT_EQ(
        judge(iam_request("Action=ListUsers&Version=2010-05-08", "Connection: host, x-y\r\n"), iam, iam_time).what,
        mismatch::none
    );
}

// The signature holds for the path's normal form; the path goes out as it came.
TEST(Client, IsRefusedAPathThatItsSignatureDoesNotTell) {
    for (const std::string_view path : {"//", "/.", "/./", "/a/..", "/x/../", "///"}) {
        std::string changed = iam_request();
        const outcome o = judge(changed.replace(4, 1, path), iam, iam_time);
        EXPECT_EQ(o.what, mismatch::wrong_signature) << path;
        EXPECT_THAT(o.detail, HasSubstr("path")) << path;
    }
}

TEST(Client, IsNotGivenAnotherMethodThatItDidNotSign) {
    const std::string_view query = "Action=ListUsers&Version=2010-05-08";
    for (const std::string more : {"X-HTTP-Method-Override: DELETE\r\n", "x-http-method: PUT\r\n"}) {
        EXPECT_EQ(judge(iam_request(query, more), iam, iam_time).what, mismatch::header_not_signed) << more;
        // Named away, it does not go out.
        const std::string away = more + "Connection: x-http-method, x-http-method-override\r\n";
        EXPECT_EQ(judge(iam_request(query, away), iam, iam_time).what, mismatch::none) << away;
    }
}

// botocore and curl sign whatever header they are given. The signature is wrong here, but that is not the first look.
TEST(Client, MaySignFieldsThatEndAtTheProxy) {
    for (const std::string name : {"x-countersign-dry-run", "http2-settings", "proxy-authorization"}) {
        std::string text = iam_request("Action=ListUsers&Version=2010-05-08", name + ": sign\r\n");
        const auto at = text.find("SignedHeaders=") + 14;
        text.replace(
            at,
            28,
            name < "host"         ? "content-type;" + name + ";host;x-amz-date"
            : name < "x-amz-date" ? "content-type;host;" + name + ";x-amz-date"
                                  : "content-type;host;x-amz-date;" + name
        );
        const outcome o = judge(text, iam, iam_time);
        EXPECT_EQ(o.what, mismatch::wrong_signature) << text;
        EXPECT_NE(o.who, nullptr) << name;
    }
}

TEST(Client, HasFifteenMinutes) {
    EXPECT_EQ(judge(iam_request(), iam, iam_time + 15min).what, mismatch::none);
    EXPECT_EQ(judge(iam_request(), iam, iam_time - 15min).what, mismatch::none);
    EXPECT_EQ(judge(iam_request(), iam, iam_time + 15min + 1s).what, mismatch::clock_skew);
    EXPECT_EQ(judge(iam_request(), iam, iam_time - 15min - 1s).what, mismatch::clock_skew);
}

TEST(Client, SignsForTheScopeThatTheProxySignsFor) {
    EXPECT_EQ(judge(iam_request(), {"sts", "us-east-1"}, iam_time).what, mismatch::wrong_scope);
    EXPECT_EQ(judge(iam_request(), {"iam", "eu-west-1"}, iam_time).what, mismatch::wrong_scope);
}

TEST(Client, MustBeNamedOnceAndBeKnown) {
    EXPECT_EQ(
        judge("GET / HTTP/1.1\r\nHost: iam.amazonaws.com\r\n\r\n", iam, iam_time).what, mismatch::missing_signature
    );
    std::string other = iam_request();
    EXPECT_EQ(
        judge(other.replace(other.find("AKIDEXAMPLE"), 11, "AKIDEXAMPLF"), iam, iam_time).what,
        mismatch::unknown_access_key
    );
    EXPECT_EQ(
        judge(iam_request("X-Amz-Signature=a&X-Amz-Algorithm=AWS4-HMAC-SHA256"), iam, iam_time).what,
        mismatch::ambiguous_signature
    );
    EXPECT_EQ(
        judge("GET / HTTP/1.1\r\nHost: iam.amazonaws.com\r\nAuthorization: Bearer x\r\n\r\n", iam, iam_time).who,
        nullptr
    );
}

TEST(Client, IsToldThatAnEarlierVersionIsNotTaken) {
    constexpr std::string_view host = " HTTP/1.1\r\nHost: b.s3.us-east-1.amazonaws.com\r\n";
    for (const auto& [target, fields, which] : {
             std::array{"/k?AWSAccessKeyId=AKIDEXAMPLE&Signature=s&Expires=1700000000", "", "Signature Version 2"},
             std::array{"/k", "Authorization: AWS AKIDEXAMPLE:c2ln\r\nDate: x\r\n", "Signature Version 2"},
             std::array{"/k", "X-Amzn-Authorization: AWS3 AWSAccessKeyId=AKIDEXAMPLE,Signature=s\r\n", "Version 3"},
         }) {
        const std::string text = std::string("GET ").append(target).append(host).append(fields).append("\r\n");
        const outcome o = judge(text, s3, s3_time);
        EXPECT_EQ(o.what, mismatch::malformed_signature) << text;
        EXPECT_THAT(o.detail, HasSubstr(which));
        EXPECT_THAT(o.detail, HasSubstr("sign with Signature Version 4"));
        EXPECT_EQ(o.who, nullptr);
    }
}

TEST(Client, IsRefusedInTheWordsOfTheService) {
    const auto code = [](mismatch what, signer::wire_protocol protocol) {
        const refusal r = refuse_tenant({what, "x"}, protocol);
        EXPECT_EQ(r.status, 403u);
        EXPECT_EQ(r.code, "client-refused");
        EXPECT_THAT(render(r, protocol, false, false), HasSubstr(std::string(r.aws_code)));
        return std::string(r.aws_code);
    };
    using enum signer::wire_protocol;
    EXPECT_EQ(code(mismatch::unknown_access_key, rest_xml), "InvalidAccessKeyId");
    EXPECT_EQ(code(mismatch::unknown_access_key, json), "UnrecognizedClientException");
    EXPECT_EQ(code(mismatch::unknown_access_key, query_xml), "InvalidClientTokenId");
    EXPECT_EQ(code(mismatch::wrong_signature, rest_xml), "SignatureDoesNotMatch");
    EXPECT_EQ(code(mismatch::wrong_signature, json), "InvalidSignatureException");
    EXPECT_EQ(code(mismatch::clock_skew, rest_xml), "RequestTimeTooSkewed");
    EXPECT_EQ(code(mismatch::missing_signature, query_xml), "MissingAuthenticationToken");
}

TEST(Client, HasItsSecretInAFileOfOneLine) {
    boost::asio::io_context context;
    tests::fake_world outside(context);
    conf::config c;
    EXPECT_EQ(read_tenants(c, outside), nullptr);
    c.source = "f.toml";
    c.clients.push_back({"AKIADUMMYTENANTONE00", "/secret", "", 3, 7});
    const auto complaint = [&](const std::string& text) -> std::string {
        outside.files["/secret"] = text;
        try {
            read_tenants(c, outside);
        } catch (const conf::error& e) {
            return e.what();
        }
        return "";
    };
    EXPECT_EQ(
        complaint("top-secret\nmore\n"),
        "f.toml:7: secret_access_key_file /secret: expected one line with the secret "
        "access key and nothing else"
    );
    EXPECT_NE(complaint(""), "");
    EXPECT_NE(complaint(std::string(4097, 'a')), "");
    EXPECT_EQ(complaint(std::string(4096, 'a')), "");
    for (const char* text : {"one", "one\n", "one\r\n"}) {
        outside.files["/secret"] = text;
        const auto all = read_tenants(c, outside);
        const tenant* const found = all->find("AKIADUMMYTENANTONE00");
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->secret_access_key.reveal(), "one");
        EXPECT_EQ(found->identity, 3u);
        EXPECT_EQ(all->find("AKIADUMMYTENANTONE0"), nullptr);
    }
}

} // namespace tenant_test
} // namespace countersign::proxy
