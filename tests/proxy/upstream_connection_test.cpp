// A connection to a service is used again only when it is proven silent, whatever lies behind an answer, in which
// segment, over plain HTTP and over TLS.
#include "proxy/upstream_pool.hpp"
#include "tests/proxy/support/live_proxy.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

namespace countersign::proxy {
namespace upstream_connection_test {

using namespace countersign::tests;

const std::string poison = answer_text("200 OK", "poison", "X-Poison: 1\r\n");

struct answered {
    const char* name;
    const char* method;
    std::string text;
    bool repeated = false; // it is an error that costs another attempt
};

const answered answers[] = {
    {"length", "GET", answer_text("200 OK", "whole")},
    {"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
    {"HEAD", "HEAD", answer_text("200 OK", "")},
    {"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"304", "GET", "HTTP/1.1 304 Not Modified\r\n\r\n"},
    {"error", "GET", answer_text("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>")},
    {"chunked error", "GET", "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"},
    {"repeated error", "GET", answer_text("503 Slow", "<Error><Code>SlowDown</Code></Error>"), true},
};

// What stands behind an answer, and is no answer.
struct leftover {
    const char* name;
    std::function<std::string(tls_end&)> bytes;
};

const leftover harmful[] = {
    {"a record", [](tls_end& t) { return t.seal(poison); }},
    {"two records",
     [](tls_end& t) { return t.seal("HTTP/1.1 200 OK\r\n").append(t.seal("Content-Length: 0\r\n\r\n")); }},
    {"a long record", [](tls_end& t) { return t.seal(poison + std::string(16000, 'x')); }},
    {"a byte", [](tls_end& t) { return t.seal("H"); }},
    {"half a record", [](tls_end& t) { return t.seal(poison).substr(0, 40); }},
    {"a record's header", [](tls_end& t) { return t.seal(poison).substr(0, 5); }},
    {"a piece of a record's header", [](tls_end& t) { return t.seal(poison).substr(0, 3); }},
    {"an end", [](tls_end& t) { return t.close_notify(); }},
    {"an alert", [](tls_end& t) { return t.alert(); }},
};

class Silence : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Versions, Silence, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

class conversation {
public:
    // version 0: plain HTTP
    explicit conversation(int version)
        : version_(version), proxy_(version == 0 ? live_proxy::change() : over_tls), client_(proxy_.connect()) {}

    // The request is on its way; whom the service got it from.
    peer ask(const char* method = "GET") {
        send(method);
        return next();
    }
    peer next() {
        peer up = proxy_.upstream.accept();
        if (version_ != 0)
            up.shake_hands(version_);
        up.receive();
        return up;
    }
    void send(const char* method) { client_.send(request_text(fmt::format("{} /k", method))); }
    message receive(const char* method = "GET") {
        return client_.receive(method == std::string_view("HEAD") ? has_body::never : has_body::as_told);
    }
    void expect_well(peer& up, const char* about) {
        up.send(answer_text("200 OK", "well"));
        EXPECT_EQ(receive().body, "well") << about;
    }
    live_proxy& proxy() { return proxy_; }

private:
    int version_;
    live_proxy proxy_;
    peer client_;
};

// The answer, and what is to come with it, on a connection that is then not used again.
void expect_forsaken(const answered& a, int version, const std::function<void(peer&)>& send, const std::string& about) {
    conversation c(version);
    peer up = c.ask(a.method);
    send(up);
    if (!a.repeated) {
        EXPECT_EQ(c.receive(a.method).head, a.text.substr(0, a.text.find("\r\n\r\n") + 4)) << about;
        up.receive_to_end();
    }
    peer other = a.repeated ? c.next() : c.ask();
    c.expect_well(other, about.c_str());
}

TEST_P(Silence, WhatLiesBehindAnAnswerInItsSegmentIsNobodysAnswer) {
    for (const answered& a : answers) {
        for (const leftover& l : harmful) {
            const auto send = [&](peer& up) { up.send_raw(up.tls().seal(a.text).append(l.bytes(up.tls()))); };
            expect_forsaken(a, GetParam(), send, fmt::format("{}, then {}", a.name, l.name));
        }
    }
}

TEST_P(Silence, WhatComesWhileAConnectionIdlesRetiresIt) {
    for (const leftover& l : harmful) {
        conversation c(GetParam());
        peer up = c.ask();
        c.expect_well(up, l.name);
        up.send_raw(l.bytes(up.tls()));
        up.receive_to_end();
        peer other = c.ask();
        c.expect_well(other, l.name);
    }
}

TEST_P(Silence, ARecordInSeveralPiecesRetiresAConnectionAtTheFirst) {
    for (std::size_t cut = 1; cut <= 8; ++cut) {
        conversation c(GetParam());
        peer up = c.ask();
        const std::string answer = up.tls().seal(answer_text("200 OK", "well"));
        const std::string rest = up.tls().seal(poison);
        up.send_raw(answer + rest.substr(0, cut));
        EXPECT_EQ(c.receive().body, "well");
        up.receive_to_end();
        peer other = c.ask();
        c.expect_well(other, "pieces");
    }
}

// TLS's own records are no answer: without this, no connection to a server that gives tickets would be used twice.
TEST(Silence13, TicketsAndNewKeysAreNoSurplus) {
    const leftover harmless[] = {
        {"a ticket", [](tls_end& t) { return t.ticket(); }},
        {"three tickets", [](tls_end& t) { return t.ticket().append(t.ticket()).append(t.ticket()); }},
        {"new keys", [](tls_end& t) { return t.key_update(false); }},
        {"new keys for both", [](tls_end& t) { return t.key_update(true); }},
        {"both", [](tls_end& t) { return t.key_update(true).append(t.ticket()); }},
    };
    conversation c(TLS1_3_VERSION);
    peer up = c.ask();
    c.expect_well(up, "first");
    for (const leftover& l : harmless) {
        peer client = c.proxy().connect();
        client.send(request_text("GET /k"));
        up.receive();
        up.send_raw(up.tls().seal(answer_text("200 OK", "in one segment")).append(l.bytes(up.tls())));
        EXPECT_EQ(client.receive().body, "in one segment") << l.name;
        c.proxy().counters();
        up.send_raw(l.bytes(up.tls()));
        c.proxy().counters();
    }
    EXPECT_EQ(c.proxy().counters().upstream_connections_total, 1u);
    EXPECT_FALSE(c.proxy().upstream.was_called());
}

const std::string surplus_of_plain[] = {poison, "H", "\r\n", "HTTP/1.1 200 OK\r\n"};

TEST(SilenceInPlain, WhatLiesBehindAnAnswerInItsSegmentIsNobodysAnswer) {
    for (const answered& a : answers) {
        for (const std::string& more : surplus_of_plain)
            expect_forsaken(
                a, 0, [&](peer& up) { up.send(a.text + more); }, fmt::format("{}, then {}", a.name, more)
            );
    }
}

TEST(SilenceInPlain, WhatComesWhileAConnectionIdlesRetiresIt) {
    for (const answered& a : answers) {
        if (a.repeated) // it is busy again at once
            continue;
        for (const std::string& more : surplus_of_plain) {
            conversation c(0);
            peer up = c.ask(a.method);
            up.send(a.text);
            c.receive(a.method);
            up.send(more);
            up.receive_to_end();
            peer other = c.ask();
            c.expect_well(other, a.name);
        }
    }
}

TEST(SilenceInPlain, AnEndWhileAConnectionIdlesRetiresIt) {
    conversation c(0);
    peer up = c.ask();
    c.expect_well(up, "first");
    up.finish();
    EXPECT_EQ(up.receive_to_end(), "");
    peer other = c.ask();
    c.expect_well(other, "second");
}

// Who answers before the request is there may mean another one, or go on reading at the wrong place. The client has the
// answer at once, and no more of the body is sent than the system holds.
TEST(Reuse, NeverOfAConnectionThatSpokeBeforeItHadTheWholeRequest) {
    constexpr std::size_t size = 32 << 20; // more than the system holds for us
    live_proxy p([](conf::config& c) { c.payload.memory_limit = size; });
    peer client = p.connect();
    client.send(request_text("PUT /k", fmt::format("Content-Length: {}\r\n", size), std::string(size, 'x')));
    peer up = p.upstream.accept();
    up.receive(has_body::never);
    up.send(answer_text("200 OK", "early"));
    EXPECT_EQ(client.receive().body, "early");
    EXPECT_LT(up.receive_to_end().size(), size);
}

// RFC 9110 15.2: an interim answer ends nothing.
TEST(Reuse, GoesOnSendingAfterAnInterimAnswer) {
    constexpr std::size_t size = 32 << 20;
    live_proxy p([](conf::config& c) { c.payload.memory_limit = size; });
    peer client = p.connect();
    client.send(request_text("PUT /k", fmt::format("Content-Length: {}\r\n", size), std::string(size, 'x')));
    peer up = p.upstream.accept();
    up.receive(has_body::never);
    up.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Proc");
    up.receive_bytes(1 << 20);
    up.send("essing\r\n\r\n");
    up.receive_bytes(size - (1 << 20));
    up.send(answer_text("200 OK", "whole"));
    EXPECT_EQ(client.receive().body, "whole");
}

// It crossed the request, which it is no answer to (RFC 9110 15.5.9).
TEST(Reuse, TakesAClosing408OnAKeptConnectionForNoAnswer) {
    for (const char* method : {"GET", "POST"}) {
        conversation c(0);
        peer up = c.ask(method);
        c.expect_well(up, method);
        c.send(method);
        up.receive();
        up.send(answer_text("408 Request Timeout", "", "Connection: close\r\n"));
        peer other = c.next();
        c.expect_well(other, method);
    }
}

// Connections without requests: what is between two rounds of events can be told from what is in one.
class place {
public:
    upstream_lease open(std::optional<peer>& far) {
        upstream_lease c = worker_->pool.make(slot_, std::chrono::minutes{1});
        std::optional<io_error> opened;
        open_one(*c, to_, worker_->now(), opened);
        EXPECT_TRUE(worker_.until([&] { return opened.has_value(); }));
        EXPECT_EQ(opened, io_error::none);
        far.emplace(service_.accept());
        worker_.settle();
        return c;
    }
    upstream_lease take() { return worker_->pool.take_idle(slot_); }
    // In a round of the poller's.
    void in_a_round(const std::function<void()>& happens) {
        line l(worker_, service_);
        peer far = service_.accept();
        worker_.settle();
        l.then = happens;
        far.send("x");
        EXPECT_TRUE(worker_.until([&] { return l.unasked != 0; }));
    }
    static std::optional<io_error> write(upstream_connection& c) {
        gather request{asio::buffer("GET / HTTP/1.1\r\n\r\n", 18)};
        c.begin_request();
        return c.try_write(request);
    }
    still_worker& worker() { return worker_; }

private:
    static detached open_one(
        upstream_connection& c, const std::vector<tcp::endpoint>& to, steady_time now, std::optional<io_error>& out
    ) {
        std::size_t which = 0;
        int error = 0;
        const io_error e = co_await c.connect(to, now + patience, which, error);
        out = e;
    }

    still_worker worker_;
    service service_;
    const std::vector<tcp::endpoint> to_{{asio::ip::address_v4::loopback(), service_.port()}};
    pool_slot slot_{worker_->pool};
};

TEST(Reuse, AsksOnceWhereNoRoundHasLookedYet) {
    place p;
    std::optional<peer> far;
    upstream_lease c = p.open(far);
    const upstream_connection* const same = c.get();
    c.keep();
    c = p.take();
    EXPECT_EQ(c.get(), same); // asked, and silent
    c.keep();
    far->send(poison); // and no round has told it
    EXPECT_FALSE(p.take());
}

TEST(Reuse, PrefersAConnectionThatHasBeenLookedAtSinceItWasKept) {
    place p;
    std::optional<peer> far_one, far_other;
    upstream_lease one = p.open(far_one);
    upstream_lease other = p.open(far_other);
    const upstream_connection* const first = one.get();
    const upstream_connection* const second = other.get();
    one.keep();
    p.in_a_round([&] {
        other.keep(); // used last, but only the next round tells of it
        one = p.take();
        EXPECT_EQ(one.get(), first);
        other = p.take();
        EXPECT_EQ(other.get(), second);
        EXPECT_FALSE(p.take());
    });
}

TEST(Reuse, ReadsNothingAsAnAnswerToARequestOfWhichNoByteWent) {
    place p;
    std::optional<peer> far;
    upstream_lease fresh = p.open(far);
    far->send(poison);
    far->reset();
    EXPECT_EQ(p.write(*fresh), io_error::reset); // the service may have said why

    upstream_lease kept = p.open(far);
    kept.keep();
    kept = p.take();
    ASSERT_TRUE(kept);
    far->send(poison);
    far->reset();
    EXPECT_EQ(p.write(*kept), io_error::closed);
}

TEST(Lease, ClosesWhatIsNotKept) {
    place p;
    std::optional<peer> far;
    { const upstream_lease c = p.open(far); }
    EXPECT_EQ(far->receive_to_end(), "");
    EXPECT_FALSE(p.take());
    EXPECT_EQ(p.worker()->metrics.upstream_connections, 0u);
}

TEST(Lease, MayOutliveItsPlaceAndIsThenClosed) {
    still_worker w;
    auto gone = std::make_unique<pool_slot>(w->pool);
    upstream_lease c = w->pool.make(*gone, std::chrono::minutes{1});
    gone.reset();
    const pool_slot heir{w->pool}; // in the same slot
    c.keep();
    EXPECT_FALSE(w->pool.take_idle(heir));
    EXPECT_EQ(w->metrics.upstream_connections, 0u);
}

} // namespace upstream_connection_test
} // namespace countersign::proxy
