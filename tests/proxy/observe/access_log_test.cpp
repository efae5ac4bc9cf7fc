#include "proxy/observe/access_log.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <signal.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::proxy {
namespace access_log_test {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A pipe that holds what the log wrote. The reading end never blocks.
class reader {
public:
    reader() {
        if (::pipe2(ends_, O_CLOEXEC) != 0)
            std::abort();
        ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    }
    ~reader() {
        close_reading_end();
        ::close(ends_[1]);
    }
    int writing_end() const { return ends_[1]; }
    void close_reading_end() {
        if (ends_[0] >= 0)
            ::close(std::exchange(ends_[0], -1));
    }

    std::string all() {
        std::string text;
        char piece[65536];
        for (ssize_t n = 0; (n = ::read(ends_[0], piece, sizeof piece)) > 0;)
            text.append(piece, static_cast<std::size_t>(n));
        return text;
    }

private:
    int ends_[2] = {-1, -1};
};

access_entry example() {
    access_entry e;
    e.time = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 13min + 30s + 7ms;
    e.client = "127.0.0.1:5000";
    e.method = "GET";
    e.host = "b.s3.eu-west-1.amazonaws.com";
    e.path = "/key";
    e.service = "s3";
    e.region = "eu-west-1";
    e.identity = "default";
    e.status = 200;
    e.attempts = 2;
    e.request_bytes = 0;
    e.response_bytes = 18446744073709551615ull;
    e.duration = 12345678ns;
    e.upstream = 999ns;
    e.payload = "none";
    return e;
}

std::string written(const access_entry& e, conf::log_format format = conf::log_format::text) {
    reader pipe;
    access_log log(format, pipe.writing_end());
    log.add(e);
    log.flush();
    EXPECT_EQ(log.lost(), 0u);
    return pipe.all();
}

TEST(AccessLog, WritesALineOfText) {
    EXPECT_EQ(
        written(example()),
        "2026-11-22T00:13:30.007Z client=127.0.0.1:5000 method=GET host=b.s3.eu-west-1.amazonaws.com "
        "path=/key service=s3 "
        "region=eu-west-1 identity=default status=200 attempts=2 request_bytes=0 "
        "response_bytes=18446744073709551615 "
        "duration_ms=12.345 upstream_ms=0.000 payload=none refusal=- route=-\n"
    );
}

TEST(AccessLog, WritesALineOfJson) {
    const std::string line = written(example(), conf::log_format::json);
    EXPECT_THAT(line, EndsWith("}\n"));
    const auto o = boost::json::parse(line.substr(0, line.size() - 1)).as_object();
    EXPECT_EQ(o.at("time").as_string(), "2026-11-22T00:13:30.007Z");
    EXPECT_EQ(o.at("event").as_string(), "access");
    EXPECT_EQ(o.at("path").as_string(), "/key");
    EXPECT_EQ(o.at("status").as_int64(), 200);
    EXPECT_EQ(o.at("response_bytes").as_uint64(), UINT64_MAX);
    EXPECT_EQ(o.at("duration_ms").as_double(), 12.345);
    EXPECT_EQ(o.at("refusal").as_string(), "");
    EXPECT_EQ(o.at("route").as_string(), "");
    EXPECT_EQ(o.size(), 18u);
}

std::string path_of(std::string_view path) {
    access_entry e = example();
    e.path = path;
    const std::string line = written(e);
    const std::size_t start = line.find(" path=") + 6;
    return line.substr(start, line.find(" service=") - start);
}

TEST(AccessLog, KeepsNamesOfTheQueryAndMasksValues) {
    EXPECT_EQ(path_of("/b/k?prefix=x&list-type=2"), "/b/k?prefix=***&list-type=***");
    EXPECT_EQ(path_of("/k?X-Amz-Signature=abc=def&acl&&x="), "/k?X-Amz-Signature=***&acl&&x=***");
    EXPECT_EQ(path_of("/k?"), "/k?");
    EXPECT_EQ(path_of("/k?a=b?c=d"), "/k?a=***");
    EXPECT_EQ(path_of("/a=b&c=d"), "/a=b&c=d");
    EXPECT_EQ(path_of("*"), "*");
    EXPECT_EQ(path_of(""), "-");
}

TEST(AccessLog, EscapesWhatCouldForgeALineOrAField) {
    EXPECT_EQ(path_of("/a b\"c\\d\r\n\x7f\xc3\xa9"), "/a\\x20b\\x22c\\x5cd\\x0d\\x0a\\x7f\\xc3\\xa9");
    access_entry e = example();
    e.method = "G\nT";
    e.host = "h status=500";
    EXPECT_THAT(written(e), HasSubstr("method=G\\x0aT host=h\\x20status=500 "));
    e.path = "/\"\\\x01?\xff=x";
    const std::string line = written(e, conf::log_format::json);
    const auto parsed = boost::json::parse(line.substr(0, line.size() - 1)).as_object();
    EXPECT_EQ(parsed.at("path").as_string(), "/\\x22\\x5c\\x01?\\xff=***");
    EXPECT_EQ(parsed.at("method").as_string(), "G\\x0aT");
}

TEST(AccessLog, CutsLongFieldsAndNothingElse) {
    const std::string fits(access_log::longest_path - 1, 'a');
    EXPECT_EQ(path_of("/" + fits), "/" + fits);
    EXPECT_EQ(path_of("/" + fits + "b"), "/" + fits + "...");
    EXPECT_EQ(
        path_of(std::string(access_log::longest_path - 3, 'a') + "\n?x=y"),
        std::string(access_log::longest_path - 3, 'a') + "..."
    );
    EXPECT_EQ(
        path_of(std::string(access_log::longest_path - 2, 'a') + "?x=secret"),
        std::string(access_log::longest_path - 2, 'a') + "?x..."
    );
}

TEST(AccessLog, HoldsTheLongestLineInBothFormats) {
    const std::string bad(5000, '\xff');
    access_entry e = example();
    e.client = e.method = e.host = e.path = e.service = e.region = e.identity = e.payload = e.refusal = e.route = bad;
    e.status = e.attempts = UINT_MAX;
    e.request_bytes = UINT64_MAX;
    e.duration = e.upstream = std::chrono::nanoseconds::max();
    for (const auto format : {conf::log_format::text, conf::log_format::json}) {
        reader pipe;
        access_log log(format, pipe.writing_end());
        for (int i = 0; i < 1000; ++i) {
            log.add(e);
            const std::string text = pipe.all();
            for (std::size_t start = 0; start < text.size();) {
                const std::size_t end = text.find('\n', start);
                ASSERT_NE(end, std::string::npos);
                ASSERT_LT(end - start, 2560u);
                start = end + 1;
            }
        }
        EXPECT_EQ(log.lost(), 0u);
    }
}

TEST(AccessLog, WritesByItselfWhenHalfFull) {
    reader pipe;
    access_log log(conf::log_format::text, pipe.writing_end());
    const std::size_t line_size = written(example()).size();
    const std::size_t fits = access_log::capacity / 2 / line_size;
    for (std::size_t i = 0; i < fits; ++i)
        log.add(example());
    EXPECT_EQ(pipe.all(), "");
    log.add(example());
    EXPECT_EQ(pipe.all().size(), (fits + 1) * line_size);
}

TEST(AccessLog, FollowsTheClockFromSecondToSecond) {
    reader pipe;
    access_log log(conf::log_format::text, pipe.writing_end());
    access_entry e = example();
    for (const auto step : {0ms, 992ms, 1ms, 86400000ms}) {
        e.time += step;
        log.add(e);
    }
    e.time = std::chrono::system_clock::time_point{} - 1ms;
    log.add(e);
    log.flush();
    const std::string text = pipe.all();
    for (const char* time :
         {"2026-11-22T00:13:30.007Z ",
          "2026-11-22T00:13:30.999Z ",
          "2026-11-22T00:13:31.000Z ",
          "2026-11-23T00:13:31.000Z ",
          "1969-12-31T23:59:59.999Z "})
        EXPECT_THAT(text, HasSubstr(time));
}

// Neither blocks nor tears a line: a pipe takes 64 KiB here, we offer 1 MiB.
TEST(AccessLog, LosesWholeLinesWhereNobodyReads) {
    reader pipe;
    access_log log(conf::log_format::text, pipe.writing_end());
    const std::string line = written(example());
    const std::size_t offered = (1 << 20) / line.size();
    for (std::size_t i = 0; i < offered; ++i)
        log.add(example());
    log.flush();
    const std::string text = pipe.all();
    ASSERT_EQ(text.size() % line.size(), 0u);
    EXPECT_GT(log.lost(), 0u);
    EXPECT_EQ(text.size() / line.size() + log.lost(), offered);
    EXPECT_EQ(::fcntl(pipe.writing_end(), F_GETFL) & O_NONBLOCK, 0) << "the flag of a shared descriptor was changed";
    log.add(example());
    log.flush();
    EXPECT_EQ(pipe.all(), line);
}

TEST(AccessLog, NeverBlocksOnASocket) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    {
        access_log log(conf::log_format::json, ends[1]);
        for (int i = 0; i < 20000; ++i)
            log.add(example());
        log.flush();
        EXPECT_GT(log.lost(), 0u);
        ::close(ends[0]);
        const auto before = log.lost();
        log.add(example());
        log.flush(); // without SIGPIPE
        EXPECT_EQ(log.lost(), before + 1);
    }
    ::close(ends[1]);
}

TEST(AccessLog, CountsLinesThatNobodyCanRead) {
    ::signal(SIGPIPE, SIG_IGN);
    reader pipe;
    access_log log(conf::log_format::text, pipe.writing_end());
    pipe.close_reading_end();
    log.add(example());
    log.add(example());
    log.flush();
    EXPECT_EQ(log.lost(), 2u);
}

TEST(AccessLog, AppendsToAFile) {
    const temporary_folder folder;
    const int file = ::open((folder / "access.log").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0);
    access_log one(conf::log_format::text, file);
    access_log two(conf::log_format::text, file);
    for (int i = 0; i < 1000; ++i) {
        one.add(example());
        two.add(example());
    }
    one.flush();
    two.flush();
    EXPECT_EQ(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), 2000 * written(example()).size());
    EXPECT_EQ(one.lost() + two.lost(), 0u);
    ::close(file);
}

} // namespace access_log_test
} // namespace countersign::proxy
