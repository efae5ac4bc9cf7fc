#include "proxy/commands/presign.hpp"
#include "signer/sha256.hpp"
#include "signer/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace presign_test {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono;

// Keys and request of "Authenticating Requests: Using Query Parameters" in the S3 manual.
chain::credentials published_keys(std::string_view token = "") {
    chain::credentials keys;
    keys.access_key_id = "AKIAIOSFODNN7EXAMPLE";
    keys.secret_access_key = chain::secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    keys.session_token = chain::secret(token);
    return keys;
}

constexpr sys_seconds now = sys_days(2013y / 5 / 24);

presign_arguments asking_for(std::string url) {
    presign_arguments a;
    a.url = std::move(url);
    return a;
}

std::string url_of(const presign_arguments& a, std::string_view token = "") {
    return presigned_url(a, published_keys(token), now).url;
}

std::string url_of(std::string url, std::string_view token = "") {
    return url_of(asking_for(std::move(url)), token);
}

TEST(PresignCommand, MakesTheUrlOfTheManual) {
    presign_arguments a = asking_for("https://examplebucket.s3.amazonaws.com/test.txt");
    a.expires = 86400;
    const std::string url = url_of(a);
    EXPECT_THAT(url, StartsWith("https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&"));
    for (const std::string_view parameter :
         {"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&",
          "&X-Amz-Date=20130524T000000Z&",
          "&X-Amz-Expires=86400&",
          "&X-Amz-SignedHeaders=host&"}) {
        EXPECT_THAT(url, HasSubstr(std::string(parameter)));
    }
    EXPECT_THAT(url, EndsWith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
}

TEST(PresignCommand, TakesScopeFromTheHostUnlessFlagsSayIt) {
    EXPECT_THAT(
        url_of("https://sqs.eu-west-1.amazonaws.com/"), HasSubstr("%2F20130524%2Feu-west-1%2Fsqs%2Faws4_request")
    );
    presign_arguments a = asking_for("https://search.example.com/");
    a.service = "es";
    a.region = "eu-west-3";
    EXPECT_THAT(url_of(a), HasSubstr("%2F20130524%2Feu-west-3%2Fes%2Faws4_request"));
    a.region.clear();
    try {
        url_of(a);
        ADD_FAILURE() << "no region, and yet a URL";
    } catch (const wrong_usage& wrong) {
        EXPECT_THAT(wrong.what(), HasSubstr("--region"));
        EXPECT_THAT(wrong.what(), Not(HasSubstr("--service")));
    }
    a.service.clear();
    try {
        url_of(a);
        ADD_FAILURE() << "no scope, and yet a URL";
    } catch (const wrong_usage& wrong) {
        EXPECT_THAT(wrong.what(), HasSubstr("search.example.com is not an AWS host"));
        EXPECT_THAT(wrong.what(), HasSubstr("--service and --region"));
    }
}

TEST(PresignCommand, WritesTheUrlAsEveryReaderReadsIt) {
    const std::string made = url_of("https://b.s3.eu-west-1.amazonaws.com:443/my file+ä.txt?prefix=a+b");
    EXPECT_THAT(made, StartsWith("https://b.s3.eu-west-1.amazonaws.com/my%20file%2B%C3%A4.txt?prefix=a%20b&X-Amz-Alg"));
    EXPECT_THAT(url_of("B.S3.eu-west-1.amazonaws.com."), StartsWith("https://b.s3.eu-west-1.amazonaws.com/?X-Amz-"));
    EXPECT_THAT(
        url_of("http://s3.eu-west-1.amazonaws.com:9000/b/k"), StartsWith("http://s3.eu-west-1.amazonaws.com:9000/b/k?")
    );
    EXPECT_THAT(
        url_of(
            "wss://transcribestreaming.us-east-1.amazonaws.com:8443/stream-transcription-websocket?language-code=en-US"
        ),
        StartsWith("wss://transcribestreaming.us-east-1.amazonaws.com:8443/stream-transcription-websocket?language-code"
        )
    );
}

TEST(PresignCommand, ReplacesAnEarlierPresignature) {
    const std::string once = url_of("https://b.s3.eu-west-1.amazonaws.com/k?versionId=3");
    EXPECT_EQ(url_of(once), once);
}

TEST(PresignCommand, SignsTheTokenSaveForIotDevices) {
    EXPECT_THAT(
        url_of("https://b.s3.eu-west-1.amazonaws.com/k", "a/b"),
        testing::MatchesRegex(".*&X-Amz-Security-Token=a%2Fb&.*&?X-Amz-Signature=[0-9a-f]*")
    );
    presign_arguments a = asking_for("wss://a1b2c3d4e5f6g7-ats.iot.eu-west-1.amazonaws.com/mqtt");
    a.service = "iotdevicegateway";
    const std::string token = "&X-Amz-Security-Token=a%2Fb";
    std::string made = url_of(a, "a/b");
    ASSERT_THAT(made, testing::HasSubstr(token));
    made.erase(made.find(token), token.size());
    EXPECT_EQ(made, url_of(a, "")); // the signature does not know the token
}

TEST(PresignCommand, SignsForSeveralRegions) {
    presign_arguments a = asking_for("https://b.s3.eu-west-1.amazonaws.com/k");
    a.sigv4a = true;
    a.region = "us-east-1,eu-*";
    const std::string url = url_of(a, "token");
    EXPECT_THAT(url, HasSubstr("&X-Amz-Region-Set=us-east-1%2Ceu-%2A&"));
    EXPECT_THAT(url, HasSubstr("X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fs3%2Faws4_request&"));
    const std::vector<signer::header> headers{{"Host", "b.s3.eu-west-1.amazonaws.com"}};
    signer::expectation expected;
    expected.path = signer::path_rule::s3;
    expected.lookup = [](std::string_view) {
        return std::optional<signer::key_entry>({"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "token"});
    };
    const std::string query = url.substr(url.find('?') + 1);
    EXPECT_EQ(signer::verify({"GET", "/k", query, headers, ""}, signer::empty_hash, expected, now).detail, "");
    a.region.clear();
    EXPECT_THAT(url_of(a), HasSubstr("&X-Amz-Region-Set=eu-west-1&"));
    a.url = "https://example.com/";
    a.service = "s3";
    EXPECT_THAT(url_of(a), HasSubstr("&X-Amz-Region-Set=%2A&"));
}

TEST(PresignCommand, NeverOutlivesItsCredentialsInSilence) {
    chain::credentials keys = published_keys("token");
    keys.expiration = now + minutes(10);
    presign_arguments a = asking_for("https://b.s3.eu-west-1.amazonaws.com/k");
    const presigned by_default = presigned_url(a, keys, now);
    EXPECT_THAT(by_default.url, HasSubstr("&X-Amz-Expires=3600&"));
    EXPECT_THAT(by_default.warning, HasSubstr("600 s"));
    a.expires = 600;
    EXPECT_EQ(presigned_url(a, keys, now).warning, "");
    a.expires = 601;
    try {
        presigned_url(a, keys, now);
        ADD_FAILURE() << "a URL that lasts longer than its credentials";
    } catch (const wrong_usage&) {
        ADD_FAILURE() << "called a wrong argument";
    } catch (const std::runtime_error& failed) {
        EXPECT_THAT(failed.what(), HasSubstr("--expires 600 or less"));
    }
    keys.expiration = now;
    a.expires.reset();
    EXPECT_THROW(presigned_url(a, keys, now), std::runtime_error);
}

TEST(PresignCommand, RefusesWhatCannotBeSigned) {
    for (const std::string_view wrong :
         {"ftp://example.com/",
          "s3://bucket/key",
          "https:///key",
          "https://key@b.s3.eu-west-1.amazonaws.com/",
          "https://b.s3.eu-west-1.amazonaws.com/#top",
          "https://b.s3.eu-west-1.amazonaws.com:0/",
          "https://b.s3.eu-west-1.amazonaws.com:99999/",
          "https://b.s3.eu-west-1.amazonaws.com:/",
          "https://b.s3.eu-west-1.amazonaws.com/a\nb",
          "https://b%2e.s3.eu-west-1.amazonaws.com/"}) {
        EXPECT_THROW(url_of(std::string(wrong)), std::runtime_error) << wrong;
    }
    const auto refuses = [](auto change) {
        presign_arguments a = asking_for("https://b.s3.eu-west-1.amazonaws.com/");
        change(a);
        EXPECT_THROW(url_of(a), wrong_usage);
    };
    refuses([](presign_arguments& a) { a.url.clear(); });
    refuses([](presign_arguments& a) { a.method = "get"; });
    refuses([](presign_arguments& a) { a.method = "G T"; });
    refuses([](presign_arguments& a) { a.time = "yesterday"; });
    refuses([](presign_arguments& a) { a.expires = 0; });
    refuses([](presign_arguments& a) { a.expires = 604801; });
}

} // namespace presign_test
} // namespace countersign::proxy
