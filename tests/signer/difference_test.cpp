#include "signer/difference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::signer {
namespace difference_test {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view empty_body = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view some_body = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

struct canonical {
    std::string method = "GET", path = "/a", query = "prefix=x", host = "b.s3.eu-west-1.amazonaws.com";
    std::string more_headers; // lines
    std::string names = "host";
    std::string hash{empty_body};

    std::string text() const {
        return method + "\n" + path + "\n" + query + "\nhost:" + host + "\n" + more_headers + "\n" + names + "\n" +
               hash;
    }
};

template <class Change>
difference apart(Change change) {
    canonical ours, theirs;
    change(ours, theirs);
    const auto d = compare_canonical_requests(ours.text(), theirs.text());
    EXPECT_TRUE(d);
    return d.value_or(difference{});
}

TEST(Difference, IsNoneBetweenEqualTexts) {
    EXPECT_FALSE(compare_canonical_requests(canonical().text(), canonical().text()));
    EXPECT_FALSE(compare_canonical_requests(canonical().text() + "\n", canonical().text()));
}

TEST(Difference, NamesTheFirstLineThatDiffers) {
    const difference d = apart([](canonical& ours, canonical& theirs) {
        ours.method = "PUT";
        theirs.hash = some_body;
    });
    EXPECT_EQ(to_string(d.line), "method");
    EXPECT_EQ(d.ours, "PUT");
    EXPECT_EQ(d.theirs, "GET");
    EXPECT_EQ(d.column, 1u);
}

TEST(Difference, GuessesWhyPathsDiffer) {
    struct row {
        std::string_view ours, theirs, cause;
    };
    for (const row& r : {
             row{"/a%20b", "/a%2520b", "double encoding is right"},
             {"/a%2520b", "/a%20b", "--no-double-encode"},
             {"/%c3%a4", "/%C3%A4", "lower-case hex"},
             {"/a+b", "/a%20b", "a raw +"},
             {"/a+b", "/a%2Bb", "double encoding is right"},
             {"/(a)%20", "/%28a%29%20", "percent-encoded differently"},
             {"/a//b", "/a/b", "removes empty segments"},
             {"/b", "/a/../b", "--no-normalize-path"},
             {"/a", "/a/", "a final slash that we did not sign"},
             {"/v1/a", "/a", "takes /v1 off the path"},
             {"/a", "/prod/a", "puts /prod in front"},
             {"/a", "/b", "rewritten"},
         }) {
        const difference d = apart([&](canonical& ours, canonical& theirs) {
            ours.path = r.ours;
            theirs.path = r.theirs;
        });
        EXPECT_EQ(d.line, signed_line::path);
        EXPECT_THAT(d.cause, HasSubstr(std::string(r.cause))) << r.ours << " and " << r.theirs;
    }
}

TEST(Difference, FindsTheParameterInTheQuery) {
    struct row {
        std::string_view ours, theirs, name, cause;
    };
    for (const row& r : {
             row{"a=1&b=x+y&c=", "a=1&b=x%20y&c=", "b", "+ as a blank"},
             {"a=1&b=%2f", "a=1&b=%2F", "b", "lower-case hex"},
             {"a=1&b=a%2520b", "a=1&b=a%20b", "b", "encoded twice"},
             {"a=1&b=2&c=3", "a=1&c=3", "b", "dropped on the way"},
             {"a=1&c=3", "a=1&b=2&c=3", "b", "added on the way"},
             {"a=1", "a=1&b=2", "b", "added on the way"},
             {"b=1&a=2", "a=2&b=1", "", "sorted by name"},
             {"acl", "acl=", "", "signed with '='"},
             {"a=1&b=2", "a=1&b=3", "b", "changed on the way"},
         }) {
        const difference d = apart([&](canonical& ours, canonical& theirs) {
            ours.query = r.ours;
            theirs.query = r.theirs;
        });
        EXPECT_EQ(d.line, signed_line::query);
        EXPECT_EQ(d.name, r.name) << r.ours;
        EXPECT_THAT(d.cause, HasSubstr(std::string(r.cause))) << r.ours << " and " << r.theirs;
    }
}

TEST(Difference, CountsColumnsFromOne) {
    const difference d = apart([](canonical& ours, canonical& theirs) {
        ours.query = "list-type=2&prefix=abcX";
        theirs.query = "list-type=2&prefix=abcY";
    });
    EXPECT_EQ(d.name, "prefix");
    EXPECT_EQ(d.ours, "abcX");
    EXPECT_EQ(d.column, 4u);
}

TEST(Difference, GuessesWhyHeadersDiffer) {
    struct row {
        std::string_view ours, theirs, name, cause;
    };
    for (const row& r : {
             row{"a:1  2\n", "a:1 2\n", "a", "a run of them becomes one"},
             {"a:1, 2\n", "a:1,2\n", "a", "joined by a comma alone"},
             {"a:x\n", "a:X\n", "a", "case was changed"},
             {"content-type:text/plain\n", "content-type:\n", "content-type", "dropped on the way"},
             {"user-agent:curl\n", "user-agent:proxy\n", "user-agent", "do not sign it"},
             {"a:1\n", "a:1,2\n", "a", "more than once"},
             {"a:1\nb:2\n", "a:1\n", "b", "dropped on the way"},
             {"a:1\n", "a:1\nb:2\n", "b", "was not signed"},
             {"a:1\n", "a:2\n", "a", "changed on the way"},
         }) {
        const difference d = apart([&](canonical& ours, canonical& theirs) {
            ours.more_headers = r.ours;
            theirs.more_headers = r.theirs;
        });
        EXPECT_EQ(d.line, signed_line::header);
        EXPECT_EQ(d.name, r.name) << r.ours;
        EXPECT_THAT(d.cause, HasSubstr(std::string(r.cause))) << r.ours << " and " << r.theirs;
    }
}

TEST(Difference, KnowsWhatHappensToHost) {
    const auto cause = [](std::string_view ours, std::string_view theirs) {
        const difference d = apart([&](canonical& mine, canonical& server) {
            mine.host = ours;
            server.host = theirs;
        });
        EXPECT_EQ(d.name, "host");
        return d.cause;
    };
    EXPECT_THAT(cause("example.com:8080", "example.com"), HasSubstr("the port"));
    EXPECT_THAT(cause("Example.com", "example.com"), HasSubstr("lower case"));
    EXPECT_THAT(cause("example.com", "localhost"), HasSubstr("another Host"));
}

TEST(Difference, ExplainsPayloadHashes) {
    const auto cause = [](std::string_view ours, std::string_view theirs) {
        return apart([&](canonical& mine, canonical& server) {
                   mine.hash = ours;
                   server.hash = theirs;
               }
        ).cause;
    };
    EXPECT_THAT(cause("UNSIGNED-PAYLOAD", empty_body), HasSubstr("does not take unsigned bodies"));
    EXPECT_THAT(cause(some_body, "UNSIGNED-PAYLOAD"), HasSubstr("presigned S3"));
    EXPECT_THAT(cause("STREAMING-UNSIGNED-PAYLOAD-TRAILER", some_body), HasSubstr("chunked"));
    EXPECT_THAT(cause(empty_body, some_body), HasSubstr("we signed an empty body"));
    EXPECT_THAT(cause(some_body, empty_body), HasSubstr("got no body"));
    EXPECT_THAT(
        cause(some_body, "0000000000000000000000000000000000000000000000000000000000000000"),
        HasSubstr("not the one that was signed")
    );
}

TEST(Difference, NeverShowsTokens) {
    const difference in_header = apart([](canonical& ours, canonical& theirs) {
        ours.more_headers = "x-amz-security-token:SECRETONE\n";
        theirs.more_headers = "x-amz-security-token:SECRETTWOO\n";
    });
    EXPECT_EQ(in_header.ours, "(9 bytes, not shown)");
    EXPECT_EQ(in_header.theirs, "(10 bytes, not shown)");
    EXPECT_EQ(in_header.column, 7u);
    const difference in_query = apart([](canonical& ours, canonical& theirs) {
        ours.query = "X-Amz-Security-Token=SECRET";
        theirs.query = "";
    });
    EXPECT_EQ(in_query.ours, "(6 bytes, not shown)");
    EXPECT_THAT(in_header.cause + in_query.cause, Not(HasSubstr("SECRET")));
}

TEST(Difference, SaysWhoseTextHasNotTheForm) {
    const auto ours = compare_canonical_requests("GET\n/\n", canonical().text());
    ASSERT_TRUE(ours);
    EXPECT_EQ(ours->line, signed_line::form);
    EXPECT_THAT(ours->cause, HasSubstr("ours is not a canonical request"));
    const auto theirs = compare_canonical_requests(canonical().text(), "");
    ASSERT_TRUE(theirs);
    EXPECT_THAT(theirs->cause, HasSubstr("the server's is not"));
}

TEST(Difference, ComparesStringsToSign) {
    const auto string = [](std::string_view date, std::string_view scope) {
        return "AWS4-HMAC-SHA256\n" + std::string(date) + "\n" + std::string(scope) + "\n" + std::string(some_body);
    };
    const std::string ours = string("20260101T000000Z", "20260101/us-east-1/s3/aws4_request");
    EXPECT_FALSE(compare_strings_to_sign(ours, ours + "\n"));
    const auto region = compare_strings_to_sign(ours, string("20260101T000000Z", "20260101/eu-west-1/s3/aws4_request"));
    ASSERT_TRUE(region);
    EXPECT_EQ(region->line, signed_line::scope);
    EXPECT_EQ(region->cause, "another region: sign for eu-west-1 instead of us-east-1");
    EXPECT_EQ(region->column, 10u);
    const auto date = compare_strings_to_sign(ours, string("20260102T000000Z", "20260101/us-east-1/s3/aws4_request"));
    ASSERT_TRUE(date);
    EXPECT_EQ(date->line, signed_line::date);
    const auto form = compare_strings_to_sign(ours, "AWS4");
    ASSERT_TRUE(form);
    EXPECT_EQ(form->line, signed_line::form);
}

} // namespace difference_test
} // namespace countersign::signer
