#include "proxy/own_proxy.hpp"
#include "tests/support/fake_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace own_proxy_test {

using testing::ElementsAre;
using testing::IsEmpty;

boost::asio::ip::tcp::endpoint at(const char* address, unsigned short port = 8080) {
    return {boost::asio::ip::make_address(address), port};
}

TEST(OwnProxy, IsKnownInEverySpelling) {
    for (const char* value :
         {"http://127.0.0.1:8080",
          "127.0.0.1:8080",
          "HTTP://127.0.0.1:8080/",
          "http://user:p%40ss@127.0.0.1:8080/x?y#z",
          "http://localhost:8080",
          "proxy.localhost:8080",
          " socks5h://LOCALHOST:8080 ",
          "http://0.0.0.0:8080"})
        EXPECT_TRUE(names_listener(value, at("127.0.0.1"))) << value;
    EXPECT_TRUE(names_listener("http://[::1]:8080", at("::1")));
    EXPECT_TRUE(names_listener("http://127.0.0.1:8080", at("0.0.0.0")));
    EXPECT_TRUE(names_listener("http://10.1.2.3:8080", at("10.1.2.3")));
    EXPECT_TRUE(names_listener("http://127.0.0.1", at("127.0.0.1", 80)));
    EXPECT_TRUE(names_listener("https://127.0.0.1", at("127.0.0.1", 443)));
}

TEST(OwnProxy, IsNotTakenForAnother) {
    for (const char* value :
         {"",
          "http://",
          "http://127.0.0.1:8081",
          "http://127.0.0.1",
          "http://127.0.0.2:8080",
          "http://proxy.corp:8080",
          "http://notlocalhost:8080",
          "http://[::1]:8080",
          "http://[::1",
          "http://127.0.0.1:8080x",
          "http://127.0.0.1:",
          "@",
          ":8080",
          "["})
        EXPECT_FALSE(names_listener(value, at("127.0.0.1"))) << value;
    EXPECT_FALSE(names_listener("http://10.1.2.3:8080", at("0.0.0.0")));
}

TEST(OwnProxy, NamesTheVariablesAndNotTheirValues) {
    boost::asio::io_context context;
    tests::fake_world machine(context);
    machine.variables["HTTPS_PROXY"] = "http://u:secret@127.0.0.1:8080";
    machine.variables["http_proxy"] = "http://[::1]:9090";
    machine.variables["ALL_PROXY"] = "http://proxy.corp:3128";
    const std::vector listeners{at("127.0.0.1"), at("::1", 9090)};
    EXPECT_THAT(variables_that_name_us(machine, listeners), ElementsAre("http_proxy", "HTTPS_PROXY"));
    EXPECT_THAT(variables_that_name_us(machine, {}), IsEmpty());
}

} // namespace own_proxy_test
} // namespace countersign::proxy
