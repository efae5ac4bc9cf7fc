#include "proxy/net/address.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace countersign::proxy {
namespace address_test {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::make_address;

struct edges {
    const char *before, *first, *last, *after; // "" where the neighbour is closed as well
};

TEST(Address, IsWrittenWithItsPort) {
    using boost::asio::ip::make_address;
    EXPECT_EQ(to_text({make_address("127.0.0.1"), 8080}), "127.0.0.1:8080");
    EXPECT_EQ(to_text({make_address("::1"), 0}), "[::1]:0");
}

TEST(Address, ClosesEachIpv4BlockExactly) {
    for (const edges& e : {
             edges{"", "0.0.0.0", "0.255.255.255", "1.0.0.0"},
             edges{"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
             edges{"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
             edges{"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
             edges{"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
             edges{"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
             edges{"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
             edges{"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
             edges{"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
             edges{"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
             edges{"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
             edges{"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
             edges{"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
             edges{"223.255.255.255", "224.0.0.0", "255.255.255.255", ""},
             edges{"168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"},
         }) {
        if (*e.before) {
            EXPECT_TRUE(is_public(make_address(e.before))) << e.before;
        }
        EXPECT_FALSE(is_public(make_address(e.first))) << e.first;
        EXPECT_FALSE(is_public(make_address(e.last))) << e.last;
        if (*e.after) {
            EXPECT_TRUE(is_public(make_address(e.after))) << e.after;
        }
    }
}

TEST(Address, ClosesTheDangerousOnes) {
    for (const char* text :
         {"169.254.169.254",
          "169.254.170.2",
          "169.254.170.23",
          "127.0.0.1",
          "255.255.255.255",
          "100.100.100.200",
          "::",
          "::1",
          "fe80::1",
          "fe80::1%1",
          "febf::1",
          "fec0::1",
          "fc00::1",
          "fd00:ec2::254",
          "fd00:ec2::23",
          "ff02::1",
          "2001:db8::1",
          "2001:2::1",
          "2001:10::1",
          "2001:20::1",
          "2001:1ff::1",
          "3fff::1",
          "3fff:fff:ffff::1",
          "100::1",
          "5f00::1",
          "4000::1",
          "1::1",
          "::ffff:127.0.0.1",
          "::ffff:169.254.169.254",
          "::ffff:10.0.0.1",
          "::127.0.0.1",
          "::169.254.169.254",
          "64:ff9b::169.254.169.254",
          "64:ff9b::10.1.2.3",
          "64:ff9b:1::127.0.0.1",
          "64:ff9b:1:a9fe:a9:fe00::",
          "64:ff9b:1:2::8.8.8.8",
          "64:ff9b:2::8.8.8.8",
          "2002:a9fe:a9fe::1",
          "2002:7f00:1::",
          "2002:c0a8:101::1",
          "2001:0:a9fe:a9fe::f7f7:f7f7",
          "2001:0:808:808::5601:5601"})
        EXPECT_FALSE(is_public(make_address(text))) << text;
}

TEST(Address, LeavesPublicOnesOpen) {
    for (const char* text :
         {"52.94.133.131",
          "8.8.8.8",
          "2600:1f18::1",
          "2a05:d000::1",
          "2406:da00:ff00::3645:6b6f",
          "2001:200::1",
          "2001:4860:4860::8888",
          "3ffe::1",
          "2003::1",
          "::ffff:8.8.8.8",
          "::8.8.8.8",
          "64:ff9b::8.8.8.8",
          "64:ff9b:1::8.8.8.8",
          "2002:808:808::1",
          "2001:0:808:808::f7f7:f7f7"})
        EXPECT_TRUE(is_public(make_address(text))) << text;
}

TEST(Address, JudgesEveryEmbeddingLikeTheIpv4Address) {
    for (unsigned high = 0; high < 0x10000; ++high) {
        const address_v4 v4(high << 16 | 0x0102);
        const bool expected = is_public(v4);
        for (const char* prefix : {"::ffff:", "64:ff9b::", "64:ff9b:1::", "::"})
            ASSERT_EQ(is_public(make_address(prefix + v4.to_string())), expected) << prefix << v4;
    }
}

TEST(Address, KnowsLoopback) {
    for (const char* text : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::ffff:127.1.2.3"})
        EXPECT_TRUE(is_loopback(make_address(text))) << text;
    for (const char* text :
         {"126.255.255.255", "128.0.0.0", "0.0.0.0", "::", "::127.0.0.1", "::ffff:10.0.0.1", "fe80::1"})
        EXPECT_FALSE(is_loopback(make_address(text))) << text;
}

TEST(Address, KnowsEverySpellingOfANumericHost) {
    for (const char* host :
         {"127.0.0.1",
          "2130706433",
          "0x7f000001",
          "0X7F000001",
          "017700000001",
          "127.1",
          "127.0.1",
          "0177.0.0.1",
          "0x7f.0.0.1",
          "0x7f.1",
          "0",
          "0x",
          "0x.0x.0x.0x",
          "127.0.0.1.",
          "1",
          "08.8.8.8",
          "256.256.256.256",
          "99999999999999999999",
          "1.2.3.4.5",
          "1..2",
          ".1",
          "[::1]",
          "[fe80::1%25eth0]",
          "[fe80::1%eth0]",
          "[::ffff:127.0.0.1]",
          "[v1.x]",
          "::1",
          "fe80::1%eth0",
          "[",
          "]"})
        EXPECT_TRUE(is_numeric_host(host)) << host;
}

TEST(Address, TakesNamesForNames) {
    for (const char* host :
         {"",
          ".",
          "localhost",
          "s3.amazonaws.com",
          "127.0.0.1.nip.io",
          "1.2.3.4.example",
          "0xg",
          "0x7g.1",
          "a1",
          "1a",
          "dead.beef",
          "e3.0x",
          "12-34",
          "1e3",
          "123.s3.amazonaws.com",
          "0o177.0.0.1"})
        EXPECT_FALSE(is_numeric_host(host)) << host;
}

} // namespace address_test
} // namespace countersign::proxy
