#include "chain/name_service.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace name_service_test {

using namespace std::chrono_literals;

TEST(NameService, HasLimitsOfItsOwnWhereResolvConfSaysNothing) {
    for (const char* const text :
         {"", "nameserver 127.0.0.1\nsearch a b\n", "#options timeout:9", "options\n", "timeout:9"}) {
        const name_service s = read_name_service(text, "");
        EXPECT_EQ(s.timeout, 2000ms) << text;
        EXPECT_EQ(s.tries, 3) << text;
        EXPECT_FALSE(s.only_tcp);
    }
}

TEST(NameService, ReadsTheOptionsOfResolvConf) {
    const name_service s =
        read_name_service("nameserver 127.0.0.1\n options\ttimeout:1 ndots:2 attempts:1\noptions use-vc # why\n", "");
    EXPECT_EQ(s.timeout, 1000ms);
    EXPECT_EQ(s.tries, 1);
    EXPECT_TRUE(s.only_tcp);
}

TEST(NameService, LetsTheEnvironmentHaveTheLastWord) {
    const name_service s = read_name_service("options timeout:1 attempts:1\n", "attempts:4");
    EXPECT_EQ(s.timeout, 1000ms);
    EXPECT_EQ(s.tries, 4);
}

TEST(NameService, KeepsTheBoundsOfGlibc) {
    const name_service most = read_name_service("options timeout:99 attempts:99999999999999\n", "");
    EXPECT_EQ(most.timeout, 30s);
    EXPECT_EQ(most.tries, 5);
    const name_service least = read_name_service("options timeout:0 attempts:-1\n", "");
    EXPECT_EQ(least.timeout, 1s);
    EXPECT_EQ(least.tries, 1);
    EXPECT_EQ(read_name_service("options timeout: attempts:x\n", "").tries, 3);
}

} // namespace name_service_test
} // namespace countersign::chain
