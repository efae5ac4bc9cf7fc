#include "signer/inspection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::signer {
namespace inspection_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono;

constexpr sys_seconds manual_time = sys_days(2013y / 5 / 24);
constexpr std::string_view manual_host = "examplebucket.s3.amazonaws.com";

// The presigned URL of the S3 manual, "Authenticating Requests: Using Query Parameters".
const std::string manual_query =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

inspection of_url(std::string_view query, sys_seconds now = manual_time, std::string_view host = manual_host) {
    inspected_request seen;
    seen.kind = exhibit::url;
    seen.what.path = "/test.txt";
    seen.what.query = query;
    seen.host = host;
    return inspect(seen, now);
}

std::string changed(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

std::vector<std::string> faults_with(std::string_view from, std::string_view to) {
    return of_url(changed(manual_query, from, to)).faults;
}

TEST(Inspection, ReadsThePresignedUrlOfTheManual) {
    const inspection found = of_url(manual_query);
    EXPECT_TRUE(found.is_signed);
    EXPECT_EQ(found.where, placement::query);
    EXPECT_EQ(found.algorithm, "AWS4-HMAC-SHA256");
    EXPECT_EQ(found.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    EXPECT_EQ(found.day, "20130524");
    EXPECT_EQ(found.region, "us-east-1");
    EXPECT_EQ(found.service, "s3");
    EXPECT_EQ(found.terminator, "aws4_request");
    EXPECT_EQ(found.expires, seconds(86400));
    EXPECT_EQ(found.signed_at, manual_time);
    EXPECT_FALSE(found.token_size);
    EXPECT_THAT(found.signed_headers, ElementsAre("host"));
    EXPECT_THAT(found.payload, HasSubstr("UNSIGNED-PAYLOAD"));
    EXPECT_THAT(found.faults, IsEmpty());
    EXPECT_THAT(found.notes, IsEmpty());
}

TEST(Inspection, KnowsWhenAUrlIsValid) {
    EXPECT_EQ(validity(of_url(manual_query), manual_time + hours(23) + minutes(30)), "valid for another 30 min");
    EXPECT_THAT(of_url(manual_query, manual_time + hours(24)).faults, IsEmpty());
    const sys_seconds later = manual_time + days(4);
    EXPECT_THAT(of_url(manual_query, later).faults, ElementsAre("expired 3 days ago"));
    EXPECT_EQ(validity(of_url(manual_query), later), "expired 3 days ago");
    const sys_seconds before = manual_time - hours(1);
    EXPECT_THAT(of_url(manual_query, before).faults, ElementsAre(HasSubstr("60 min ahead: not valid yet")));
    EXPECT_EQ(validity(of_url(manual_query), before), "not valid for another 60 min");
    EXPECT_THAT(of_url(manual_query, manual_time - minutes(15)).faults, IsEmpty());
}

TEST(Inspection, SaysSpansInTheirLargestUnit) {
    EXPECT_EQ(in_words(seconds(0)), "0 s");
    EXPECT_EQ(in_words(seconds(119)), "119 s");
    EXPECT_EQ(in_words(seconds(120)), "2 min");
    EXPECT_EQ(in_words(hours(2)), "2 hours");
    EXPECT_EQ(in_words(hours(47)), "47 hours");
    EXPECT_EQ(in_words(days(400)), "400 days");
}

TEST(Inspection, NamesEachFaultOfAUrl) {
    struct row {
        std::string_view from, to, fault;
    };
    for (const row& r : {
             row{"X-Amz-Date=20130524T000000Z&", "", "X-Amz-Date is missing"},
             {"X-Amz-Algorithm=AWS4-HMAC-SHA256&", "", "X-Amz-Algorithm is missing"},
             {"X-Amz-Expires=86400&", "", "X-Amz-Expires is missing"},
             {"&X-Amz-SignedHeaders=host", "", "X-Amz-SignedHeaders is missing"},
             {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", "neither AWS4-HMAC-SHA256 nor"},
             {"X-Amz-Expires=86400", "X-Amz-Expires=86400&X-Amz-Expires=1", "X-Amz-Expires stands twice"},
             {"X-Amz-Date", "x-amz-date", "X-Amz-Date is written x-amz-date"},
             {"20130524T000000Z", "20130525T000000Z", "the scope's day is 20130524, but X-Amz-Date is of 20130525"},
             {"20130524T000000Z", "2013-05-24", "X-Amz-Date is not of the form"},
             {"%2F20130524%2F", "%2F2013%2F", "day is not of the form"},
             {"86400", "604801", "from 1 to 604800"},
             {"86400", "0", "from 1 to 604800"},
             {"86400", "1h", "from 1 to 604800"},
             {"86400", "99999999999999999999", "from 1 to 604800"},
             {"=host", "=host%3Bdate", "not sorted: date stands behind host"},
             {"=host", "=Host", "Host is not in lower case"},
             {"=host", "=host%3Bhost", "names host twice"},
             {"=host", "=range", "host is not among the signed headers"},
             {"=host", "=host%3B", "empty name"},
             {"aeeed9bb", "AEEED9BB", "not 64 lower-case hex digits"},
             {"f604d404", "", "it has 56 characters"},
             {"aws4_request", "aws4", "ends with aws4, not with aws4_request"},
             {"%2Fs3%2F", "%2F", "has 4 parts, not the 5"},
             {"us-east-1", "US-EAST-1", "region is not in lower case"},
             {"%2Fs3%2F", "%2Fsqs%2F", "the scope's service is sqs, but examplebucket.s3.amazonaws.com is of s3"},
             {"%2F20130524", "%252F20130524", "percent-encoded twice"},
             {"&X-Amz-Date", "&amp;X-Amz-Date", "copied out of HTML"},
             {"&X-Amz-Date", "&prefix=%&X-Amz-Date", "a % without two hex digits"},
             {"&X-Amz-Date", "&X-Amz-Security-Token=a+b&X-Amz-Date", "holds a raw +"},
             {"AKIA", "ASIA", "there is no session token"},
             {"&X-Amz-Date", "&X-Amz-Security-Token=ab&X-Amz-Date", "long-lived one (AKIA...)"},
             {"&X-Amz-Date", "&X-Amz-Region-Set=%2A&X-Amz-Date", "goes with AWS4-ECDSA-P256-SHA256 only"},
         }) {
        EXPECT_THAT(faults_with(r.from, r.to), Contains(HasSubstr(std::string(r.fault)))) << r.to;
    }
}

TEST(Inspection, NeverRepeatsWhatMayBeASecret) {
    const std::string secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const inspection found =
        of_url(changed(manual_query, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI+K7MDENGbPxRfiCYEXAMPLEKEY"));
    EXPECT_EQ(found.access_key_id, "");
    EXPECT_THAT(found.faults, Contains(HasSubstr("is it the secret?")));
    for (const std::string& fault : found.faults) {
        EXPECT_THAT(fault, Not(HasSubstr("wJalr")));
        EXPECT_THAT(fault, Not(HasSubstr("aeeed9bb")));
    }
}

TEST(Inspection, ComparesTheRegionWithTheHost) {
    const auto with = [](std::string_view host) { return of_url(manual_query, manual_time, host); };
    EXPECT_THAT(
        with("examplebucket.s3.eu-west-1.amazonaws.com").faults,
        ElementsAre(
            HasSubstr("the scope's region is us-east-1, but examplebucket.s3.eu-west-1.amazonaws.com is of eu-west-1")
        )
    );
    const inspection elsewhere = with("minio.example.com");
    EXPECT_THAT(elsewhere.faults, IsEmpty());
    EXPECT_THAT(elsewhere.notes, ElementsAre(HasSubstr("not an AWS host")));
    // S3's global endpoint leads to a bucket in any region.
    const inspection global = of_url(changed(manual_query, "us-east-1", "eu-west-1"));
    EXPECT_THAT(global.faults, IsEmpty());
    EXPECT_THAT(global.notes, ElementsAre(HasSubstr("right only if the bucket is in the former")));
}

TEST(Inspection, TellsAnOldSignatureFromNone) {
    EXPECT_THAT(of_url("a=b").faults, ElementsAre(HasSubstr("not signed")));
    EXPECT_FALSE(of_url("a=b").is_signed);
    EXPECT_THAT(
        of_url("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&Expires=1141889120")
            .faults,
        ElementsAre(AllOf(HasSubstr("Signature Version 2"), HasSubstr("expired")))
    );
    EXPECT_THAT(
        of_url("AWSAccessKeyId=A&Signature=s&Expires=4102444800").faults,
        ElementsAre(AllOf(HasSubstr("Signature Version 2"), Not(HasSubstr("expired"))))
    );
    EXPECT_THAT(
        of_url(std::string(manual_query) + "&AWSAccessKeyId=A&Signature=s").faults,
        ElementsAre(HasSubstr("Signature Version 2 beside it"))
    );
}

// --- Messages

struct message_of_the_manual {
    // "Example: GET Object" of the S3 manual, "Authenticating Requests: Using the Authorization Header".
    std::vector<header> headers{
        {"Host", manual_host},
        {"Range", "bytes=0-9"},
        {"x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"x-amz-date", "20130524T000000Z"},
        {"Authorization",
         "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
         "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
         "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    };
    std::optional<std::string_view> body_hash;

    inspection look(sys_seconds now = manual_time) const {
        inspected_request seen;
        seen.what = {"GET", "/test.txt", "", headers, ""};
        seen.host = manual_host;
        seen.body_hash = body_hash;
        return inspect(seen, now);
    }
    void set(std::string_view name, std::string_view value) {
        for (header& field : headers) {
            field.value = field.name == name ? value : field.value;
        }
    }
};

TEST(Inspection, ReadsTheSignedMessageOfTheManual) {
    const inspection found = message_of_the_manual().look();
    EXPECT_EQ(found.where, placement::header);
    EXPECT_EQ(found.date, "20130524T000000Z");
    EXPECT_EQ(found.payload, "hash of an empty body");
    EXPECT_THAT(found.faults, IsEmpty());
    EXPECT_EQ(validity(found, manual_time), "valid for another 15 min");
}

TEST(Inspection, GivesASignedMessageAQuarterOfAnHour) {
    EXPECT_THAT(message_of_the_manual().look(manual_time + minutes(15)).faults, IsEmpty());
    EXPECT_THAT(
        message_of_the_manual().look(manual_time + minutes(16)).faults, ElementsAre(HasSubstr("signed 16 min ago"))
    );
}

TEST(Inspection, NamesEachFaultOfAMessage) {
    const auto faults = [](auto change) {
        message_of_the_manual m;
        change(m);
        return m.look().faults;
    };
    using message = message_of_the_manual;
    EXPECT_THAT(
        faults([](message& m) {
            m.headers.push_back({"X-Amz-Acl", "private"});
        }),
        ElementsAre(HasSubstr("x-amz-acl is not signed"))
    );
    EXPECT_THAT(
        faults([](message& m) { m.headers.erase(m.headers.begin() + 1); }),
        ElementsAre(HasSubstr("range is signed, but is not"))
    );
    EXPECT_THAT(
        faults([](message& m) { m.headers.erase(m.headers.begin() + 3); }),
        testing::UnorderedElementsAre(HasSubstr("x-amz-date is signed, but"), HasSubstr("X-Amz-Date is missing"))
    );
    EXPECT_THAT(
        faults([](message& m) {
            m.headers.push_back({"x-amz-date", "20130524T000001Z"});
        }),
        ElementsAre("the header x-amz-date stands 2 times")
    );
    EXPECT_THAT(
        faults([](message& m) {
            m.set(
                "x-amz-content-sha256",
                std::string_view("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
            );
        }),
        ElementsAre("x-amz-content-sha256 is not the hash of the body")
    );
    EXPECT_THAT(
        faults([](message& m) {
            m.set(
                "x-amz-content-sha256",
                std::string_view("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
            );
            m.body_hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        }),
        IsEmpty()
    );
    EXPECT_THAT(
        faults([](message& m) { m.set("x-amz-content-sha256", "none"); }),
        ElementsAre(HasSubstr("neither 64 lower-case"))
    );
    EXPECT_THAT(
        faults([](message& m) { m.set("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:x"); }),
        ElementsAre(HasSubstr("Version 2"))
    );
    EXPECT_THAT(
        faults([](message& m) { m.set("Authorization", "Bearer x"); }), ElementsAre(HasSubstr("no AWS signature"))
    );
    EXPECT_THAT(
        faults([](message& m) {
            m.set(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4_request SignedHeaders=host, Sig=x"
            );
        }),
        testing::AllOf(
            Contains(HasSubstr("a comma is missing")),
            Contains("Signature is missing"),
            Contains(HasSubstr("none of Credential")),
            Contains(HasSubstr("x-amz-date is not signed"))
        )
    );
}

TEST(Inspection, JudgesABareAuthorizationByItsDay) {
    message_of_the_manual m;
    inspected_request seen;
    const std::vector<header> alone{m.headers.back()};
    seen.kind = exhibit::authorization;
    seen.what.headers = alone;
    EXPECT_THAT(inspect(seen, manual_time + hours(12)).faults, IsEmpty());
    EXPECT_THAT(
        inspect(seen, manual_time + days(2)).faults, ElementsAre(HasSubstr("expired: the scope's day is 20130524"))
    );
    EXPECT_EQ(validity(inspect(seen, manual_time), manual_time), "");
}

TEST(Inspection, ReadsMultiRegionSignatures) {
    const std::string query =
        "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-Region-Set=us-east-1%2Ceu-%2A&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature="
        "3044022045ab02bd1e12e0a1f8eb6d6b6b8c9b0c0f9a5b7be7ac7b2dbf3b1b6c3c2dd1e402200c7d9b6f6b8c9b0c0f9a5b7b"
        "e7ac7b2dbf3b1b6c3c2dd1e40c7d9b6f6b8c9b0c";
    const inspection found = of_url(query);
    EXPECT_THAT(found.faults, IsEmpty());
    EXPECT_TRUE(found.is_multi_region());
    EXPECT_EQ(found.region, "");
    EXPECT_EQ(found.region_set, "us-east-1,eu-*");
    EXPECT_THAT(of_url(query, manual_time, "examplebucket.s3.eu-west-1.amazonaws.com").faults, IsEmpty());
    EXPECT_THAT(
        of_url(query, manual_time, "examplebucket.s3.ap-south-1.amazonaws.com").faults,
        ElementsAre(HasSubstr("X-Amz-Region-Set does not take in ap-south-1"))
    );
    EXPECT_THAT(
        of_url(changed(query, "&X-Amz-Region-Set=us-east-1%2Ceu-%2A", "")).faults,
        ElementsAre(HasSubstr("X-Amz-Region-Set is missing"))
    );
    EXPECT_THAT(of_url(changed(query, "=3044", "=3144")).faults, ElementsAre(HasSubstr("not an ECDSA signature")));
    EXPECT_THAT(
        of_url(changed(query, "%2Fs3", "%2Fus-east-1%2Fs3")).faults, Contains(HasSubstr("has 5 parts, not the 4"))
    );
}

} // namespace inspection_test
} // namespace countersign::signer
