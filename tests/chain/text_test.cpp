#include "chain/text.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace text_test {

using namespace std::string_view_literals;

TEST(Text, KnowsForeignEncodingsByTheirMark) {
    EXPECT_EQ(foreign_encoding("\xff\xfe{\0"sv), "UTF-16 (little-endian) with a byte order mark");
    EXPECT_EQ(foreign_encoding("\xfe\xff\0{"sv), "UTF-16 (big-endian) with a byte order mark");
    EXPECT_EQ(foreign_encoding("\xff\xfe"sv), "UTF-16 (little-endian) with a byte order mark");
    EXPECT_EQ(foreign_encoding("\xff\xfe\0\0{\0\0\0"sv), "UTF-32 with a byte order mark");
    EXPECT_EQ(foreign_encoding("\0\0\xfe\xff\0\0\0{"sv), "UTF-32 with a byte order mark");
    EXPECT_EQ(foreign_encoding("\xef\xbb\xbf{}"sv), "UTF-8 with a byte order mark");
}

TEST(Text, KnowsUtf16WithoutAMarkByItsNuls) {
    EXPECT_EQ(foreign_encoding("[\0d\0e\0f\0]\0\n\0"sv), "UTF-16 (little-endian)");
    EXPECT_EQ(foreign_encoding("\0[\0d\0e\0f\0]\0\n"sv), "UTF-16 (big-endian)");
    EXPECT_EQ(foreign_encoding("A\0"sv), "UTF-16 (little-endian)");
    // What comes later may be outside of ASCII.
    EXPECT_EQ(foreign_encoding("#\0 \0a\0b\0c\0d\0e\0f\0\x34\x12"sv), "UTF-16 (little-endian)");
    EXPECT_EQ(foreign_encoding("#\0 \0\x2d\x4e"sv), "UTF-16 (little-endian)");
}

TEST(Text, TakesEverythingElseForUtf8) {
    for (const auto text :
         {""sv, "A"sv, "\0"sv, "{}"sv, "[default]\n"sv, "a\0bcd"sv, "\xc3\xa4"sv, "\0\0\0\0"sv, "\xef\xbb"sv})
        EXPECT_EQ(foreign_encoding(text), "") << text;
}

} // namespace text_test
} // namespace countersign::chain
