#include "conf/error.hpp"
#include "conf/units.hpp"

#include <gtest/gtest.h>

namespace countersign::conf {
namespace units_test {

using namespace std::chrono_literals;

TEST(Duration, TakesItsUnits) {
    EXPECT_EQ(parse_duration("250ms", "x"), 250ms);
    EXPECT_EQ(parse_duration("5s", "x"), 5s);
    EXPECT_EQ(parse_duration("2m", "x"), 2min);
    EXPECT_EQ(parse_duration("1h", "x"), 1h);
    EXPECT_EQ(parse_duration("0s", "x"), 0s);
    EXPECT_EQ(parse_duration("24h", "x"), 24h);
}

TEST(Duration, RefusesEverythingElse) {
    for (const char* text : {"", "5", "s", "-5s", "5 s", " 5s", "5S", "1.5s", "25h", "99999999999999999999s", "5sec"}) {
        EXPECT_THROW(parse_duration(text, "x"), error) << text;
    }
}

TEST(Size, TakesItsUnits) {
    EXPECT_EQ(parse_size("512", "x"), 512u);
    EXPECT_EQ(parse_size("64KiB", "x"), 65536u);
    EXPECT_EQ(parse_size("1MiB", "x"), 1048576u);
    EXPECT_EQ(parse_size("5GiB", "x"), 5368709120u);
    EXPECT_EQ(parse_size("10MB", "x"), 10000000u);
}

TEST(Size, RefusesEverythingElse) {
    for (const char* text : {"", "KiB", "-1", "1kib", "1 MiB", "1.5MiB", "99999999999TiB", "0x10"}) {
        EXPECT_THROW(parse_size(text, "x"), error) << text;
    }
}

TEST(Endpoint, TakesNamesAndAddresses) {
    EXPECT_EQ(parse_endpoint("127.0.0.1:8080", "x"), (endpoint{"127.0.0.1", 8080}));
    EXPECT_EQ(parse_endpoint("LocalHost:0", "x"), (endpoint{"localhost", 0}));
    EXPECT_EQ(parse_endpoint("[::1]:443", "x"), (endpoint{"::1", 443}));
    EXPECT_EQ(parse_endpoint("[::FFFF:127.0.0.1]:65535", "x"), (endpoint{"::ffff:127.0.0.1", 65535}));
}

TEST(Endpoint, RefusesEverythingElse) {
    for (const char* text :
         {"",
          "8080",
          ":8080",
          "localhost",
          "localhost:",
          "localhost:65536",
          "localhost:80x",
          "localhost:-1",
          "::1:80",
          "[::1]",
          "[]:80",
          "[localhost]:80",
          "a b:80",
          "http://a:80",
          "a/b:80",
          "user@a:80",
          "*:80"}) {
        EXPECT_THROW(parse_endpoint(text, "x"), error) << text;
    }
}

TEST(Endpoint, SaysThatUnixSocketsComeLater) {
    try {
        parse_endpoint("unix:/run/countersign.sock", "listen.address");
        FAIL() << "accepted";
    } catch (const error& e) {
        EXPECT_STREQ(e.what(), "listen.address: unix: sockets are not available in this version; use \"HOST:PORT\"");
    }
}

} // namespace units_test
} // namespace countersign::conf
