#include "signer/sha256.hpp"
#include "signer/target.hpp"
#include "signer/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory_resource>
#include <string>
#include <vector>

namespace countersign::signer {
namespace verify_test {

using namespace std::chrono;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view id = "AKIDEXAMPLE";
constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr sys_seconds when = sys_days(2026y / 1 / 1) + 12h;

// A signed request that tests then damage.
struct sealed {
    std::string method = "GET";
    std::string path = "/a b";
    std::string query = "x=1";
    std::vector<std::pair<std::string, std::string>> headers{{"Host", "h"}, {"X-Amz-Meta-A", "1"}, {"Accept", "*/*"}};
    std::string body_hash{empty_hash};

    std::string& header_value(std::string_view name) {
        for (auto& [key, value] : headers) {
            if (key == name) {
                return value;
            }
        }
        throw std::logic_error("no such header");
    }
    void erase(std::string_view name) {
        std::erase_if(headers, [&](const auto& field) { return field.first == name; });
    }
    void replace(std::string& in, std::string_view from, std::string_view to) {
        in.replace(in.find(from), from.size(), to); // throws when `from` is not there: a test that tests nothing
    }
};

class Verify : public testing::Test {
protected:
    Verify() {
        expected_.service = "sts";
        expected_.region = "us-east-1";
        expected_.lookup = [this](std::string_view asked) {
            return asked == id ? std::optional<key_entry>({std::string(secret), token_}) : std::nullopt;
        };
    }

    sealed sign_it(options how = {}, sealed s = {}, std::string_view payload_hash = empty_hash) {
        std::pmr::monotonic_buffer_resource memory;
        std::vector<header> headers;
        for (const auto& [name, value] : s.headers) {
            headers.push_back({name, value});
        }
        how.path = expected_.path;
        const instructions made = sign(
            {s.method, s.path, s.query, headers, payload_hash},
            {"sts", "us-east-1"},
            {id, token_},
            signing_key::derive(secret, "20260101", "us-east-1", "sts"),
            when,
            how,
            memory
        );
        for (const header& field : made.add) {
            s.headers.emplace_back(field.name, field.value);
        }
        if (!made.query.empty()) {
            s.query = made.query;
        }
        return s;
    }

    verification verify_it(const sealed& s, seconds later = seconds(0)) const {
        std::vector<header> headers;
        for (const auto& [name, value] : s.headers) {
            headers.push_back({name, value});
        }
        return verify({s.method, s.path, s.query, headers, ""}, s.body_hash, expected_, when + later);
    }

    // What a damage leads to; detail must never show the secret or the token.
    mismatch after(options how, const std::function<void(sealed&)>& damage) {
        sealed s = sign_it(how);
        EXPECT_EQ(verify_it(s).what, mismatch::none) << verify_it(s).detail;
        damage(s);
        const verification v = verify_it(s);
        EXPECT_EQ(v.detail.empty(), v.what == mismatch::none);
        EXPECT_THAT(v.detail, Not(HasSubstr(std::string(secret))));
        last_detail_ = v.detail;
        return v.what;
    }

    static constexpr options in_header{};
    static constexpr options in_query{.where = placement::query};

    expectation expected_;
    std::string token_;
    std::string last_detail_;
};

TEST_F(Verify, AcceptsWhatSignMade) {
    for (const path_rule rule : {path_rule::standard, path_rule::s3}) {
        expected_.path = rule;
        for (const std::string& token : {std::string(), std::string("T/+=")}) {
            token_ = token;
            const verification h = verify_it(sign_it({.content_sha256_header = true}));
            EXPECT_EQ(h.what, mismatch::none) << h.detail;
            const std::string_view payload = rule == path_rule::s3 ? "UNSIGNED-PAYLOAD" : empty_hash;
            const verification q = verify_it(sign_it(in_query, {}, payload));
            EXPECT_EQ(q.what, mismatch::none) << q.detail;
            EXPECT_EQ(q.access_key_id, id);
            EXPECT_EQ(q.service, "sts");
            EXPECT_EQ(q.region, "us-east-1");
            EXPECT_THAT(q.string_to_sign, HasSubstr("20260101/us-east-1/sts/aws4_request"));
        }
    }
}

TEST_F(Verify, MissesASignature) {
    EXPECT_EQ(after(in_header, [](sealed& s) { s.erase("Authorization"); }), mismatch::missing_signature);
    EXPECT_EQ(
        after(in_query, [](sealed& s) { s.replace(s.query, "X-Amz-Signature", "X"); }), mismatch::missing_signature
    );
}

TEST_F(Verify, RefusesTwoReadings) {
    const auto repeat = [](std::string_view name) {
        return [name](sealed& s) { s.headers.emplace_back(name, s.header_value(name)); };
    };
    for (const std::string_view name : {"Authorization", "Host", "X-Amz-Date", "X-Amz-Content-Sha256"}) {
        EXPECT_EQ(after({.content_sha256_header = true}, repeat(name)), mismatch::ambiguous_signature) << name;
    }
    token_ = "T";
    EXPECT_EQ(after(in_header, repeat("X-Amz-Security-Token")), mismatch::ambiguous_signature);
    EXPECT_EQ(after(in_header, [](sealed& s) { s.query += "&X-Amz-Signature=1"; }), mismatch::ambiguous_signature);
    EXPECT_EQ(
        after(in_header, [](sealed& s) { s.header_value("Authorization") += ", Signature=1"; }),
        mismatch::ambiguous_signature
    );
    for (const std::string_view name :
         {"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token"}) {
        EXPECT_EQ(
            after(in_query, [&](sealed& s) { s.query += "&X-Amz-" + std::string(name) + "=1"; }),
            mismatch::ambiguous_signature
        ) << name;
    }
    EXPECT_EQ(after(in_query, [](sealed& s) { s.query += "&X%2DAmz-Signature=1"; }), mismatch::ambiguous_signature);
}

TEST_F(Verify, RefusesMalformedHeaders) {
    const auto change = [](std::string_view from, std::string_view to) {
        return [=](sealed& s) { s.replace(s.header_value("Authorization"), from, to); };
    };
    EXPECT_EQ(after(in_header, change("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("Credential=", "Credentials=")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("AKIDEXAMPLE/", "/")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("/sts/aws4_request", "")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("=host;", "=Host;")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("=host;", "=host;;")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("=host;x-amz-date", "=x-amz-date;host")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("=host;", "=host;host;")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change("Signature=", "Signature=0")), mismatch::malformed_signature);
    EXPECT_EQ(after(in_header, change(", Signature=", ",Sign=")), mismatch::malformed_signature);
    EXPECT_EQ(
        after(in_header, [](sealed& s) { s.header_value("Authorization") += ","; }), mismatch::malformed_signature
    );
    EXPECT_EQ(after(in_header, [](sealed& s) { s.erase("X-Amz-Date"); }), mismatch::malformed_signature);
    EXPECT_EQ(
        after(in_header, [](sealed& s) { s.header_value("X-Amz-Date") = "20260101"; }), mismatch::malformed_signature
    );
    EXPECT_EQ(
        after(
            in_header,
            [](sealed& s) {
                std::string& a = s.header_value("Authorization");
                a.back() = 'Z';
            }
        ),
        mismatch::malformed_signature
    );
    EXPECT_EQ(after(in_header, [](sealed& s) { s.header_value("Authorization") = ""; }), mismatch::malformed_signature);
}

// "…;Signature=…" for "…, Signature=…"
TEST_F(Verify, ShowsNoSignatureThatStandsAmongTheNames) {
    sealed s = sign_it(in_header);
    std::string& a = s.header_value("Authorization");
    const std::string signature = a.substr(a.find("Signature=") + 10);
    s.replace(a, ", Signature=", ";Signature=");
    a += ", Signature=" + signature;
    const verification v = verify_it(s);
    EXPECT_EQ(v.what, mismatch::malformed_signature);
    EXPECT_THAT(v.detail, HasSubstr("SignedHeaders"));
    EXPECT_THAT(v.detail, Not(HasSubstr(signature)));
}

TEST_F(Verify, ShowsNoSignatureThatStandsInTheCredential) {
    for (const std::string_view place : {"/us-east-1/", "/sts/", "/aws4_request"}) {
        sealed s = sign_it(in_header);
        std::string& a = s.header_value("Authorization");
        const std::string signature = a.substr(a.find("Signature=") + 10);
        const std::string end = place.ends_with('/') ? "/" : "";
        s.replace(a, place, std::string(place.substr(0, place.size() - end.size())) + " Signature=" + signature + end);
        const verification v = verify_it(s);
        EXPECT_EQ(v.what, mismatch::malformed_signature) << place;
        EXPECT_THAT(v.detail, Not(HasSubstr(signature))) << place;
    }
}

TEST_F(Verify, BoundsTheNamesThatAreSigned) {
    const auto with_names = [&](int count) {
        sealed s = sign_it(in_header);
        std::string names = "host";
        for (int i = 1; i < count; ++i) {
            names += ";x-" + std::to_string(1000 + i);
        }
        std::string& a = s.header_value("Authorization");
        const std::size_t begin = a.find("SignedHeaders=") + 14;
        a.replace(begin, a.find(',', begin) - begin, names);
        return verify_it(s).what;
    };
    EXPECT_EQ(with_names(256), mismatch::header_not_signed); // they are not in the request
    EXPECT_EQ(with_names(257), mismatch::malformed_signature);
}

TEST_F(Verify, ReadsAuthorizationInAnyOrderAndSpacing) {
    EXPECT_EQ(
        after(
            in_header,
            [](sealed& s) {
                std::string& a = s.header_value("Authorization");
                const std::string signature = a.substr(a.find("Signature="));
                a = "AWS4-HMAC-SHA256   " + signature + "," + a.substr(17, a.find(", Signature=") - 17);
            }
        ),
        mismatch::none
    );
}

TEST_F(Verify, RefusesMalformedQueries) {
    for (const std::string_view name : {"Algorithm", "Credential", "Date", "Expires", "SignedHeaders"}) {
        EXPECT_EQ(
            after(in_query, [&](sealed& s) { s.replace(s.query, "X-Amz-" + std::string(name), "X"); }),
            mismatch::malformed_signature
        ) << name;
    }
    for (const std::string_view expires : {"0", "604801", "-1", "1x", "", "99999999999999999999", "+5", "1.5"}) {
        EXPECT_EQ(
            after(in_query, [&](sealed& s) { s.replace(s.query, "Expires=3600", "Expires=" + std::string(expires)); }),
            mismatch::malformed_signature
        ) << expires;
    }
    EXPECT_EQ(after(in_query, [](sealed& s) { s.replace(s.query, "HMAC", "ECDSA"); }), mismatch::malformed_signature);
}

TEST_F(Verify, KnowsItsAccessKeys) {
    EXPECT_EQ(
        after(in_header, [](sealed& s) { s.replace(s.header_value("Authorization"), "AKIDEXAMPLE", "AKIDOTHER"); }),
        mismatch::unknown_access_key
    );
    expected_.lookup = nullptr;
    EXPECT_EQ(verify_it(sign_it()).what, mismatch::unknown_access_key);
}

TEST_F(Verify, WantsTheTokenOfTheKey) {
    EXPECT_EQ(
        after(in_header, [](sealed& s) { s.headers.emplace_back("X-Amz-Security-Token", "T"); }), mismatch::wrong_token
    );
    EXPECT_EQ(after(in_query, [](sealed& s) { s.query += "&X-Amz-Security-Token=T"; }), mismatch::wrong_token);
    token_ = "SESSION-TOKEN";
    for (const options& how : {in_header, in_query}) {
        EXPECT_EQ(
            after(
                how,
                [](sealed& s) {
                    s.erase("X-Amz-Security-Token");
                    if (const auto at = s.query.find("&X-Amz-Security-Token="); at != std::string::npos) {
                        s.query.erase(at, s.query.find('&', at + 1) - at);
                    }
                }
            ),
            mismatch::wrong_token
        );
    }
    EXPECT_EQ(
        after(in_header, [](sealed& s) { s.header_value("X-Amz-Security-Token") = "OTHER"; }), mismatch::wrong_token
    );
    EXPECT_THAT(last_detail_, Not(HasSubstr("SESSION-TOKEN")));
}

TEST_F(Verify, ChecksEveryPartOfTheScope) {
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"/sts/", "/s3/"},
             {"us-east-1", "us-east-2"},
             {"aws4_request", "aws4_requests"},
             {"20260101", "20260102"}}) {
        EXPECT_EQ(
            after(
                in_header, [&was = from, &is = to](sealed& s) { s.replace(s.header_value("Authorization"), was, is); }
            ),
            mismatch::wrong_scope
        ) << from;
    }
    expected_.service = "";
    expected_.region = "";
    EXPECT_EQ(verify_it(sign_it()).what, mismatch::none);
}

TEST_F(Verify, KeepsToTheTimeWindow) {
    const sealed in_head = sign_it();
    EXPECT_EQ(verify_it(in_head, 900s).what, mismatch::none);
    EXPECT_EQ(verify_it(in_head, -900s).what, mismatch::none);
    EXPECT_EQ(verify_it(in_head, 901s).what, mismatch::clock_skew);
    EXPECT_EQ(verify_it(in_head, -901s).what, mismatch::clock_skew);

    const sealed presigned = sign_it({.where = placement::query, .expires = seconds(5000)});
    EXPECT_EQ(verify_it(presigned, 5000s).what, mismatch::none);
    EXPECT_EQ(verify_it(presigned, 5001s).what, mismatch::expired);
    EXPECT_EQ(verify_it(presigned, -900s).what, mismatch::none);
    EXPECT_EQ(verify_it(presigned, -901s).what, mismatch::clock_skew);
}

TEST_F(Verify, WantsHostAndAmzHeadersSigned) {
    for (const options& how : {in_header, in_query}) {
        EXPECT_EQ(
            after(how, [](sealed& s) { s.headers.emplace_back("X-Amz-Acl", "public-read"); }),
            mismatch::header_not_signed
        );
        EXPECT_EQ(last_detail_, "x-amz-acl is not in SignedHeaders");
        EXPECT_EQ(after(how, [](sealed& s) { s.erase("X-Amz-Meta-A"); }), mismatch::header_not_signed);
        EXPECT_EQ(after(how, [](sealed& s) { s.erase("Host"); }), mismatch::header_not_signed);
    }
    EXPECT_EQ(
        after(in_header, [](sealed& s) { s.replace(s.header_value("Authorization"), "=host;", "="); }),
        mismatch::header_not_signed
    );
    EXPECT_EQ(after(in_query, [](sealed& s) { s.replace(s.query, "=host%3B", "="); }), mismatch::header_not_signed);
    EXPECT_EQ(after(in_header, [](sealed& s) { s.headers.emplace_back("Accept", "x"); }), mismatch::none);
}

TEST_F(Verify, ComparesThePayloadHash) {
    const std::string other(64, 'a');
    EXPECT_EQ(
        after({.content_sha256_header = true}, [&](sealed& s) { s.body_hash = other; }), mismatch::wrong_payload_hash
    );
    EXPECT_EQ(after(in_header, [&](sealed& s) { s.body_hash = other; }), mismatch::wrong_signature);
    for (const std::string_view literal :
         {"UNSIGNED-PAYLOAD",
          "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
          "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
          "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
          "STREAMING-AWS4-HMAC-SHA256-EVENTS"}) {
        sealed s = sign_it({.content_sha256_header = true}, {}, literal);
        s.body_hash = other;
        EXPECT_EQ(verify_it(s).what, mismatch::none) << literal;
    }
    for (const std::string_view wrong : {"", "x", "unsigned-payload", "STREAMING-", "STREAMING-X"}) {
        EXPECT_EQ(verify_it(sign_it({.content_sha256_header = true}, {}, wrong)).what, mismatch::wrong_payload_hash)
            << wrong;
    }
}

TEST_F(Verify, LetsAPresignedS3RequestBringAnyBody) {
    expected_.path = path_rule::s3;
    sealed s = sign_it(in_query, {}, "UNSIGNED-PAYLOAD");
    s.body_hash = std::string(64, 'a');
    EXPECT_EQ(verify_it(s).what, mismatch::none);
    sealed vouched;
    vouched.query = "X-Amz-Content-Sha256=" + std::string(empty_hash);
    vouched = sign_it(in_query, vouched);
    EXPECT_EQ(verify_it(vouched).what, mismatch::none);
    vouched.body_hash = std::string(64, 'a');
    EXPECT_EQ(verify_it(vouched).what, mismatch::wrong_payload_hash);
}

TEST_F(Verify, FindsEveryChange) {
    for (const options& how : {in_header, in_query}) {
        EXPECT_EQ(after(how, [](sealed& s) { s.method = "PUT"; }), mismatch::wrong_signature);
        EXPECT_EQ(after(how, [](sealed& s) { s.path += "x"; }), mismatch::wrong_signature);
        EXPECT_EQ(after(how, [](sealed& s) { s.query += "&y"; }), mismatch::wrong_signature);
        EXPECT_EQ(after(how, [](sealed& s) { s.header_value("Host") = "i"; }), mismatch::wrong_signature);
        EXPECT_EQ(after(how, [](sealed& s) { s.header_value("X-Amz-Meta-A") = "2"; }), mismatch::wrong_signature);
    }
    EXPECT_EQ(
        after(
            in_header,
            [](sealed& s) {
                char& last = s.header_value("Authorization").back();
                last = last == '0' ? '1' : '0';
            }
        ),
        mismatch::wrong_signature
    );
    EXPECT_EQ(
        after(in_query, [](sealed& s) { s.replace(s.query, "Expires=3600", "Expires=3601"); }),
        mismatch::wrong_signature
    );
    token_ = "other";
    const sealed with_secret = sign_it();
    expected_.lookup = [](std::string_view) { return std::optional<key_entry>({"another secret", "other"}); };
    EXPECT_EQ(verify_it(with_secret).what, mismatch::wrong_signature);
}

TEST_F(Verify, ShowsTheTextsItComputed) {
    sealed s = sign_it();
    s.path = "/changed";
    const verification v = verify_it(s);
    EXPECT_THAT(v.canonical_request, testing::StartsWith("GET\n/changed\nx=1\nhost:h\n"));
    EXPECT_THAT(v.string_to_sign, testing::StartsWith("AWS4-HMAC-SHA256\n20260101T120000Z\n"));
}

} // namespace verify_test
} // namespace countersign::signer
