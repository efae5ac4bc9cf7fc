// The answer's way to the client: every byte, in constant memory, and never an end that is none.
#include "proxy/relay.hpp"
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace relay_test {

using namespace countersign::tests;
using namespace std::chrono_literals;
using testing::SizeIs;

peer ask(live_proxy& p, peer& client, std::string_view method = "GET", std::string_view fields = "") {
    client.send(request_text(fmt::format("{} /k", method), fields));
    peer up = p.upstream.accept();
    up.receive();
    return up;
}

TEST(Relay, PassesAnswersWithoutBodiesAndGoesOn) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client, "HEAD");
    const std::pair<const char*, std::string> answers[]{
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"},
        {"HEAD", "HTTP/1.1 404 Not Found\r\n\r\n"},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\nETag: x\r\n\r\n"},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    };
    bool first = true;
    for (const auto& [method, answer] : answers) {
        if (!std::exchange(first, false)) {
            client.send(request_text(fmt::format("{} /k", method)));
            up.receive();
        }
        up.send(answer);
        EXPECT_EQ(client.receive(has_body::never).head, answer);
    }
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Relay, KeepsChunksAndTrailersAsTheyAre) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client, "GET", "TE: trailers\r\nConnection: TE\r\n");
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n";
    const std::string body = "5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n";
    for (const char c : head + body)
        up.send({&c, 1});
    const message got = client.receive();
    EXPECT_EQ(got.head, head);
    EXPECT_EQ(got.body, body);
    client.send(request_text("GET /2"));
    EXPECT_EQ(up.receive().first_line(), "GET /2 HTTP/1.1");
}

TEST(Relay, DropsTrailersThatNobodyAskedFor) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client);
    up.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n");
    const message got = client.receive();
    EXPECT_EQ(got.head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(got.body, "5;x=y\r\nhello\r\n0\r\n\r\n");
    client.send(request_text("GET /2"));
    EXPECT_EQ(up.receive().first_line(), "GET /2 HTTP/1.1");
}

TEST(Relay, TellsWhereAnAnswerEndsThatOnlyItsConnectionEnds) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client);
    up.send("HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello");
    up.close();
    const message got = client.receive();
    EXPECT_EQ(got.head, "HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(got.body, "5\r\nhello\r\n0\r\n\r\n");
    ask(p, client); // on the same client connection, a new one upstream
}

TEST(Relay, NeverMakesATruncatedAnswerLookWhole) {
    live_proxy p;
    for (const char* answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0;x\r\nT: va",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n"}) {
        peer client = p.connect();
        peer up = ask(p, client, "GET", "TE: trailers\r\n");
        up.send(answer);
        up.close();
        const std::string got = client.receive_to_end();
        EXPECT_EQ(got, std::string_view(answer).substr(0, got.size()));
        EXPECT_EQ(got.find("\r\n0\r\n"), std::string::npos);
    }
}

TEST(Relay, ResetsAClientThatCouldNotSeeATruncationOtherwise) {
    live_proxy p;
    peer client = p.connect();
    client.send(fmt::format("GET /k HTTP/1.0\r\nHost: {}\r\n\r\n", s3_host));
    peer up = p.upstream.accept();
    up.receive();
    up.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf");
    up.close();
    client.receive_to_end();
    EXPECT_TRUE(client.was_reset());
}

TEST(Relay, HoldsLittleOfALargeAnswerForASlowClient) {
    live_proxy p;
    constexpr std::size_t size = 48 << 20;
    constexpr std::size_t bound = 20 << 20; // what the two sockets' buffers in the kernel may grow to, and ours
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        body[i] = static_cast<char>(i * 2654435761u >> 13);
    peer client = p.connect(64 * 1024);
    peer up = ask(p, client);
    up.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", size));
    const std::size_t stuck_at = up.send_until_stuck(body, 300ms);
    EXPECT_LT(stuck_at, bound);
    const std::size_t begun = client.receive(has_body::never).head.size();
    EXPECT_GT(begun, 0u);
    // From here the client reads.
    std::string got;
    std::size_t sent = stuck_at;
    while (got.size() != size) {
        sent += up.send_until_stuck(std::string_view(body).substr(sent, 1 << 20), 0ms);
        got += client.receive_bytes(std::min<std::size_t>(64 * 1024, size - got.size()));
    }
    EXPECT_TRUE(got == body);
    client.send(request_text("GET /2"));
    EXPECT_EQ(up.receive().first_line(), "GET /2 HTTP/1.1");
}

TEST(Relay, LeavesASilentServiceWhenItsClientLeaves) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client);
    up.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    client.receive(has_body::never);
    client.close();
    EXPECT_EQ(up.receive_to_end(), "");
}

TEST(Relay, LeavesTheServiceWhenItsClientLeaves) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client);
    up.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    client.receive(has_body::never);
    client.reset();
    const std::string piece(1 << 20, 'x');
    while (up.send_until_stuck(piece, 2s) == piece.size()) {
    }
    EXPECT_EQ(up.receive_to_end(), "");
}

} // namespace relay_test
} // namespace countersign::proxy
