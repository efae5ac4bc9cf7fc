// The proxy and the service behind it: which connections carry a request, which answers count, what is tried
// again.
#include "proxy/attempt.hpp"
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace attempt_test {

using namespace countersign::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;

void without_retries(conf::config& c) {
    c.retry.mode = conf::retry_mode::off;
}

// One request over `client`, answered 200 by `up`.
void converse(peer& client, peer& up, std::string_view path) {
    client.send(request_text(fmt::format("GET {}", path)));
    EXPECT_EQ(up.receive().first_line(), fmt::format("GET {} HTTP/1.1", path));
    up.send(answer_text("200 OK", path));
    EXPECT_EQ(client.receive().body, path);
}

// The same on the first connection that comes.
peer converse_anew(live_proxy& p, peer& client, std::string_view path) {
    client.send(request_text(fmt::format("GET {}", path)));
    peer up = p.upstream.accept();
    EXPECT_EQ(up.receive().first_line(), fmt::format("GET {} HTTP/1.1", path));
    up.send(answer_text("200 OK", path));
    EXPECT_EQ(client.receive().body, path);
    return up;
}

TEST(Forward, UsesAConnectionAgainForAnotherClient) {
    live_proxy p;
    peer first = p.connect();
    peer up = converse_anew(p, first, "/1");
    peer second = p.connect();
    converse(second, up, "/2");
    converse(first, up, "/3");
    EXPECT_FALSE(p.upstream.was_called());
    EXPECT_EQ(p.counters().upstream_connections_total, 1u);
}

TEST(Forward, ReplacesAConnectionThatTheServiceHasClosed) {
    live_proxy p(without_retries);
    peer client = p.connect();
    for (const char* path : {"/1", "/2", "/3"})
        converse_anew(p, client, path).close();
    peer up = converse_anew(p, client, "/4");
    client.send(request_text("GET /5"));
    up.receive();
    up.reset(); // dead before a byte of an answer, on a connection that was kept: no attempt was made yet
    peer next = p.upstream.accept();
    EXPECT_EQ(next.receive().first_line(), "GET /5 HTTP/1.1");
    next.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

TEST(Forward, RetiresAConnectionWithSurplusBytes) {
    live_proxy p;
    peer client = p.connect();
    const std::pair<const char*, std::string> answers[]{
        {"GET", answer_text("200 OK", "whole") + "HTTP/1.1 200 Poison\r\nContent-Length: 0\r\n\r\n"},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX"},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\nbody"},
        {"HEAD", answer_text("200 OK", "body")},
        {"GET", answer_text("404 Not Found", "error") + "X"},
    };
    for (const auto& [method, answer] : answers) {
        client.send(request_text(fmt::format("{} /k", method)));
        peer up = p.upstream.accept();
        up.receive();
        up.send(answer);
        const message got = client.receive(method == std::string_view("HEAD") ? has_body::never : has_body::as_told);
        EXPECT_EQ(got.head + got.body, answer.substr(0, got.head.size() + got.body.size()));
        EXPECT_EQ(up.receive_to_end(), "") << answer;
    }
}

TEST(Forward, RetiresAConnectionThatSpeaksUnasked) {
    live_proxy p;
    peer client = p.connect();
    peer up = converse_anew(p, client, "/1");
    up.send("HTTP/1.1 200 Poison\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(up.receive_to_end(), "");
    converse_anew(p, client, "/2");
}

TEST(Forward, RetriesAndSignsEachAttempt) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 4\r\n", "body"));
    peer up = p.upstream.accept();
    for (int attempt = 1; attempt <= 3; ++attempt) {
        const message sent = up.receive();
        EXPECT_EQ(sent.body, "body");
        EXPECT_THAT(sent.values("Authorization"), SizeIs(1));
        EXPECT_THAT(sent.values("X-Amz-Date"), SizeIs(1));
        up.send(answer_text(attempt < 3 ? "503 Slow" : "200 OK", attempt < 3 ? "<Error/>" : "done"));
    }
    EXPECT_EQ(client.receive().body, "done");
    const scope_counters counted = p.counters().scopes.at({"s3", "us-east-1"});
    EXPECT_EQ(counted.first_attempts, 1u);
    EXPECT_EQ(counted.retries[static_cast<std::size_t>(retry_reason::transient)], 2u);
    EXPECT_EQ(counted.requests_by_code[200], 1u);
}

TEST(Forward, PassesTheLastFailureOn) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    const std::string last = answer_text("503 Last", "<Error><Code>Other</Code></Error>", "X-Number: 3\r\n");
    for (int attempt = 1; attempt <= 3; ++attempt) {
        up.receive();
        up.send(attempt < 3 ? answer_text("500 Not Last") : last);
    }
    const message got = client.receive();
    EXPECT_EQ(got.head + got.body, last);
}

TEST(Forward, RetriesWhatBrokeOffBeforeAnAnswer) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 4\r\n", "body"));
    for (const char* begun : {"", "HTTP/1.1 20"}) {
        peer up = p.upstream.accept();
        up.receive();
        up.send(begun);
        up.close();
    }
    peer up = p.upstream.accept();
    EXPECT_EQ(up.receive().body, "body");
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

TEST(Forward, RetriesNoOtherAnswerAndKeepsTheConnection) {
    live_proxy p;
    peer client = p.connect();
    peer up = converse_anew(p, client, "/1");
    for (const char* status : {"301 Moved", "400 Bad", "403 No", "404 None", "409 Conflict", "412 No", "501 No"}) {
        client.send(request_text("GET /k"));
        up.receive();
        up.send(answer_text(status, "<Error><Code>Whatever</Code></Error>", "Location: http://169.254.169.254/\r\n"));
        EXPECT_EQ(client.receive().first_line(), fmt::format("HTTP/1.1 {}", status));
    }
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Forward, SwallowsInterimAnswersUpToALimit) {
    live_proxy p(without_retries);
    peer client = p.connect();
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    up.receive();
    for (int i = 0; i < 8; ++i)
        up.send(interim);
    up.send(answer_text("200 OK", "final"));
    EXPECT_EQ(client.receive().body, "final");

    client.send(request_text("GET /k"));
    up.receive();
    for (int i = 0; i < 9; ++i)
        up.send(interim);
    EXPECT_EQ(client.receive().status(), 502u);
}

TEST(Forward, PassesNoMalformedHeadOn) {
    live_proxy p(without_retries);
    peer client = p.connect();
    const std::string bad[]{
        "GARBAGE\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        std::string("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", 27),
        "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n",
    };
    for (const std::string& answer : bad) {
        client.send(request_text("GET /k"));
        peer up = p.upstream.accept();
        up.receive();
        up.send(answer);
        const message refused = client.receive();
        EXPECT_EQ(refused.status(), 502u) << answer.substr(0, 80);
        EXPECT_EQ(refused.value("x-countersign-error"), "upstream-malformed") << answer.substr(0, 80);
        up.receive_to_end();
    }
}

TEST(Forward, SaysWhyThereIsNoAnswer) {
    live_proxy p([](conf::config& c) {
        without_retries(c);
        c.upstream.response_timeout = c.upstream.tls_timeout = 200ms;
        conf::route secure = c.routes.front();
        secure.host = "sqs.us-east-1.amazonaws.com";
        secure.scheme = conf::scheme::https;
        c.routes.insert(c.routes.begin(), secure);
    });
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    EXPECT_EQ(client.receive().value("x-countersign-error"), "upstream-timeout");
    up.receive();
    EXPECT_EQ(up.receive_to_end(), "");

    client.send("GET / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\n\r\n");
    peer hello = p.upstream.accept();
    EXPECT_EQ(client.receive().status(), 504u);
    EXPECT_EQ(hello.receive_bytes(1), "\x16"); // a ClientHello and not one byte of the request
    EXPECT_EQ(hello.receive_to_end().find("GET"), std::string::npos);

    client.send("GET / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\n\r\n");
    peer plain = p.upstream.accept();
    plain.send("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(client.receive().value("x-countersign-error"), "upstream-tls");

    p.upstream.close();
    client.send(request_text("GET /k"));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 502u);
    EXPECT_EQ(refused.value("x-countersign-error"), "upstream-unreachable");
}

TEST(Forward, NeverDialsAPrivateAddressForADerivedHost) {
    live_proxy p([](conf::config& c) {
        c.routes.front().connect.reset();
        c.routes.front().host = "localhost";
        c.routes.front().service = "s3";
        c.routes.front().region = "us-east-1";
    });
    peer client = p.connect();
    client.send(fmt::format("GET /k HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", p.upstream.port()));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 403u);
    EXPECT_EQ(refused.value("x-countersign-error"), "address-refused");
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Forward, LeavesWithItsClient) {
    live_proxy p;
    peer waiting = p.connect();
    waiting.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    up.receive();
    waiting.close();
    EXPECT_EQ(up.receive_to_end(), "");

    peer retrying = p.connect();
    retrying.send(request_text("GET /k"));
    peer next = p.upstream.accept();
    next.receive();
    next.send(answer_text("503 Later", "", "x-amz-retry-after: 4000\r\n"));
    retrying.close();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (p.counters().client_connections != 0 && std::chrono::steady_clock::now() < deadline) {
    }
    EXPECT_EQ(p.counters().client_connections, 0u);
    peer third = p.connect();
    converse(third, next, "/3"); // the next request there: no second attempt was made
}

} // namespace attempt_test
} // namespace countersign::proxy
