// A connection to a service is used again only when it is proven silent, whatever lies behind an answer, in which
// segment, over plain HTTP and over TLS.
#include "proxy/upstream.hpp"
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

namespace countersign::proxy {
namespace {

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
    explicit conversation(int version) : version_(version), proxy_(over_tls), client_(proxy_.connect()) {}

    // The request is on its way; whom the service got it from.
    peer ask(const char* method = "GET") {
        client_.send(request_text(fmt::format("{} /k", method)));
        return next();
    }
    peer next() {
        peer up = proxy_.upstream.accept();
        up.shake_hands(version_);
        up.receive();
        return up;
    }
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

TEST_P(Silence, WhatLiesBehindAnAnswerInItsSegmentIsNobodysAnswer) {
    for (const answered& a : answers) {
        for (const leftover& l : harmful) {
            const std::string about = fmt::format("{}, then {}", a.name, l.name);
            conversation c(GetParam());
            peer up = c.ask(a.method);
            up.send_raw(up.tls().seal(a.text).append(l.bytes(up.tls())));
            if (!a.repeated) {
                EXPECT_EQ(c.receive(a.method).head, a.text.substr(0, a.text.find("\r\n\r\n") + 4)) << about;
                up.receive_to_end();
            }
            peer other = a.repeated ? c.next() : c.ask();
            c.expect_well(other, about.c_str());
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

} // namespace
} // namespace countersign::proxy
