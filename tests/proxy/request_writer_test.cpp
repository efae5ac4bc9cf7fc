// What can be told of a request before a worker signs it. The signed bytes themselves: client_connection_test.cpp.
#include "proxy/admission.hpp"
#include "proxy/request_writer.hpp"
#include "signer/sha256.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <memory_resource>
#include <string>

namespace countersign::proxy {
namespace request_writer_test {

using testing::ElementsAre;
using testing::HasSubstr;

// A request with its stages.
struct made {
    std::string text;
    field_array room;
    received in;
    admitted at;
    prepared as;
    body::body_hash hash;
    request_content content;
    std::pmr::monotonic_buffer_resource memory;
    std::shared_ptr<conf::config> config = std::make_shared<conf::config>();
    std::optional<refusal> refused;

    std::vector<std::string> kept() const {
        std::vector<std::string> names;
        for (const field& f : as.fields)
            names.emplace_back(f.name);
        return names;
    }
};

constexpr std::string_view s3 = "b.s3.us-east-1.amazonaws.com";
constexpr std::string_view sqs = "sqs.us-east-1.amazonaws.com";
constexpr std::string_view lattice = "x.vpc-lattice-svcs.us-east-1.on.aws";

// Head read, destination found, payload checked and prepared; `r` names nothing but what differs.
std::unique_ptr<made> make(
    std::string_view line,
    std::string_view host,
    std::string_view fields = "",
    std::string_view body = "",
    conf::route r = {}
) {
    static tests::still_worker worker;
    auto m = std::make_unique<made>();
    m->text = std::string(line) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" + std::string(fields);
    if (!body.empty() && fields.find("Content-Length") == std::string_view::npos) {
        m->text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    m->text += "\r\n";
    request_head head;
    EXPECT_EQ(parse_request(m->text, m->room, head), head_error::none);
    inbound& in = m->in.request;
    EXPECT_FALSE(read_inbound(head, {"us", {}}, in));
    m->config->routes.push_back(std::move(r));
    m->config->payload.memory_limit = 1000;
    m->config->payload.spill_limit = 2000;
    worker->config = m->config;
    m->at.destination.reset(
        new destination(std::get<plan>(make_plan(*m->config, "", {in.host, {}, false})), worker->pool)
    );
    m->refused = check_before_body(m->in, m->at, true, *worker);
    auto choice = choose_body(m->in, m->at, *worker);
    if (auto* no = std::get_if<refusal>(&choice)) {
        m->refused = *no;
        return m;
    }
    m->content.choice = std::get<body::payload_choice>(choice);
    m->content.bytes = body;
    m->as = prepare(m->in, m->at, m->content, m->hash, m->memory);
    return m;
}

TEST(RequestWriter, RefusesABodyThatIsKnownToBeTooLarge) {
    EXPECT_FALSE(make("POST /", sqs, "Content-Length: 2000\r\n")->refused);
    const auto p = make("POST /", sqs, "Content-Length: 2001\r\n");
    ASSERT_TRUE(p->refused);
    EXPECT_EQ(p->refused->status, 413u);
    EXPECT_THAT(p->refused->message, HasSubstr("2001 bytes"));
    EXPECT_FALSE(make("PUT /k", s3, "Content-Length: 99999999999\r\n")->refused); // streamed
    EXPECT_FALSE(make("POST /", sqs, "Transfer-Encoding: chunked\r\n")->refused); // its size shows later
}

TEST(RequestWriter, RefusesFormsOfABodyThatNobodyKnows) {
    const char* const unknown = "x-amz-content-sha256: STREAMING-AWS5-PAYLOAD\r\nContent-Length: 5\r\n";
    const auto p = make("PUT /k", s3, unknown);
    ASSERT_TRUE(p->refused);
    EXPECT_EQ(p->refused->status, 400u);
    EXPECT_EQ(p->refused->code, "unknown-payload-form");
    conf::route untouched;
    untouched.sign = conf::sign_mode::none;
    EXPECT_FALSE(make("PUT /k", s3, unknown, "", untouched)->refused);
}

// "" or the refusal's code, for a header with a value that is not ASCII.
std::string refused_text(const std::string& header, const conf::route& r = {}) {
    const auto p = make("PUT /k", s3, "X-Amz-Meta-Fine: ~\r\n" + header + ": gr\xc3\xbc" + "n\r\n", "", r);
    const auto no = check_text(p->in, p->at);
    if (no) {
        EXPECT_EQ(no->status, 400u);
        EXPECT_THAT(no->message, HasSubstr(header.substr(0, 64)));
        EXPECT_THAT(no->message, testing::Not(HasSubstr("\xc3")));
    }
    return no ? std::string(no->code) : "";
}

TEST(RequestWriter, RefusesToSignWhatIsNotAscii) {
    for (const char* header : {"x-amz-meta-name", "X-AMZ-TAGGING", "Content-Type", "If-Match"})
        EXPECT_EQ(refused_text(header), "non-ascii-header") << header;
    EXPECT_EQ(refused_text("x-amz-meta-" + std::string(1000, 'n')), "non-ascii-header");
    for (const char* header : {"User-Agent", "Content-Disposition", "Authorization", "X-Amz-Date", "X-Other"})
        EXPECT_EQ(refused_text(header), "") << header;
    conf::route r;
    r.sign_headers = {"x-other"};
    r.unsigned_headers = {"content-type"};
    r.remove_headers = {"x-amz-meta-gone"};
    EXPECT_EQ(refused_text("X-Other", r), "non-ascii-header");
    EXPECT_EQ(refused_text("Content-Type", r), "");
    EXPECT_EQ(refused_text("X-Amz-Meta-Gone", r), "");
}

TEST(RequestWriter, HashesTheBody) {
    auto p = make("POST /", sqs, "", "abc");
    EXPECT_EQ(p->as.payload_hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(p->as.payload, body::payload_plan::memory);
    EXPECT_FALSE(p->as.add_content_sha256);
    p = make("GET /", sqs);
    EXPECT_EQ(p->as.payload_hash, signer::empty_hash);
    EXPECT_EQ(p->as.payload, body::payload_plan::none);
    p = make("PUT /k", s3, "", "abc");
    EXPECT_TRUE(p->as.add_content_sha256); // S3 wants it said
    EXPECT_EQ(p->as.payload, body::payload_plan::memory);
}

TEST(RequestWriter, SignsTheHashOfWhatItHas) {
    const auto p = make(
        "PUT /k", s3, "Content-Length: 3\r\nX-Amz-Content-Sha256: " + std::string(64, '0') + "\r\n", "abc"
    ); // that it is another's is found before
    EXPECT_EQ(p->as.payload_hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_THAT(p->kept(), ElementsAre());
    EXPECT_TRUE(
        make("POST /", sqs, "X-Amz-Content-Sha256: " + std::string(64, '0') + "\r\n", "abc")->as.add_content_sha256
    );
}

TEST(RequestWriter, LeavesAPayloadUnsignedOnlyWhereThatIsAllowed) {
    const char* asks = "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n";
    const auto plan_for = [&](std::string_view host, const char* fields, conf::route r = {}) {
        return to_string(make("PUT /k", host, fields, "abc", std::move(r))->as.payload);
    };
    EXPECT_EQ(plan_for(s3, asks), "unsigned");
    EXPECT_EQ(plan_for(sqs, asks), "memory");
    EXPECT_EQ(plan_for(lattice, ""), "unsigned");
    conf::route r;
    r.payload = conf::payload_mode::signed_body;
    EXPECT_EQ(plan_for(s3, asks, r), "memory");
    r.payload = conf::payload_mode::unsigned_body;
    EXPECT_EQ(plan_for(sqs, "", r), "unsigned");
    conf::route query;
    query.sign = conf::sign_mode::query;
    EXPECT_EQ(plan_for(s3, "", query), "unsigned");
    EXPECT_EQ(plan_for(sqs, "", query), "memory");
    EXPECT_EQ(make("PUT /k", s3, asks, "abc")->as.payload_hash, "UNSIGNED-PAYLOAD");
}

// SDKs ask a directory bucket for a session through us and sign with its keys: we sign without one.
TEST(RequestWriter, TakesTheTokenOfAnS3ExpressSessionOff) {
    constexpr std::string_view bucket = "b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com";
    EXPECT_THAT(make("GET /k", bucket, "X-Amz-S3session-Token: t\r\nX-Kept: 1\r\n")->kept(), ElementsAre("X-Kept"));
    const auto presigned = make("GET /k?a=b&X-Amz-S3session-Token=t&X-Amz-Signature=0", bucket);
    EXPECT_EQ(presigned->as.query, "a=b");
}

TEST(RequestWriter, TakesAnEarlierSignatureOff) {
    const auto p = make(
        "GET /k?X-Amz-Algorithm=AWS4-HMAC-SHA256&a=b&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-SignedHeaders=host"
        "&X-Amz-Security-Token=t&X-Amz-Expires=5&X-Amz-Signature=0",
        s3,
        "Authorization: old\r\nX-Amz-Date: old\r\nX-Amz-Security-Token: old\r\nDate: old\r\nX-Kept: 1\r\n"
    );
    EXPECT_EQ(p->as.query, "a=b");
    EXPECT_THAT(p->kept(), ElementsAre("X-Kept"));
}

TEST(RequestWriter, TakesASignatureOfAnEarlierVersionOff) {
    const auto p = make(
        "GET /k?AWSAccessKeyId=AKID&Expires=1&a=b&Signature=s&x-amz-security-token=t",
        s3,
        "Authorization: AWS AKID:c2ln\r\nDate: Tue, 27 Mar 2007 19:36:42 +0000\r\n"
        "X-Amzn-Authorization: AWS3-HTTPS AWSAccessKeyId=AKID,Algorithm=HmacSHA256,Signature=s\r\nExpires: 0\r\n"
    );
    EXPECT_EQ(p->as.query, "a=b");
    EXPECT_THAT(p->kept(), ElementsAre("Expires")); // the object's metadata
}

constexpr std::string_view form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";

TEST(RequestWriter, TakesASignatureOutOfTheFormOfAQueryApi) {
    std::string body = "AWSAccessKeyId=AKID&Action=ListQueues&Signature=s&SignatureVersion=2&Timestamp=t&Version=1";
    const std::string left = "Action=ListQueues&Version=1";
    const auto p = make("POST /", sqs, form, body);
    EXPECT_EQ(p->as.body, left);
    std::array<char, 64> hash;
    signer::write_hex(signer::sha256_of(left), hash.data());
    EXPECT_EQ(p->as.payload_hash, std::string_view(hash.data(), hash.size()));
}

TEST(RequestWriter, LeavesOtherBodiesAlone) {
    const std::string_view body = "AWSAccessKeyId=AKID&Signature=s";
    const auto sent = [&](std::string_view host, std::string_view fields) {
        std::string bytes(body);
        return std::string(make("POST /", host, fields, bytes)->as.body);
    };
    EXPECT_EQ(sent(sqs, "Content-Type: application/x-amz-json-1.0\r\n"), body);
    EXPECT_EQ(sent(sqs, ""), body);
    EXPECT_EQ(sent(s3, "Content-Type: multipart/form-data; boundary=b\r\n"), body);
    EXPECT_EQ(sent(s3, form), body);
    EXPECT_EQ(sent("abc123.execute-api.us-east-1.amazonaws.com", form), body);
}

TEST(RequestWriter, SendsTheTargetThatItSigns) {
    EXPECT_EQ(make("GET /a//b/../c", s3)->as.path, "/a//b/../c"); // keys of S3 are literal
    EXPECT_EQ(make("GET /a?b=c%20d&e", s3)->as.query, "b=c%20d&e");
}

TEST(RequestWriter, PutsTheBucketInFrontOfThePathAsItCame) {
    constexpr std::string_view dotted = "my.bucket.s3.us-east-1.amazonaws.com";
    EXPECT_EQ(make("GET /", dotted)->as.path, "/my.bucket/");
    EXPECT_EQ(make("GET /?list-type=2", dotted)->as.path, "/my.bucket/");
    EXPECT_EQ(make("GET //key//", dotted)->as.path, "/my.bucket//key//");
    EXPECT_EQ(make("GET /a/./b%20c+", dotted)->as.path, "/my.bucket/a/./b%20c%2B");
    conf::route untouched;
    untouched.sign = conf::sign_mode::none;
    EXPECT_EQ(make("GET /a%7eb", dotted, "", "", untouched)->as.path, "/my.bucket/a%7eb");
}

TEST(RequestWriter, RefusesAPathThatLeadsOutOfItsBucket) {
    const auto code = [](std::string_view line, std::string_view host) {
        const auto p = make(line, host);
        return p->refused ? p->refused->code : "";
    };
    EXPECT_EQ(code("GET /../other/key", "my.bucket.s3.us-east-1.amazonaws.com"), "ambiguous-path");
    EXPECT_EQ(code("GET /a/../key", "my.bucket.s3.us-east-1.amazonaws.com"), "");
    EXPECT_EQ(code("GET /../other/key", s3), ""); // a key
}

TEST(RequestWriter, TouchesNothingWhereNothingIsSigned) {
    conf::route r;
    r.sign = conf::sign_mode::none;
    const auto p = make("PUT /a//b?X-Amz-Signature=1", sqs, "Authorization: Basic x\r\nDate: d\r\n", "abc", r);
    EXPECT_EQ(p->as.path, "/a//b");
    EXPECT_EQ(p->as.query, "X-Amz-Signature=1");
    EXPECT_THAT(p->kept(), ElementsAre("Authorization", "Date"));
    EXPECT_EQ(p->as.payload, body::payload_plan::memory);
}

} // namespace request_writer_test
} // namespace countersign::proxy
