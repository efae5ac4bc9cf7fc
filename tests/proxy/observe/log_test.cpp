#include "proxy/observe/event_sink.hpp"
#include "proxy/observe/log.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

namespace countersign::proxy {
namespace log_test {

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

TEST(Log, KeepsALineWithinOneWrite) {
    for (const auto format : {conf::log_format::text, conf::log_format::json}) {
        for (const std::string& text : {std::string(9000, 'x'), std::string(9000, '"'), std::string(9000, '\n')}) {
            const std::string line =
                event_line(format, std::chrono::system_clock::now(), spdlog::level::critical, text);
            EXPECT_LE(line.size(), log_sink::longest_line);
            EXPECT_GT(line.size(), log_sink::longest_line - 200);
            EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
            EXPECT_THAT(line, testing::HasSubstr("..."));
            if (format == conf::log_format::json) {
                EXPECT_NO_THROW(boost::json::parse(line));
            }
        }
    }
}

// Everything of it that is there now.
std::string taken_from(int pipe) {
    std::string all;
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(pipe, bytes, sizeof bytes)) > 0;)
        all.append(bytes, static_cast<std::size_t>(n));
    return all;
}

TEST(Log, NeverWaitsForItsReaderAndSaysWhatWasLost) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_EQ(::fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    start_log(conf::log_level::info, conf::log_format::text, ends[1]);
    for (int i = 0; i < 10000; ++i)
        spdlog::info("a line that nobody reads, number {}", i);
    const std::string before = taken_from(ends[0]);
    tell_of_missing_lines(std::chrono::steady_clock::now());
    const std::string after = taken_from(ends[0]);
    const auto written = std::count(before.begin(), before.end(), '\n');
    EXPECT_GT(written, 100);
    EXPECT_EQ(before.back(), '\n');
    EXPECT_THAT(
        after,
        testing::EndsWith(
            " warning " + std::to_string(10000 - written) +
            " lines of the log were lost: whoever reads standard error was too slow\n"
        )
    );
    tell_of_missing_lines(std::chrono::steady_clock::now());
    EXPECT_EQ(taken_from(ends[0]), "");
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(Log, TellsOfEqualLinesOfAThread) {
    testing::internal::CaptureStderr();
    start_log(conf::log_level::info, conf::log_format::text);
    std::thread worker([] {
        limit_lines_of_this_thread();
        for (int i = 0; i < 100; ++i)
            spdlog::warn("GET b{}.s3: the policy denies it", i);
        for (int i = 0; i < 20; ++i)
            spdlog::info("wanted");
        tell_of_missing_lines(std::chrono::steady_clock::time_point::max());
    });
    worker.join();
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5 + 20 + 1);
    EXPECT_THAT(
        text, testing::EndsWith(" warning GET b0.s3: the policy denies it (95 more such lines in the last 10 s)\n")
    );
}

TEST(Log, IsSilentWhenOff) {
    EXPECT_EQ(logged(conf::log_level::off, conf::log_format::text), "");
    EXPECT_EQ(logged(conf::log_level::error, conf::log_format::text), "");
}

} // namespace log_test
} // namespace countersign::proxy
