#include "signer/target.hpp"

#include <gtest/gtest.h>

#include <memory_resource>
#include <string>

namespace countersign::signer {
namespace target_test {

struct row {
    std::string_view given;
    std::string_view wire;
};

class Target : public testing::Test {
protected:
    std::pmr::monotonic_buffer_resource memory_;

    // Allocates nothing, and so must return the input itself.
    static std::string_view unchanged_path(std::string_view path, path_rule rule) {
        return wire_path(path, rule, *std::pmr::null_memory_resource());
    }
};

TEST_F(Target, WritesAnS3PathInTheOneSpellingOfEveryReader) {
    for (const row& r :
         {row{"/", "/"},
          {"/a+b%7e", "/a%2Bb~"},
          {"/a b", "/a%20b"},
          {"/a%20b", "/a%20b"},
          {"/%c3%a4", "/%C3%A4"},
          {"/\xc3\xa4", "/%C3%A4"},
          {"/(x)", "/%28x%29"},
          {"/a%2fb", "/a/b"},
          {"//a/./../b/", "//a/./../b/"},
          {"/100%", "/100%25"},
          {"/%zz", "/%25zz"},
          {"/%41", "/A"},
          {"/%2525", "/%2525"},
          {"/%00", "/%00"}}) {
        EXPECT_EQ(wire_path(r.given, path_rule::s3, memory_), r.wire) << r.given;
        EXPECT_EQ(unchanged_path(r.wire, path_rule::s3), r.wire) << "not stable: " << r.wire;
    }
}

TEST_F(Target, LeavesOtherPathsAloneButForImpossibleBytes) {
    for (const std::string_view path : {"/", "//a/../b", "/a%2fb", "/a+b(c)", "/%zz", "/%c3%a4"}) {
        EXPECT_EQ(unchanged_path(path, path_rule::standard), path);
    }
    EXPECT_EQ(wire_path("/\xc3\xa4 \x7f", path_rule::standard, memory_), "/%C3%A4%20%7F");
}

TEST_F(Target, WritesAQueryInTheOneSpellingOfEveryReader) {
    for (const row& r :
         {row{"", ""},
          {"a=b+c&&x=%7e&y", "a=b%20c&x=~&y"},
          {"b=1&a=2", "b=1&a=2"},
          {"a=%2b", "a=%2B"},
          {"a=%2B", "a=%2B"},
          {"&a=1", "a=1"},
          {"a=1&", "a=1"},
          {"&", ""},
          {"a=b=c", "a=b%3Dc"},
          {"a=/:,", "a=%2F%3A%2C"},
          {"a=\xc3\xa4", "a=%C3%A4"},
          {"a=&a=&a", "a=&a=&a"},
          {"=", "="},
          {"a=%", "a=%25"},
          {"a=%26", "a=%26"}}) {
        EXPECT_EQ(wire_query(r.given, memory_), r.wire) << r.given;
        EXPECT_EQ(wire_query(r.wire, *std::pmr::null_memory_resource()), r.wire) << "not stable: " << r.wire;
    }
}

} // namespace target_test
} // namespace countersign::signer
