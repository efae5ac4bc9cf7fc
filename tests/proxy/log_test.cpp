#include "proxy/log.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

namespace countersign::proxy {
namespace {

TEST(Log, EscapesWhatCouldForgeALine) {
    EXPECT_EQ(escaped("plain \"text\" c:\\x"), "plain \"text\" c:\\x");
    EXPECT_EQ(escaped("a\r\nb\x1b[31m\x7f"), "a\\x0d\\x0ab\\x1b[31m\\x7f");
    EXPECT_EQ(escaped(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(escaped("\xc3\xa9"), "\\xc3\\xa9");
    EXPECT_EQ(escaped(escaped("\n")), "\\x0a");
}

TEST(Log, CutsLongText) {
    EXPECT_EQ(escaped("abcdef", 6), "abcdef");
    EXPECT_EQ(escaped("abcdefg", 6), "abcdef...");
    EXPECT_EQ(escaped("abc\n", 6), "abc...");
    EXPECT_EQ(escaped("ab\n", 6), "ab\\x0a");
}

std::string logged(conf::log_level level, conf::log_format format) {
    testing::internal::CaptureStderr();
    start_log(level, format);
    spdlog::debug("hidden at info");
    spdlog::warn("path \"{}\" \\ {}", "/a\nb", 7);
    spdlog::default_logger()->flush();
    return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesALineOfText) {
    const std::string line = logged(conf::log_level::info, conf::log_format::text);
    EXPECT_EQ(line.substr(24), " warning path \"/a\\x0ab\" \\ 7\n");
    EXPECT_EQ(line[10], 'T');
    EXPECT_EQ(line[23], 'Z');
}

TEST(Log, WritesJsonThatParses) {
    const std::string line = logged(conf::log_level::warn, conf::log_format::json);
    ASSERT_EQ(line.back(), '\n');
    const auto parsed = boost::json::parse(line.substr(0, line.size() - 1)).as_object();
    EXPECT_EQ(parsed.at("message").as_string(), "path \"/a\\x0ab\" \\ 7");
    EXPECT_EQ(parsed.at("level").as_string(), "warning");
    EXPECT_EQ(parsed.at("event").as_string(), "log");
}

TEST(Log, IsSilentWhenOff) {
    EXPECT_EQ(logged(conf::log_level::off, conf::log_format::text), "");
    EXPECT_EQ(logged(conf::log_level::error, conf::log_format::text), "");
}

} // namespace
} // namespace countersign::proxy
