#include "proxy/commands/sign.hpp"
#include "proxy/commands/sign_message.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace sign_test {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono;

// Keys, date and scope of AWS's published Signature Version 4 test suite.
chain::credentials published_keys(std::string_view token = "") {
    chain::credentials keys;
    keys.access_key_id = "AKIDEXAMPLE";
    keys.secret_access_key = chain::secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    keys.session_token = chain::secret(token);
    return keys;
}

sign_arguments published_scope() {
    sign_arguments a;
    a.service = "service";
    a.region = "us-east-1";
    a.time = "20150830T123600Z";
    return a;
}

constexpr sys_seconds now = sys_days(2026y / 1 / 2);

std::string signed_with(const sign_arguments& a, std::string_view text, std::string_view token = "") {
    return signed_text(a, text, published_keys(token), now);
}

TEST(SignCommand, SignsThePublishedVectors) {
    struct row {
        std::string_view message;
        std::string_view signature;
    };
    for (const row& r :
         {row{"GET / HTTP/1.1\nHost:example.amazonaws.com\n",
              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
          {"GET / HTTP/1.1\nHost:example.amazonaws.com\nMy-Header1:value1\n  value2\n     value3\n",
           "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
          {"GET /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1 HTTP/1.1\nHost:example.amazonaws.com\n\n",
           "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
          {"GET /example space/ HTTP/1.1\nHost:example.amazonaws.com\n\n",
           "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"}}) {
        EXPECT_THAT(
            signed_with(published_scope(), r.message), HasSubstr(std::string("Signature=").append(r.signature))
        );
    }
}

TEST(SignCommand, PresignsThePublishedVectors) {
    sign_arguments a = published_scope();
    a.query = true;
    EXPECT_THAT(
        signed_with(a, "GET /example/.. HTTP/1.1\nHost:example.amazonaws.com\n\n"),
        HasSubstr("&X-Amz-Signature=e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d HTTP/1.1\n")
    );
    EXPECT_THAT(
        signed_with(
            a,
            "GET / HTTP/1.1\nHost:example.amazonaws.com\n\n",
            "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
        ),
        HasSubstr("&X-Amz-Signature=7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c")
    );
}

TEST(SignCommand, KeepsTheMessageAndAddsToIt) {
    const std::string made =
        signed_with(published_scope(), "PUT /a//b?x=+ HTTP/1.1\r\nhOST: h\r\nA:  b \r\nContent-Length: 3\r\n\r\nabc\n");
    EXPECT_THAT(made, StartsWith("PUT /a//b?x=+ HTTP/1.1\r\nhOST: h\r\nA: b\r\nContent-Length: 3\r\nX-Amz-Date: 2015"));
    EXPECT_THAT(made, HasSubstr("SignedHeaders=a;content-length;host;x-amz-date, "));
    EXPECT_THAT(made, EndsWith("\r\n\r\nabc"));
}

TEST(SignCommand, ReplacesAnEarlierSignature) {
    sign_arguments a = published_scope();
    a.time = "";
    const std::string made = signed_with(
        a,
        "GET /?X-Amz-Signature=old&a HTTP/1.1\nHost: h\nAuthorization: old\nX-Amz-Security-Token: old\n"
        "X-Amz-Date: 20200101T000000Z\n\n"
    );
    EXPECT_THAT(made, Not(HasSubstr("old")));
    EXPECT_THAT(made, StartsWith("GET /?a HTTP/1.1\n"));
    EXPECT_THAT(made, HasSubstr("X-Amz-Date: 20200101T000000Z\n"));
    EXPECT_THAT(made, HasSubstr("Credential=AKIDEXAMPLE/20200101/"));
}

TEST(SignCommand, TakesTheClockWhereNobodySaysATime) {
    sign_arguments a = published_scope();
    a.time = "";
    EXPECT_THAT(signed_with(a, "GET / HTTP/1.1\nHost: h\n\n"), HasSubstr("X-Amz-Date: 20260102T000000Z\n"));
}

TEST(SignCommand, SignsDateLikeAnyOtherHeader) {
    EXPECT_THAT(
        signed_with(published_scope(), "GET / HTTP/1.1\nHost: h\nDate: Fri, 24 May 2013 00:00:00 GMT\n\n"),
        HasSubstr("SignedHeaders=date;host;x-amz-date")
    );
}

TEST(SignCommand, ExplainsItselfInJson) {
    sign_arguments a = published_scope();
    a.output = "json";
    const auto made = boost::json::parse(signed_with(a, "GET / HTTP/1.1\nHost:example.amazonaws.com\n")).as_object();
    EXPECT_EQ(made.at("signature"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    EXPECT_EQ(made.at("signed_headers"), "host;x-amz-date");
    EXPECT_EQ(made.at("credential_scope"), "20150830/us-east-1/service/aws4_request");
    EXPECT_THAT(made.at("canonical_request").as_string().c_str(), StartsWith("GET\n/\n\nhost:example.amazonaws.com\n"));
    EXPECT_THAT(made.at("string_to_sign").as_string().c_str(), StartsWith("AWS4-HMAC-SHA256\n20150830T123600Z\n"));
    EXPECT_THAT(made.at("request").as_string().c_str(), HasSubstr("\nAuthorization: AWS4-HMAC-SHA256 Credential="));
}

// JSON is UTF-8; a message need not be. The texts are for reading, the signature is of the bytes.
TEST(SignCommand, WritesJsonThatIsUtf8WhateverTheMessage) {
    sign_arguments a = published_scope();
    a.output = "json";
    const auto request_of = [&](const std::string& body) {
        const std::string made = signed_with(a, "PUT / HTTP/1.1\nHost: h\n\n" + body);
        return std::string(boost::json::parse(made).as_object().at("request").as_string());
    };
    const std::string shown = "\xEF\xBF\xBD"; // U+FFFD
    EXPECT_THAT(request_of("a\xE1\x88\xB4\xF0\x9F\x98\x80\xC3\xA4"), EndsWith("a\xE1\x88\xB4\xF0\x9F\x98\x80\xC3\xA4"));
    for (const std::string bad :
         {"\xff", "\x80", "\xC0\x80", "\xE1\x88", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE0\x80\x80"}) {
        std::string expected = "x";
        for (std::size_t i = 0; i < bad.size(); ++i) {
            expected += shown;
        }
        EXPECT_THAT(request_of("x" + bad + "y"), EndsWith(expected + "y"));
        EXPECT_THAT(request_of("x" + bad), EndsWith(expected));
    }
}

TEST(SignCommand, LeavesTheTokenUnsignedWhenAsked) {
    sign_arguments a = published_scope();
    a.session_token_after = true;
    const std::string in_header = signed_with(a, "GET / HTTP/1.1\nHost:example.amazonaws.com\n", "TOKEN");
    EXPECT_THAT(in_header, HasSubstr("Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
    EXPECT_THAT(in_header, HasSubstr("X-Amz-Security-Token: TOKEN\n"));
    a.query = true;
    EXPECT_THAT(
        signed_with(a, "GET / HTTP/1.1\nHost: h\n", "a/b"), HasSubstr("&X-Amz-Security-Token=a%2Fb&X-Amz-Signature=")
    );
}

// The suite's v4a half: no region in the scope, the region set signed. Signatures differ each time; that they are
// right is tested in tests/signer and against AWS's own signer in tests/signer/awscrt_test.py.
TEST(SignCommand, SignsForARegionSet) {
    sign_arguments a = published_scope();
    a.sigv4a = true;
    a.region = "us-east-1,eu-*";
    const std::string_view message = "GET / HTTP/1.1\nHost:example.amazonaws.com\n";
    const std::string in_header = signed_with(a, message, "TOKEN");
    EXPECT_THAT(in_header, HasSubstr("\nX-Amz-Region-Set: us-east-1,eu-*\n"));
    EXPECT_THAT(
        in_header,
        HasSubstr("Authorization: AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/service/aws4_request, "
                  "SignedHeaders=host;x-amz-date;x-amz-region-set;x-amz-security-token, Signature=30")
    );
    a.query = true;
    a.session_token_after = true;
    const std::string in_query = signed_with(a, message, "TOKEN");
    EXPECT_THAT(
        in_query,
        HasSubstr(
            "&X-Amz-Expires=3600&X-Amz-Security-Token=TOKEN&X-Amz-Region-Set=us-east-1%2Ceu-%2A&X-Amz-Signature=30"
        )
    );
    EXPECT_THAT(in_query, Not(HasSubstr("X-Amz-Region-Set: ")));
    for (const std::string_view set : {"us east", "US", "a\nb", "a;b"}) {
        a.region = set;
        EXPECT_THROW(signed_with(a, message), wrong_usage) << set;
    }
}

TEST(SignCommand, WritesTheParametersAsAwsDoes) {
    sign_arguments a = published_scope();
    a.query = true;
    a.content_sha256_header = true; // has no place in a URL
    const std::string_view message = "GET /?b=2 HTTP/1.1\nHost:example.amazonaws.com\n";
    const std::string made = signed_with(a, message, "T");
    EXPECT_THAT(
        made,
        StartsWith("GET /?b=2&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2F"
                   "service%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&"
                   "X-Amz-Security-Token=T&X-Amz-Signature=")
    );
    EXPECT_THAT(made, EndsWith(" HTTP/1.1\nHost: example.amazonaws.com\n\n"));
    a.expires = 0;
    EXPECT_THAT(signed_with(a, message), Not(HasSubstr("X-Amz-Expires")));
}

TEST(SignCommand, SendsThePayloadHashWhereItIsWanted) {
    sign_arguments a = published_scope();
    EXPECT_THAT(signed_with(a, "GET / HTTP/1.1\nHost: h\n"), Not(HasSubstr("X-Amz-Content-Sha256")));
    a.content_sha256_header = true;
    EXPECT_THAT(signed_with(a, "GET / HTTP/1.1\nHost: h\n"), HasSubstr("X-Amz-Content-Sha256: e3b0c442"));
    a.unsigned_payload = true;
    EXPECT_THAT(signed_with(a, "GET / HTTP/1.1\nHost: h\n"), HasSubstr("X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n"));
    // A hash in the message is computed anew; a literal is kept.
    EXPECT_THAT(
        signed_with(published_scope(), "GET / HTTP/1.1\nHost: h\nx-amz-content-sha256: wrong\n"),
        HasSubstr("X-Amz-Content-Sha256: e3b0c442")
    );
    EXPECT_THAT(
        signed_with(
            published_scope(), "GET / HTTP/1.1\nHost: h\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"
        ),
        HasSubstr("X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n")
    );
}

TEST(SignCommand, TellsWrongArgumentsFromWrongMessages) {
    const std::string_view message = "GET / HTTP/1.1\nHost: h\n";
    const auto with = [](auto change) {
        sign_arguments a = published_scope();
        change(a);
        return a;
    };
    EXPECT_THROW(signed_with(with([](auto& a) { a.service = ""; }), message), wrong_usage);
    EXPECT_THROW(signed_with(with([](auto& a) { a.region = ""; }), message), wrong_usage);
    EXPECT_THROW(signed_with(with([](auto& a) { a.time = "2015"; }), message), wrong_usage);
    EXPECT_THROW(signed_with(with([](auto& a) { a.expires = 604801; }), message), wrong_usage);
    EXPECT_THROW(signed_with(with([](auto& a) { a.output = "xml"; }), message), wrong_usage);
    for (const std::string_view wrong :
         {"",
          "GET / HTTP/1.1\n",
          "GET /\nHost: h\n",
          "GET http://h/ HTTP/1.1\nHost: h\n",
          "G(T / HTTP/1.1\nHost: h\n",
          "GET / HTTP/2\nHost: h\n",
          "GET / HTTP/1.1\nHost : h\n",
          "GET / HTTP/1.1\n Host: h\n",
          "GET / HTTP/1.1\nHost: h\nHost: h\n",
          "GET / HTTP/1.1\nHost: h\nno colon\n",
          "GET / HTTP/1.1\nHost: h\nA: \x01\n",
          "GET / HTTP/1.1\nHost: h\nContent-Length: 1\n\n",
          "GET / HTTP/1.1\nHost: h\nContent-Length: x\n\n",
          "GET / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n",
          "GET / HTTP/1.1\nHost: h\nX-Amz-Date: yesterday\n\n"}) {
        sign_arguments a = published_scope();
        a.time = "";
        try {
            signed_with(a, wrong);
            ADD_FAILURE() << "accepted: " << wrong;
        } catch (const wrong_usage&) {
            ADD_FAILURE() << "called a wrong argument: " << wrong;
        } catch (const std::runtime_error& failed) {
            EXPECT_EQ(std::string_view(failed.what()).find('\n'), std::string_view::npos);
        }
    }
}

} // namespace sign_test
} // namespace countersign::proxy
