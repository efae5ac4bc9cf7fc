#include "signer/canonical.hpp"
#include "signer/sigv4.hpp"

#include <gtest/gtest.h>

#include <memory_resource>
#include <string>
#include <vector>

namespace countersign::signer {
namespace canonical_test {

// Writes into exactly the room that the bound promises, so that a wrong bound is found by the address
// sanitizer.
std::string path_of(std::string_view path, path_rule rule) {
    std::vector<char> room(canonical_path_bound(path));
    pen out(room.data());
    put_canonical_path(path, rule, out);
    return std::string(out.since(room.data()));
}

std::string query_of(std::string_view query) {
    std::vector<char> room(query_text_bound(query) + 1);
    std::vector<query_pair> pairs(query_pairs_bound(query));
    pen out(room.data());
    pairs.resize(read_query(query, pairs.data(), out));
    EXPECT_LE(static_cast<std::size_t>(out.at() - room.data()), query_text_bound(query));
    sort_query(pairs);
    std::string text;
    for (const query_pair& pair : pairs) {
        text.append(text.empty() ? "" : "&").append(pair.name).append("=").append(pair.value);
    }
    return text;
}

std::string value_of(std::string_view value) {
    std::vector<char> room(value.size() + 1);
    pen out(room.data());
    put_header_value(value, out);
    return std::string(out.since(room.data()));
}

struct row {
    std::string_view given;
    std::string_view canonical;
};

TEST(CanonicalPath, IsNormalizedAndEncodedAgain) {
    for (const row& r :
         {row{"", "/"},
          {"/", "/"},
          {"//", "/"},
          {"/.", "/"},
          {"/..", "/"},
          {"/../..", "/"},
          {"/./", "/"},
          {"/a", "/a"},
          {"/a/", "/a/"},
          {"/a/.", "/a"},
          {"/a/..", "/"},
          {"/a/../", "/"},
          {"/a/b/..", "/a"},
          {"/a/b/../", "/a/"},
          {"//a//b//", "/a/b/"},
          {"/a/../b", "/b"},
          {"/../a", "/a"},
          {"/.a/..b/...", "/.a/..b/..."},
          {"/a%20b", "/a%2520b"},
          {"/a b", "/a%20b"},
          {"/%2e%2e/a", "/%252e%252e/a"},
          {"/a%2Fb", "/a%252Fb"},
          {"/a+b:c@d", "/a%2Bb%3Ac%40d"},
          {"/\xc3\xa4", "/%C3%A4"},
          {"/\xc3\xa4//b", "/%C3%A4/b"},
          {"/-_.~", "/-_.~"},
          {"/*'()!", "/%2A%27%28%29%21"},
          {"a", "/a"},
          {"\xff", "/%FF"},
          {"\xff\xfe/", "/%FF%FE/"},
          {".", "/"}}) {
        EXPECT_EQ(path_of(r.given, path_rule::standard), r.canonical) << r.given;
    }
}

TEST(CanonicalPath, StaysAsItIsForS3) {
    for (const std::string_view path : {"/", "//", "/a/../b", "/a%20b", "/./", "/a+b", "/%2F/", "/..", "/a//b/"}) {
        EXPECT_EQ(path_of(path, path_rule::s3), path);
    }
    EXPECT_EQ(path_of("", path_rule::s3), "/");
}

TEST(CanonicalPath, CanDoEachOfItsTwoSteps) {
    EXPECT_EQ(path_of("/a//b%20/../c d", path_rule::normalized_only), "/a/c d");
    EXPECT_EQ(path_of("/a//b%20/../c d", path_rule::encoded_only), "/a//b%2520/../c%20d");
}

TEST(CanonicalQuery, IsDecodedEncodedAndSorted) {
    for (const row& r :
         {row{"", ""},
          {"&", ""},
          {"&&&", ""},
          {"a", "a="},
          {"a=", "a="},
          {"a=1&", "a=1"},
          {"b=2&a=1", "a=1&b=2"},
          {"a=2&a=1&a=", "a=&a=1&a=2"},
          {"a=1&a=1", "a=1&a=1"},
          {"a=b=c", "a=b%3Dc"},
          {"=a", "=a"},
          {"=", "="},
          {"a=%7e", "a=~"},
          {"a=%c3%a4", "a=%C3%A4"},
          {"a=\xc3\xa4", "a=%C3%A4"},
          {"a=b+c", "a=b%20c"},
          {"a=b%2Bc", "a=b%2Bc"},
          {"a=%2", "a=%252"},
          {"a=%zz", "a=%25zz"},
          {"a=%%41", "a=%25A"},
          {"prefix=a/b", "prefix=a%2Fb"},
          {"Z=1&a=2&_=3&%C3%A4=4", "%C3%A4=4&Z=1&_=3&a=2"},
          // '=' is not part of the order: "a" sorts before "a-", though "a=" would not
          {"a-=1&a=2", "a=2&a-=1"},
          {"a%3D=1&a=2", "a=2&a%3D=1"}}) {
        EXPECT_EQ(query_of(r.given), r.canonical) << r.given;
    }
}

TEST(CanonicalQuery, SortsManyAsItSortsFew) {
    std::string given;
    std::string sorted;
    for (int i = 0; i < 500; ++i) {
        const auto name = [](int n) { return "k" + std::to_string(1000 + n); };
        given += name(499 - i) + "=" + "&";
        sorted += (i == 0 ? "" : "&") + name(i) + "=";
    }
    EXPECT_EQ(query_of(given), sorted);
}

TEST(CanonicalHeaders, TrimsValuesAndCollapsesBlanks) {
    for (const row& r :
         {row{"", ""},
          {" ", ""},
          {"a", "a"},
          {" a ", "a"},
          {"a  b", "a b"},
          {"\ta\t \tb\t", "a b"},
          {"\"a   b\"", "\"a b\""},
          {"a\r\n b", "a b"},
          {"12345678 0", "12345678 0"},
          {"12345678  0", "12345678 0"},
          {"\xc3\xa4 \xc3\xb6", "\xc3\xa4 \xc3\xb6"}}) {
        EXPECT_EQ(value_of(r.given), r.canonical) << r.given;
    }
    const std::string long_value(1000, 'x');
    EXPECT_EQ(value_of(long_value), long_value);
}

TEST(CanonicalHeaders, KeepTheOrderOfArrivalWithinAName) {
    for (const int count : {5, 200}) {
        std::vector<header> headers;
        std::vector<std::string> values;
        for (int i = 0; i < count; ++i) {
            values.push_back(std::to_string(i));
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            headers.push_back({i % 2 == 0 ? "b" : "a", values[i]});
        }
        std::pmr::monotonic_buffer_resource memory;
        sort_headers(headers, memory);
        int last_a = -1;
        int last_b = -1;
        for (const header& field : headers) {
            int& last = field.name == "a" ? last_a : last_b;
            const int value = std::stoi(std::string(field.value));
            EXPECT_LT(last, value);
            EXPECT_TRUE(field.name == "b" || last_b == -1);
            last = value;
        }
    }
}

TEST(CanonicalRequest, IsPutTogetherAsTheStandardSays) {
    const std::vector<header> headers{{"a", " 1  2 "}, {"host", "h"}, {"x-amz-b", "2"}, {"x-amz-b", "1"}};
    const std::vector<query_pair> query{{"k", ""}, {"l", "v"}};
    const canonical_parts parts{"GET", "/p", path_rule::standard, query, headers, "HASH"};
    std::vector<char> room(canonical_request_bound(parts));
    pen out(room.data());
    const canonical_text text = put_canonical_request(parts, out);
    EXPECT_EQ(text.request, "GET\n/p\nk=&l=v\na:1 2\nhost:h\nx-amz-b:2,1\n\na;host;x-amz-b\nHASH");
    EXPECT_EQ(text.signed_headers, "a;host;x-amz-b");
    EXPECT_EQ(text.payload_hash, "HASH");
}

} // namespace canonical_test
} // namespace countersign::signer
