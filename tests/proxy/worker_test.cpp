// The life of a worker: it ends whatever its sessions are doing, drains without losing a request, and counts.
// Under AddressSanitizer every session that did not come to its end is a leak.
#include "proxy/worker.hpp"
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace worker_test {

using namespace countersign::tests;
using namespace std::chrono_literals;

peer ask(live_proxy& p, peer& client) {
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    up.receive();
    return up;
}

// Everything that was sent to the worker before has been looked at.
void settle(live_proxy& p) {
    for (int i = 0; i < 20; ++i)
        p.counters();
}

TEST(Worker, StopsWithSessionsInEveryPhase) {
    live_proxy p([](conf::config& c) {
        conf::route secure = c.routes.front();
        secure.host = "sqs.us-east-1.amazonaws.com";
        secure.scheme = conf::scheme::https;
        c.routes.insert(c.routes.begin(), secure);
    });
    peer fresh = p.connect();
    peer idle = p.connect();
    peer idle_up = ask(p, idle);
    idle_up.send(answer_text("200 OK"));
    idle.receive();
    peer in_head = p.connect();
    in_head.send("GET / HT");
    peer in_body = p.connect();
    in_body.send(request_text("PUT /k", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    in_body.receive();
    in_body.send("he");
    peer in_chunks = p.connect();
    in_chunks.send(request_text("PUT /k", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"));
    in_chunks.receive();
    in_chunks.send("5\r\nhe");
    peer lingering = p.connect();
    lingering.send("NONSENSE\r\n\r\n");
    lingering.receive();

    peer retrying = p.connect();
    retrying.send(request_text("GET /k")); // on the connection that was idle
    idle_up.receive();
    idle_up.send(answer_text("503 Later", "", "x-amz-retry-after: 5000\r\n"));
    settle(p);
    peer waiting = p.connect();
    waiting.send(request_text("GET /k"));
    idle_up.receive();
    peer in_handshake = p.connect();
    in_handshake.send("GET / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\n\r\n");
    peer hello = p.upstream.accept();
    hello.receive_bytes(1);
    peer in_answer = p.connect();
    peer half = ask(p, in_answer);
    half.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    in_answer.receive(has_body::never);
    peer stuck = p.connect(64 * 1024);
    peer flood = ask(p, stuck);
    flood.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    flood.send_until_stuck(std::string(64 << 20, 'x'), 200ms);

    EXPECT_GE(p.counters().client_connections, 10u); // the lingering one may be gone by now
    p.worker().stop();
    p.await_end();
    for (peer* client : {&fresh, &idle, &in_head, &in_body, &in_chunks, &retrying, &waiting, &in_handshake})
        EXPECT_EQ(client->receive_to_end(), "");
    EXPECT_EQ(in_answer.receive_to_end(), "half");
}

TEST(Worker, StopsWithSessionsThatWaitForCredentials) {
    live_proxy p({}, {});
    peer client = p.connect();
    client.send(request_text("GET /k"));
    settle(p);
    p.worker().stop();
    p.await_end();
    EXPECT_EQ(client.receive_to_end(), "");
}

TEST(Worker, StopsWhenAReloadHasLeftAConnectionBehind) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client);
    p.reload({}); // the destination that this request uses is forgotten; its connection goes back to it
    p.counters();
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
    p.counters();
    p.worker().stop();
    p.await_end();
    EXPECT_EQ(up.receive_to_end(), "");
}

TEST(Worker, StopsInTheMiddleOfBusyConversations) {
    for (int round = 0; round < 20; ++round) {
        live_proxy p;
        std::vector<peer> clients;
        for (int i = 0; i < 8; ++i) {
            clients.push_back(p.connect(16 * 1024));
            clients.back().send(request_text("GET /k"));
        }
        std::vector<peer> ups;
        for (int i = 0; i < 8; ++i) {
            ups.push_back(p.upstream.accept());
            ups.back().receive();
            ups.back().send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        }
        const std::string piece(256 << 10, 'x');
        for (peer& up : ups)
            up.send_until_stuck(piece, 0ms);
        p.worker().stop();
        p.await_end();
    }
}

TEST(Worker, DrainsWithoutLosingARequest) {
    live_proxy p;
    peer idle = p.connect();
    peer idle_up = ask(p, idle);
    idle_up.send(answer_text("200 OK"));
    idle.receive();
    peer busy = p.connect();
    busy.send(request_text("GET /1") + request_text("GET /2"));
    idle_up.receive();
    peer fresh = p.connect();
    p.counters();

    std::promise<void> drained;
    p.worker().drain([&drained] { drained.set_value(); });
    EXPECT_EQ(idle.receive_to_end(), "");
    EXPECT_THROW(p.connect(), boost::system::system_error);
    auto done = drained.get_future();
    EXPECT_EQ(done.wait_for(0s), std::future_status::timeout);

    fresh.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"); // it was connected in time
    const message refused = fresh.receive();
    EXPECT_EQ(refused.status(), 421u);
    EXPECT_EQ(refused.value("Connection"), "close");
    fresh.close();

    idle_up.send(answer_text("200 OK", "last"));
    const message got = busy.receive();
    EXPECT_EQ(got.body, "last");
    EXPECT_EQ(got.value("Connection"), "close");
    busy.finish();
    EXPECT_EQ(busy.receive_to_end(), ""); // the request behind it was not begun
    EXPECT_EQ(done.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(idle_up.receive_to_end(), "");
}

TEST(Worker, ServesThoseWhoWaitToBeAcceptedWhenItDrains) {
    live_proxy p;
    std::promise<void> blocked;
    std::promise<void> go_on;
    p.worker().collect([&](worker_metrics) { // the worker's thread stands still here, the kernel does not
        blocked.set_value();
        go_on.get_future().wait();
    });
    blocked.get_future().wait();
    std::vector<peer> clients;
    for (int i = 0; i < 50; ++i)
        clients.push_back(p.connect());
    std::promise<void> drained;
    p.worker().drain([&drained] { drained.set_value(); });
    go_on.set_value();
    p.counters();
    EXPECT_THROW(p.connect(), boost::system::system_error); // the listener is there for a moment, for others
    for (peer& client : clients) {
        client.send(request_text("GET /k", "Upgrade: websocket\r\n"));
        const message got = client.receive();
        EXPECT_EQ(got.status(), 501u);
        EXPECT_EQ(got.value("Connection"), "close");
        client.close();
    }
    EXPECT_EQ(drained.get_future().wait_for(patience), std::future_status::ready);
}

TEST(Worker, LetsSilentClientsGoWhenItDrains) {
    live_proxy p([](conf::config& c) { c.listen.header_timeout = 300ms; });
    peer silent = p.connect();
    p.counters();
    std::promise<void> drained;
    p.worker().drain([&drained] { drained.set_value(); });
    EXPECT_EQ(silent.receive_to_end(), "");
    EXPECT_EQ(drained.get_future().wait_for(patience), std::future_status::ready);
}

TEST(Worker, LetsClientsWaitWhenThereAreTooMany) {
    live_proxy p([](conf::config& c) { c.listen.max_connections = 1; });
    peer first = p.connect();
    peer up = ask(p, first);
    peer second = p.connect(); // by the system; the worker does not look at it yet
    second.send(request_text("GET /2"));
    settle(p);
    EXPECT_EQ(p.counters().client_connections, 1u);
    up.send(answer_text("200 OK"));
    first.receive();
    first.close();
    EXPECT_EQ(up.receive().first_line(), "GET /2 HTTP/1.1");
}

TEST(Worker, UsesAChangedConfigurationForTheNextRequest) {
    live_proxy p;
    peer client = p.connect();
    peer up = ask(p, client);
    up.send(answer_text("200 OK"));
    client.receive();
    service other;
    p.reload([&](conf::config& c) { c.routes.front().connect->port = other.port(); });
    EXPECT_EQ(up.receive_to_end(), "");
    client.send(request_text("GET /2"));
    EXPECT_EQ(other.accept().receive().first_line(), "GET /2 HTTP/1.1");
}

TEST(Worker, CountsWhatItDid) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 4\r\n", "body"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("200 OK", "hello"));
    client.receive();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client.receive();
    const worker_metrics m = p.counters();
    EXPECT_EQ(m.request_bytes, 4u);
    EXPECT_EQ(m.response_bytes, 5u);
    EXPECT_EQ(m.refusals_total, 1u);
    EXPECT_EQ(m.client_connections, 1u);
    EXPECT_EQ(m.client_connections_total, 1u);
    EXPECT_EQ(m.upstream_connections, 1u);
    EXPECT_EQ(m.request_seconds.count, 2u);
    EXPECT_EQ(m.upstream_seconds.count, 1u);
}

} // namespace worker_test
} // namespace countersign::proxy
