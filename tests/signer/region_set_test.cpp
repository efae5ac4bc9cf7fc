// SigV4A requests, made by sign() and read by verify().
#include "signer/sigv4.hpp"
#include "signer/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory_resource>
#include <string>
#include <vector>

namespace countersign::signer {
namespace region_set_test {

using namespace std::chrono;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Keys, date and host of AWS's published signing test suite.
constexpr std::string_view id = "AKIDEXAMPLE";
constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr sys_seconds when = sys_days(2015y / 8 / 30) + 12h + 36min;

struct message {
    std::string query;
    std::vector<std::pair<std::string, std::string>> headers{{"Host", "example.amazonaws.com"}};
};

class RegionSet : public testing::Test {
protected:
    instructions sign_with(const options& how, std::string_view payload = empty_hash) {
        headers_ = {{"Host", "example.amazonaws.com"}};
        return sign(
            {"GET", "/", "", headers_, payload}, {"service", region_set_}, {id, token_}, key_, when, how, memory_
        );
    }

    message signed_with(const options& how, std::string_view payload = empty_hash) {
        const instructions made = sign_with(how, payload);
        message m;
        m.query = made.query;
        for (const header& field : made.add) {
            m.headers.emplace_back(field.name, field.value);
        }
        return m;
    }

    verification verify_it(const message& m, std::string_view region = "us-east-1") const {
        std::vector<header> headers;
        for (const auto& [name, value] : m.headers) {
            headers.push_back({name, value});
        }
        expectation expected;
        expected.service = "service";
        expected.region = region;
        expected.lookup = [this](std::string_view asked) {
            return asked == id ? std::optional<key_entry>({std::string(secret), std::string(token_)}) : std::nullopt;
        };
        return verify({"GET", "/", m.query, headers, ""}, empty_hash, expected, when);
    }

    static std::string& value_of(message& m, std::string_view name) {
        return std::find_if(m.headers.begin(), m.headers.end(), [&](const auto& h) { return h.first == name; })->second;
    }
    static void replace(std::string& in, std::string_view from, std::string_view to) {
        in.replace(in.find(from), from.size(), to); // throws when `from` is not there
    }

    std::pmr::monotonic_buffer_resource memory_;
    std::vector<header> headers_;
    ecdsa_key key_ = ecdsa_key::derive(id, secret);
    std::string_view region_set_ = "us-east-1";
    std::string_view token_;
};

constexpr options in_query{.where = placement::query};

// "Signature Version 4A" in the IAM User Guide: no region in the scope, x-amz-region-set signed.
TEST_F(RegionSet, StandsInTheCanonicalRequestAndNotInTheScope) {
    const instructions made = sign_with({});
    EXPECT_EQ(
        made.canonical_request,
        "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\nx-amz-region-set:us-east-1\n\n"
        "host;x-amz-date;x-amz-region-set\n" +
            std::string(empty_hash)
    );
    EXPECT_THAT(
        std::string(made.string_to_sign),
        StartsWith("AWS4-ECDSA-P256-SHA256\n20150830T123600Z\n20150830/service/aws4_request\n")
    );
    EXPECT_EQ(made.credential_scope, "20150830/service/aws4_request");
    EXPECT_TRUE(key_.public_key().verify(made.string_to_sign, made.signature));
    EXPECT_EQ(
        made.add.back().value,
        "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/service/aws4_request, "
        "SignedHeaders=host;x-amz-date;x-amz-region-set, Signature=" +
            std::string(made.signature)
    );
}

// Two signatures that aws-c-auth made and published in that suite (get-vanilla-query-order-encoded).
TEST_F(RegionSet, AcceptsThePublishedSignatures) {
    const std::string query = "Param-3=Value3&Param=Value2&%E1%88%B4=Value1";
    message m;
    m.query = query;
    m.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
    m.headers.emplace_back("X-Amz-Region-Set", "us-east-1");
    m.headers.emplace_back(
        "Authorization",
        "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/service/aws4_request, "
        "SignedHeaders=host;x-amz-date;x-amz-region-set, Signature="
        "3044022041ffa05b60e2cc9bac499a22148bb69825873b913cabdcf8b3f97c75ba28f81a"
        "0220492937cb6eccb784d5fcf1969e4493ad9417ac3409496ef74f281aa13e279739"
    );
    EXPECT_EQ(verify_it(m).detail, "");
    m = {};
    m.query = query + "&X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fservice%2F"
                      "aws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&"
                      "X-Amz-Region-Set=us-east-1&X-Amz-Signature="
                      "3046022100e25504f18aab11f2f511664a9e6b98f522b9c8bd95ad0c7502b56ff4248d2dba"
                      "022100c00ee21af060180bac879294598c03ba8523367daf1edf88688923a21f26e0df";
    EXPECT_EQ(verify_it(m).detail, "");
}

TEST_F(RegionSet, StandsInTheQueryEncoded) {
    region_set_ = "us-east-1,eu-*";
    token_ = "T";
    const instructions made = sign_with(in_query);
    EXPECT_EQ(
        made.query,
        "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fservice%2Faws4_request&"
        "X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-Security-Token=T&"
        "X-Amz-Region-Set=us-east-1%2Ceu-%2A&X-Amz-Signature=" +
            std::string(made.signature)
    );
    EXPECT_THAT(
        std::string(made.canonical_request),
        HasSubstr("&X-Amz-Expires=3600&X-Amz-Region-Set=us-east-1%2Ceu-%2A&X-Amz-Security-Token=T&X-Amz-SignedHeaders=")
    );
    EXPECT_TRUE(made.add.empty());
}

TEST_F(RegionSet, IsAcceptedWhereItCoversTheRegion) {
    for (const options& how : {options{}, in_query}) {
        for (const std::string_view set : {"us-east-1", "*", "eu-west-1,us-east-1", "us-*", "u*-*1", "us-east-1*"}) {
            region_set_ = set;
            const verification v = verify_it(signed_with(how));
            EXPECT_EQ(v.what, mismatch::none) << set << ": " << v.detail;
            EXPECT_EQ(v.region, set);
            EXPECT_EQ(v.service, "service");
        }
        for (const std::string_view set : {"us-east-2", "eu-*", "us-east-1-*", "us-east", "*-2", "s-east-1"}) {
            region_set_ = set;
            const verification v = verify_it(signed_with(how));
            EXPECT_EQ(v.what, mismatch::wrong_scope) << set;
            EXPECT_EQ(v.detail, "X-Amz-Region-Set is " + std::string(set) + ", which does not cover us-east-1");
            EXPECT_EQ(verify_it(signed_with(how), "").what, mismatch::none);
        }
    }
}

TEST_F(RegionSet, IsReadStrictly) {
    for (const std::string_view set : {"", ",", "us-east-1,", "us-east-1, eu-west-1", "US-EAST-1", "us_east_1"}) {
        region_set_ = set;
        EXPECT_EQ(verify_it(signed_with({})).what, mismatch::malformed_signature) << set;
        EXPECT_EQ(verify_it(signed_with(in_query)).what, mismatch::malformed_signature) << set;
    }
    region_set_ = "us-east-1";
    message m = signed_with({});
    m.headers.emplace_back("x-amz-region-set", "us-east-1");
    EXPECT_EQ(verify_it(m).what, mismatch::ambiguous_signature);
    m = signed_with(in_query);
    m.query += "&X-Amz-Region-Set=us-east-1";
    EXPECT_EQ(verify_it(m).what, mismatch::ambiguous_signature);
    m = signed_with({});
    std::erase_if(m.headers, [](const auto& h) { return h.first == "X-Amz-Region-Set"; });
    EXPECT_EQ(verify_it(m).detail, "X-Amz-Region-Set is missing");
}

TEST_F(RegionSet, IsPartOfWhatIsSigned) {
    message m = signed_with({});
    value_of(m, "X-Amz-Region-Set") = "*";
    EXPECT_EQ(verify_it(m).what, mismatch::wrong_signature);
    m = signed_with(in_query);
    replace(m.query, "Region-Set=us-east-1", "Region-Set=%2A");
    EXPECT_EQ(verify_it(m).what, mismatch::wrong_signature);
}

TEST_F(RegionSet, GoesWithItsOwnAlgorithmOnly) {
    message m = signed_with({});
    replace(value_of(m, "Authorization"), "ECDSA-P256", "HMAC");
    EXPECT_EQ(verify_it(m).detail, "Credential is not ACCESS-KEY-ID/DAY/REGION/SERVICE/aws4_request");
    m = signed_with({});
    replace(value_of(m, "Authorization"), "P256", "P384");
    EXPECT_THAT(verify_it(m).detail, HasSubstr("neither AWS4-HMAC-SHA256 nor AWS4-ECDSA-P256-SHA256"));
    for (const std::string_view end : {"0", "00", "z", "*"}) {
        m = signed_with({});
        value_of(m, "Authorization").append(end);
        EXPECT_NE(verify_it(m).what, mismatch::none) << end;
    }
}

TEST_F(RegionSet, AcceptsTheStreamingLiteralsOfItsAlgorithm) {
    const options how{.content_sha256_header = true};
    for (const std::string_view literal :
         {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
          "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
          "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
          "UNSIGNED-PAYLOAD"}) {
        EXPECT_EQ(verify_it(signed_with(how, literal)).what, mismatch::none) << literal;
    }
    EXPECT_EQ(verify_it(signed_with(how, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")).what, mismatch::wrong_payload_hash);
}

TEST_F(RegionSet, LeavesTheTokenOutsideWhenAsked) {
    token_ = "T";
    const instructions header_made = sign_with({.token = token_rule::added_after});
    EXPECT_EQ(header_made.signed_headers, "host;x-amz-date;x-amz-region-set");
    const instructions query_made = sign_with({.where = placement::query, .token = token_rule::added_after});
    EXPECT_THAT(
        std::string(query_made.query), HasSubstr("&X-Amz-Security-Token=T&X-Amz-Region-Set=us-east-1&X-Amz-Signature=")
    );
    EXPECT_THAT(std::string(query_made.canonical_request), Not(HasSubstr("Security-Token")));
}

} // namespace region_set_test
} // namespace countersign::signer
