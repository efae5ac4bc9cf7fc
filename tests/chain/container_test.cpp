#include "chain/provider.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace container_test {

using namespace std::chrono_literals;

constexpr const char* full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr const char* relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

struct Container : testing::Test {
    Container() { answer_with(tests::credential_json("AKID", outside.time + 1h)); }

    void answer_with(std::string body, unsigned status = 200) {
        outside.respond = [body, status](const http_ask&) -> http_result { return tests::reply(status, body); };
    }
    answer ask() { return tests::run_task(on, container_source()->fetch(outside)); }
    std::string header(std::string_view name) const {
        for (const auto& f : outside.asked.back().fields)
            if (f.name == name)
                return std::string(f.value.reveal());
        return "(none)";
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
};

TEST_F(Container, IsNotMineWithoutAVariable) {
    outside.variables[full] = " ";
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask()));
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Container, AsksTheRelativeAddressFirst) {
    outside.variables = {{relative, "/creds?x=1"}, {full, "http://localhost:1/"}};
    EXPECT_TRUE(std::holds_alternative<credentials>(ask()));
    EXPECT_EQ(outside.asked.at(0).url, "http://169.254.170.2/creds?x=1");
    EXPECT_EQ(outside.asked.at(0).method, "GET");
    EXPECT_EQ(header("Accept"), "application/json");
    EXPECT_EQ(header("Authorization"), "(none)");
}

TEST_F(Container, DialsOnlyTheAllowedAddressesOverHttp) {
    struct row {
        std::string_view url;
        bool allowed;
    };
    for (const row& r : {
             row{"http://127.0.0.1/x", true},
             row{"http://127.9.9.9:8080/x", true},
             row{"http://[::1]/x", true},
             row{"http://169.254.170.2/x", true},
             row{"http://169.254.170.23/x", true},
             row{"http://[fd00:ec2::23]/x", true},
             row{"https://anything.example/x", true},
             row{"http://169.254.169.254/x", false},
             row{"http://[fd00:ec2::254]/x", false},
             row{"http://192.168.0.1/x", false},
             row{"http://8.8.8.8/x", false},
             row{"http://[::ffff:169.254.169.254]/x", false},
             row{"http://0.0.0.0/x", false},
         }) {
        outside.variables[full] = r.url;
        EXPECT_EQ(std::holds_alternative<credentials>(ask()), r.allowed) << r.url;
    }
}

TEST_F(Container, WantsEveryAddressOfANameAllowed) {
    outside.variables[full] = "http://agent/x";
    outside.names["agent"] = {"127.0.0.1", "::1"};
    EXPECT_TRUE(std::holds_alternative<credentials>(ask()));
    outside.names["agent"] = {"127.0.0.1", "169.254.169.254"};
    EXPECT_TRUE(std::holds_alternative<failure>(ask()));
}

TEST_F(Container, IsBrokenByAnAddressThatCannotBe) {
    for (const auto* url : {"/credentials", "http:///x", "file:///etc/passwd", "http://u:p@127.0.0.1/", "127.0.0.1"}) {
        outside.variables = {{full, url}};
        EXPECT_TRUE(std::holds_alternative<failure>(ask())) << url;
    }
    for (const auto* path : {"credentials", "@evil.example/", ".evil.example/", "/a b", "/a\r\nX: y"}) {
        outside.variables = {{relative, path}};
        EXPECT_TRUE(std::holds_alternative<failure>(ask())) << path;
    }
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Container, SendsTheTokenOfTheFileBeforeTheVariable) {
    outside.variables = {
        {full, "http://127.0.0.1/"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer v"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"}};
    outside.files["/t"] = "f";
    ask();
    EXPECT_EQ(header("Authorization"), "f");
    outside.variables.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    ask();
    EXPECT_EQ(header("Authorization"), "Bearer v");
}

TEST_F(Container, ReadsTheTokenFileAnewForEachAttempt) {
    outside.variables = {{full, "http://127.0.0.1/"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"}};
    outside.files["/t"] = "one";
    outside.respond = [&](const http_ask&) -> http_result {
        outside.files["/t"] = "two";
        return tests::reply(503, "");
    };
    ask();
    EXPECT_EQ(header("Authorization"), "two");
}

TEST_F(Container, RefusesATokenThatIsNotOneCleanLine) {
    for (const auto* token : {"t\n", "t\r\nX: y", " t", "t ", "t\x01", "\xc3\xa4", ""}) {
        outside.variables = {{full, "http://127.0.0.1/"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"}};
        outside.files["/t"] = token;
        EXPECT_TRUE(std::holds_alternative<failure>(ask())) << token;
    }
    outside.files.clear();
    EXPECT_TRUE(std::holds_alternative<failure>(ask())) << "no file";
    outside.variables = {{full, "http://127.0.0.1/"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "t\r"}};
    EXPECT_TRUE(std::holds_alternative<failure>(ask()));
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Container, SaysThatTheTokenFileIsInUtf16) {
    outside.variables = {{full, "http://127.0.0.1/"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"}};
    outside.files["/t"] = std::string(
        "\xff\xfe"
        "t\0",
        4
    );
    const auto a = ask();
    ASSERT_TRUE(std::holds_alternative<failure>(a));
    EXPECT_NE(std::get<failure>(a).detail.find("the file is UTF-16 (little-endian)"), std::string::npos);
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Container, AsksThreeTimesWhereThatMayHelp) {
    outside.variables[full] = "http://127.0.0.1/";
    struct row {
        http_result reply;
        std::size_t asked;
    };
    for (const row& r : {
             row{tests::reply(500, ""), 3},
             row{tests::reply(503, "{}"), 3},
             row{tests::reply(200, "<html>"), 3},
             row{http_fault{http_stage::connect, "x"}, 3},
             row{http_fault{http_stage::exchange, "x"}, 3},
             row{http_fault{http_stage::too_large, "x"}, 1},
             row{http_fault{http_stage::forbidden, "x"}, 1},
             row{tests::reply(400, "{}"), 1},
             row{tests::reply(404, ""), 1},
             row{tests::reply(403, "{}"), 1},
             row{tests::reply(408, ""), 3},
             row{tests::reply(429, ""), 3},
             row{tests::reply(429, R"({"code":"TooManyRequests","message":"slow down"})"), 3},
             row{tests::reply(400, R"({"code":"ThrottlingException","message":"x"})"), 3},
             row{tests::reply(509, ""), 3},
             row{tests::reply(302, ""), 1},
             row{tests::reply(204, ""), 1},
             row{tests::reply(200, "{}"), 1},
         }) {
        outside.asked.clear();
        outside.respond = [&](const http_ask&) { return r.reply; };
        EXPECT_TRUE(std::holds_alternative<failure>(ask()));
        EXPECT_EQ(outside.asked.size(), r.asked) << (r.reply ? r.reply->status : 0);
    }
}

TEST_F(Container, RecoversOnTheThirdAttempt) {
    outside.variables[full] = "http://127.0.0.1/";
    outside.respond = [&](const http_ask&) -> http_result {
        return outside.asked.size() < 3 ? tests::reply(500, "")
                                        : tests::reply(200, tests::credential_json("AKID", outside.time + 1h));
    };
    EXPECT_TRUE(std::holds_alternative<credentials>(ask()));
    EXPECT_GT(outside.paused, 0ms);
}

TEST_F(Container, WaitsAsLongAsItIsToldTo) {
    outside.variables[full] = "http://127.0.0.1/";
    outside.respond = [&](const http_ask&) -> http_result {
        return outside.asked.size() < 2 ? tests::reply(429, "", {{"Retry-After", secret("3")}})
                                        : tests::reply(200, tests::credential_json("AKID", outside.time + 1h));
    };
    EXPECT_TRUE(std::holds_alternative<credentials>(ask()));
    EXPECT_EQ(outside.paused, 3s);
}

TEST_F(Container, WaitsLessThanALoadHasTimeHoweverLongItIsToldTo) {
    outside.variables[full] = "http://127.0.0.1/";
    outside.chance = 0.999;
    outside.respond = [](const http_ask&) { return tests::reply(503, "", {{"Retry-After", secret("3600")}}); };
    EXPECT_TRUE(std::holds_alternative<failure>(ask()));
    EXPECT_EQ(outside.asked.size(), 3u);
    EXPECT_LT(outside.paused, 15s);
}

TEST_F(Container, RefusesExpiredCredentials) {
    outside.variables[full] = "http://127.0.0.1/";
    answer_with(tests::credential_json("AKID", outside.time));
    EXPECT_TRUE(std::holds_alternative<failure>(ask()));
}

TEST_F(Container, TellsTheEndpointsErrorAndNoSecret) {
    outside.variables = {{full, "http://127.0.0.1/id-in-url"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "T0k3n"}};
    answer_with(R"({"code":"InvalidId","message":"unknown id"})", 404);
    const auto a = ask();
    const auto& detail = std::get<failure>(a).detail;
    EXPECT_NE(detail.find("404: the endpoint answered InvalidId: unknown id"), std::string::npos) << detail;
    EXPECT_EQ(detail.find("T0k3n"), std::string::npos);
    EXPECT_EQ(detail.find("id-in-url"), std::string::npos);
}

} // namespace container_test
} // namespace countersign::chain
