#include "chain/http.hpp"
#include "tests/support/imposter.hpp"
#include "tests/support/name_server.hpp"
#include "tests/support/run_task.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace http_test {

using namespace std::chrono_literals;
using tests::http_text;
using tests::manner;

struct Http : testing::Test {
    http_result ask(std::string path = "/x") {
        http_ask a;
        a.url = endpoint.url(path);
        a.connect_limit = 1s;
        a.read_limit = 100ms;
        return ask(a);
    }
    http_result ask(const http_ask& a) { return tests::run_task(on, ask_then_close(a)); }
    task<http_result> ask_then_close(const http_ask& a) {
        auto reply = co_await ask_http(a, "", names);
        endpoint.close();
        co_return reply;
    }

    boost::asio::io_context on{1};
    resolver names{on};
    tests::imposter endpoint{on};
};

TEST_F(Http, AsksAndReadsAnAnswer) {
    endpoint.script(manner::answer, http_text(200, "hello", "X-Ttl: 60\r\n"));
    http_ask a;
    a.method = "PUT";
    a.url = endpoint.url("/a?b=c");
    a.fields.push_back({"X-Token", secret("t")});
    const auto reply = ask(a);
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->status, 200u);
    EXPECT_EQ(reply->body.reveal(), "hello");
    EXPECT_EQ(reply->field("x-ttl"), "60");
    ASSERT_EQ(endpoint.heads().size(), 1u);
    EXPECT_EQ(endpoint.heads()[0].substr(0, 21), "PUT /a?b=c HTTP/1.1\r\n");
    EXPECT_NE(endpoint.heads()[0].find("Host: 127.0.0.1:"), std::string::npos);
    EXPECT_NE(endpoint.heads()[0].find("X-Token: t\r\n"), std::string::npos);
    EXPECT_NE(endpoint.heads()[0].find("Content-Length: 0\r\n"), std::string::npos);
}

TEST_F(Http, SendsABodyWithItsLength) {
    endpoint.script(manner::answer, http_text(200, "ok"));
    http_ask a;
    a.method = "POST";
    a.url = endpoint.url("/");
    a.fields.push_back({"Content-Type", secret("application/x-www-form-urlencoded")});
    a.body = secret("Action=AssumeRole&Token=" + std::string(30000, 'x'));
    const auto reply = ask(a);
    ASSERT_TRUE(reply) << reply.error().detail;
    ASSERT_EQ(endpoint.bodies().size(), 1u);
    EXPECT_NE(endpoint.heads()[0].find("Content-Length: 30024\r\n"), std::string::npos);
    EXPECT_EQ(endpoint.bodies()[0], a.body.reveal());
}

TEST_F(Http, NamesRootsThatCannotBeRead) {
    http_ask a;
    a.url = "https://127.0.0.1:1/";
    boost::asio::io_context alone{1};
    resolver nobody(alone);
    const auto reply = tests::run_task(alone, ask_http(a, "/no/such/file", nobody));
    ASSERT_FALSE(reply);
    EXPECT_NE(reply.error().detail.find("AWS_CA_BUNDLE"), std::string::npos) << reply.error().detail;
}

TEST(HttpName, IsNotAskedForOverTlsWhereNoCertificateCanHaveIt) {
    http_ask a;
    a.url = "https://" + std::string(300, 'a') + "/"; // longer than a server name may be
    boost::asio::io_context alone{1};
    resolver nobody(alone);
    const auto reply = tests::run_task(alone, ask_http(a, "", nobody));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().stage, http_stage::url);
}

TEST_F(Http, SendsNoLengthWhereThereIsNoBody) {
    endpoint.script(manner::answer, http_text(200, "ok"));
    ASSERT_TRUE(ask());
    EXPECT_EQ(endpoint.heads()[0].find("Content-Length"), std::string::npos);
}

TEST_F(Http, ReadsABodyThatEndsWithTheConnection) {
    endpoint.script(manner::answer, "HTTP/1.0 200 OK\r\n\r\nto the end");
    const auto reply = ask();
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->body.reveal(), "to the end");
}

TEST_F(Http, GivesUpOnAHangingEndpoint) {
    endpoint.script(manner::hang);
    const auto reply = ask();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().stage, http_stage::exchange);
    EXPECT_NE(reply.error().detail.find("in time"), std::string::npos) << reply.error().detail;
}

TEST_F(Http, GivesUpOnAnAnswerThatStopsHalfway) {
    endpoint.script(manner::hang_halfway, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    EXPECT_EQ(ask().error().stage, http_stage::exchange);
}

TEST_F(Http, NamesAResetAFaultOfTheExchange) {
    endpoint.script(manner::reset);
    EXPECT_EQ(ask().error().stage, http_stage::exchange);
}

TEST_F(Http, RefusesATruncatedBody) {
    endpoint.script(manner::answer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"AccessKeyId\"");
    EXPECT_EQ(ask().error().stage, http_stage::exchange);
}

TEST_F(Http, RefusesWhatIsNotHttp) {
    endpoint.script(manner::answer, "SSH-2.0-OpenSSH_9.2\r\n");
    EXPECT_EQ(ask().error().stage, http_stage::exchange);
}

TEST_F(Http, RefusesAnAnnouncedHundredMegabytes) {
    endpoint.script(manner::flood, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
    EXPECT_EQ(ask().error().stage, http_stage::too_large);
}

TEST_F(Http, RefusesAnEndlessBodyWithoutReadingIt) {
    endpoint.script(manner::flood, "HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(ask().error().stage, http_stage::too_large);
    EXPECT_LT(endpoint.flooded(), 32u << 20U); // what fits into the socket buffers of both ends
}

TEST_F(Http, RefusesAnEndlessHead) {
    endpoint.script(manner::flood, "HTTP/1.1 200 OK\r\nX: ");
    EXPECT_EQ(ask().error().stage, http_stage::too_large);
}

TEST_F(Http, FollowsNoRedirect) {
    endpoint.script(manner::answer, http_text(302, "", "Location: http://127.0.0.1:1/\r\n"));
    const auto reply = ask();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 302u);
    EXPECT_EQ(endpoint.heads().size(), 1u);
}

TEST_F(Http, TellsARefusedConnectionFromABrokenExchange) {
    http_ask a;
    a.url = endpoint.url("/");
    endpoint.close();
    EXPECT_EQ(ask(a).error().stage, http_stage::connect);
}

TEST_F(Http, DialsOnlyWhatItMay) {
    http_ask a;
    a.url = endpoint.url("/");
    a.may_dial = [](const boost::asio::ip::address&) { return false; };
    EXPECT_EQ(ask(a).error().stage, http_stage::forbidden);
    EXPECT_TRUE(endpoint.heads().empty());
}

TEST_F(Http, ChecksTheAddressesOfANameToo) {
    http_ask a;
    a.url = endpoint.url("/");
    a.url.replace(a.url.find("127.0.0.1"), 9, "localhost");
    a.may_dial = [](const boost::asio::ip::address& address) { return !address.is_loopback(); };
    EXPECT_EQ(ask(a).error().stage, http_stage::forbidden);
    EXPECT_TRUE(endpoint.heads().empty());
}

task<http_result> ask_then_stop(const http_ask& a, resolver& names) {
    auto reply = co_await ask_http(a, "", names);
    names.stop();
    co_return reply;
}

TEST(HttpName, IsSaidToBeLateWhateverAnEarlierLookUpSaid) {
    tests::name_server zone;
    boost::asio::io_context on{1};
    resolver there(on, nullptr, zone.service());
    http_ask a;
    a.url = "http://endpoint.example/";
    a.connect_limit = 5s;
    zone.script("endpoint.example", {.addresses = {}, .code = 5});
    const auto refused = tests::run_task(on, ask_http(a, "", there));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().stage, http_stage::connect);
    EXPECT_FALSE(refused.error().is_late);
    EXPECT_EQ(refused.error().detail.find("in time"), std::string::npos) << refused.error().detail;
    zone.script("endpoint.example", {.addresses = {}, .silent = true});
    a.connect_limit = 50ms;
    const auto late = tests::run_task(on, ask_then_stop(a, there));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().stage, http_stage::connect);
    EXPECT_EQ(late.error().detail, "name look-up: no answer in time");
    EXPECT_TRUE(late.error().is_late);
}

TEST_F(Http, SpeaksTlsToHttpsOnly) {
    endpoint.script(manner::answer, http_text(200, "plain"));
    http_ask a;
    a.url = endpoint.url("/");
    a.url.replace(0, 4, "https");
    a.connect_limit = 200ms;
    EXPECT_EQ(ask(a).error().stage, http_stage::exchange);
}

TEST(Url, IsTakenApart) {
    struct row {
        std::string_view text, host, port, target, host_field;
    };
    for (const row& r : {
             row{"http://169.254.170.2/v2/x?y=1", "169.254.170.2", "80", "/v2/x?y=1", "169.254.170.2"},
             row{"https://example.com:8443", "example.com", "8443", "/", "example.com:8443"},
             row{"http://[fd00:ec2::23]/v1", "fd00:ec2::23", "80", "/v1", "[fd00:ec2::23]"},
             row{"http://[::1]:81/", "::1", "81", "/", "[::1]:81"},
         }) {
        const auto url = read_url(r.text);
        ASSERT_TRUE(url) << r.text << " " << url.error().detail;
        EXPECT_EQ(url->host, r.host);
        EXPECT_EQ(url->port, r.port);
        EXPECT_EQ(url->target, r.target);
        EXPECT_EQ(url->host_field, r.host_field);
    }
}

TEST(Url, IsRefusedWhenItIsOdd) {
    for (const std::string_view text : {
             "",
             "/credentials",
             "http:///x",
             "http://",
             "ftp://host/",
             "http://user@127.0.0.1/",
             "http://user:pw@127.0.0.1/",
             "http://127.0.0.1/#x",
             "http://127.0.0.1:0/",
             "http://127.0.0.1:99999/",
             "http://127.0.0.1:123456/",
             "http://127.0.0.1 /",
             "http://127.0.0.1/\r\nX: y",
             "http://127.0.0.1/a b",
             "http://[fe80::1%25eth0]/",
             "//127.0.0.1/",
             "http:\\\\127.0.0.1/",
         })
        EXPECT_FALSE(read_url(text)) << text;
}

} // namespace http_test
} // namespace countersign::chain
