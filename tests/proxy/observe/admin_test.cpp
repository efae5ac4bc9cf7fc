#include "proxy/observe/admin.hpp"
#include "proxy/observe/admin_answer.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace countersign::proxy {
namespace admin_test {

namespace asio = boost::asio;
using asio::ip::make_address;
using asio::ip::tcp;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// An admin listener on a thread of its own, and blocking clients in the test's.
class running_admin {
public:
    explicit running_admin(admin_limits limits = {})
        : admin_(context_, {make_address("127.0.0.1"), 0}, sources(), limits) {
        admin_.start();
        at_ = admin_.local();
        thread_ = std::jthread([this] { context_.run(); });
    }
    ~running_admin() {
        stop();
        thread_.join(); // ends by itself: nothing may be left that keeps the context busy
    }

    void stop() {
        asio::post(context_, [this] { admin_.stop(); });
    }

    tcp::socket connected(asio::io_context& client) const {
        tcp::socket socket(client);
        socket.connect(at_);
        return socket;
    }

    // What comes back for these bytes until the other side closes.
    std::string exchange(std::string_view sent) const {
        asio::io_context client;
        tcp::socket socket = connected(client);
        asio::write(socket, asio::buffer(sent));
        return rest_of(socket);
    }

    static std::string rest_of(tcp::socket& socket) {
        std::string text;
        boost::system::error_code error;
        asio::read(socket, asio::dynamic_buffer(text), error);
        return error == asio::error::eof ? text : text + " [" + error.message() + "]";
    }

    std::string get(std::string_view path, std::string_view more = "") const {
        return exchange(
            "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost:8081\r\n" + std::string(more) + "\r\n"
        );
    }

    // REQUIRES: set before the first request.
    readiness state;
    enum class collecting { at_once, later, never } collect = collecting::at_once;

private:
    admin_sources sources() {
        return {
            [this] { return state; },
            [this](std::function<void(std::vector<worker_metrics>)> done) {
                worker_metrics one;
                one.refusals_total = 21;
                const std::vector<worker_metrics> two{one, one};
                if (collect == collecting::at_once)
                    done(two);
                if (collect == collecting::later)
                    asio::post(context_, [done, two] { done(two); });
            },
            [] {
                return std::vector<credential_gauge>{{"default", "imds", 90.4}};
            },
        };
    }

    asio::io_context context_{1};
    admin admin_;
    tcp::endpoint at_;
    std::jthread thread_;
};

std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST(Admin, IsAlive) {
    const running_admin a;
    const std::string answer = a.get("/healthz");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(body_of(answer), "ok\n");
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_EQ(a.get("/healthz?verbose"), answer);
}

TEST(Admin, SaysWhetherItIsReadyAndWhyNot) {
    for (const auto& [state, name] :
         {std::pair{readiness_state::draining, "draining"},
          {readiness_state::no_credentials, "no-credentials"},
          {readiness_state::expired_credentials, "expired-credentials"}}) {
        running_admin a;
        a.state = {state, "IMDS: \"timed out\"\n"};
        const std::string answer = a.get("/readyz");
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"));
        const auto body = boost::json::parse(body_of(answer)).as_object();
        EXPECT_EQ(body.at("ready").as_bool(), false);
        EXPECT_EQ(body.at("state").as_string(), name);
        EXPECT_EQ(body.at("last_error").as_string(), "IMDS: \"timed out\"\\x0a");
    }
    const running_admin a;
    const std::string answer = a.get("/readyz");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(body_of(answer), "{\"ready\":true,\"state\":\"ready\"}\n");
}

TEST(Admin, RendersTheMetricsOfAllWorkers) {
    for (const auto how : {running_admin::collecting::at_once, running_admin::collecting::later}) {
        running_admin a;
        a.collect = how;
        const std::string answer = a.get("/metrics");
        EXPECT_THAT(
            answer, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n")
        );
        EXPECT_THAT(answer, HasSubstr("\ncountersign_refusals_total 42\n"));
        EXPECT_THAT(answer, HasSubstr("{identity=\"default\",provider=\"imds\"} 90.4"));
    }
}

TEST(Admin, DoesNotWaitForAStuckWorker) {
    running_admin a({.deadline = 1s});
    a.collect = running_admin::collecting::never;
    EXPECT_THAT(a.get("/metrics"), StartsWith("HTTP/1.1 503 "));
}

TEST(Admin, ShowsItsStatus) {
    const running_admin a;
    EXPECT_THAT(
        body_of(a.get("/")),
        AllOf(
            StartsWith("countersign "),
            HasSubstr("\nstate: ready\n"),
            HasSubstr("\ncredentials default: from imds, for 90 s more\n")
        )
    );
    EXPECT_THAT(a.get("/other"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
}

TEST(Admin, AnswersHeadWithTheHeadOnly) {
    const running_admin a;
    const std::string get = a.get("/healthz");
    EXPECT_EQ(a.exchange("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), get.substr(0, get.size() - 3));
    const std::string refused = a.exchange("HEAD /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    EXPECT_THAT(refused, AllOf(StartsWith("HTTP/1.1 403 "), EndsWith("\r\n\r\n")));
}

TEST(Admin, RefusesOtherMethods) {
    const running_admin a;
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PURGE"})
        EXPECT_THAT(
            a.exchange(std::string(method) + " /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            StartsWith("HTTP/1.1 405 ")
        );
    EXPECT_THAT(a.exchange("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
}

TEST(Admin, RefusesForeignHosts) {
    const running_admin a;
    for (const char* host :
         {"evil.example",
          "evil.example:8081",
          "localhost.evil.example",
          "127.0.0.1.nip.io",
          "169.254.169.254",
          "10.0.0.1:8081",
          "[::2]",
          "[::1",
          "[::1]x",
          "localhost:80:80",
          "localhost:x",
          "user@localhost",
          "0x7f000001",
          "127.1",
          ""})
        EXPECT_THAT(
            a.exchange("GET /metrics HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), StartsWith("HTTP/1.1 403 ")
        ) << host;
    EXPECT_THAT(a.exchange("GET /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(
        a.exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 403 ")
    );
}

TEST(Admin, KnowsItsOwnHosts) {
    const auto local = make_address("10.1.2.3");
    for (const char* host :
         {"localhost",
          "LOCALHOST:8081",
          "127.0.0.1",
          "127.0.0.1:8081",
          "127.9.9.9",
          "[::1]",
          "[::1]:8081",
          "[::ffff:127.0.0.1]",
          "10.1.2.3",
          "10.1.2.3:8081",
          "localhost:"})
        EXPECT_TRUE(is_admin_host(host, local)) << host;
    EXPECT_FALSE(is_admin_host("10.1.2.4", local));
    EXPECT_FALSE(is_admin_host("0.0.0.0", local));
}

TEST(Admin, RefusesWebPages) {
    const running_admin a;
    for (const char* header :
         {"Origin: http://evil.example\r\n",
          "Origin: null\r\n",
          "Origin: http://localhost:8081\r\n",
          "Sec-Fetch-Site: cross-site\r\n",
          "Sec-Fetch-Site: same-site\r\n",
          "sec-fetch-site: x\r\n"})
        EXPECT_THAT(a.get("/metrics", header), AllOf(StartsWith("HTTP/1.1 403 "), Not(HasSubstr("Access-Control"))))
            << header;
    EXPECT_THAT(a.get("/metrics", "Sec-Fetch-Site: none\r\n"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(a.get("/metrics", "Sec-Fetch-Site: same-origin\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(Admin, IsNoProxy) {
    const running_admin a;
    EXPECT_THAT(a.get("http://s3.amazonaws.com/"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(a.get("http://localhost/healthz"), StartsWith("HTTP/1.1 400 "));
}

TEST(Admin, BoundsTheHead) {
    const running_admin a;
    EXPECT_THAT(a.get("/healthz", "x: " + std::string(4000, 'y') + "\r\n"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(a.get("/healthz", "x: " + std::string(20000, 'y') + "\r\n"), StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(a.exchange("GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(a.exchange("\x16\x03\x01\x02"), StartsWith("HTTP/1.1 400 "));
}

TEST(Admin, AnswersARequestWithABodyItDoesNotRead) {
    const running_admin a;
    EXPECT_THAT(
        a.get("/healthz", "Content-Length: 5\r\n\r\nhello"),
        AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nok\n"))
    );
}

TEST(Admin, ClosesSlowConnections) {
    const running_admin a({.deadline = 50ms});
    asio::io_context client;
    tcp::socket silent = a.connected(client);
    tcp::socket slow = a.connected(client);
    asio::write(slow, asio::buffer(std::string_view("GET /healthz HTTP/1.1\r\nHo")));
    EXPECT_EQ(running_admin::rest_of(silent), "");
    EXPECT_EQ(running_admin::rest_of(slow), "");
}

TEST(Admin, BoundsItsConnections) {
    const running_admin a({.connections = 2});
    asio::io_context client;
    tcp::socket one = a.connected(client);
    tcp::socket two = a.connected(client);
    tcp::socket three = a.connected(client);
    EXPECT_EQ(running_admin::rest_of(three), "");
    const std::string_view request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    asio::write(one, asio::buffer(request));
    EXPECT_THAT(running_admin::rest_of(one), EndsWith("ok\n"));
    asio::write(two, asio::buffer(request));
    EXPECT_THAT(running_admin::rest_of(two), EndsWith("ok\n"));
}

TEST(Admin, StopsWithConnectionsOpen) {
    running_admin a;
    asio::io_context client;
    tcp::socket idle = a.connected(client);
    tcp::socket half = a.connected(client);
    asio::write(half, asio::buffer(std::string_view("GET /")));
    EXPECT_THAT(a.get("/healthz"), StartsWith("HTTP/1.1 200 ")); // by now both are accepted
    a.stop();
    EXPECT_EQ(running_admin::rest_of(idle), "");
    EXPECT_THAT(running_admin::rest_of(half), Not(HasSubstr("200")));
}

TEST(Admin, SurvivesTheEndOfItsContext) {
    auto context = std::make_unique<asio::io_context>(1);
    admin a_first(*context, {make_address("127.0.0.1"), 0}, {});
    a_first.start();
    asio::io_context client;
    tcp::socket socket(client);
    socket.connect(a_first.local());
    while (context->poll_one() != 0) {
    }
    a_first.stop(); // the context goes with coroutines suspended in it
}

TEST(Admin, ThrowsWhereItCannotBind) {
    asio::io_context context;
    admin first(context, {make_address("127.0.0.1"), 0}, {});
    first.start();
    admin second(context, first.local(), {});
    EXPECT_THROW(second.start(), boost::system::system_error);
}

} // namespace admin_test
} // namespace countersign::proxy
