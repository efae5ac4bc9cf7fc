#include "proxy/http/escaped.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace escaped_test {

TEST(Escaped, CannotForgeALine) {
    EXPECT_EQ(escaped("plain \"text\" c:\\x"), "plain \"text\" c:\\x");
    EXPECT_EQ(escaped("a\r\nb\x1b[31m\x7f"), "a\\x0d\\x0ab\\x1b[31m\\x7f");
    EXPECT_EQ(escaped(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(escaped("\xc3\xa9"), "\\xc3\\xa9");
    EXPECT_EQ(escaped(escaped("\n")), "\\x0a");
}

TEST(Escaped, IsCutWhereItIsTooLong) {
    EXPECT_EQ(escaped("abcdef", 6), "abcdef");
    EXPECT_EQ(escaped("abcdefg", 6), "abcdef...");
    EXPECT_EQ(escaped("abc\n", 6), "abc...");
    EXPECT_EQ(escaped("ab\n", 6), "ab\\x0a");
}

} // namespace escaped_test
} // namespace countersign::proxy
