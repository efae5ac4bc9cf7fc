// A client's connection on the real worker: what it may send, in which order it is answered, and when it
// ends.
#include "proxy/client_connection.hpp"
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace countersign::proxy {
namespace client_connection_test {

using namespace countersign::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(Session, SignsARequestAndPassesTheAnswerOn) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text(
        "GET /k?a=b", "Authorization: AWS4-HMAC-SHA256 old\r\nX-Kept: 1\r\nConnection: X-Gone\r\nX-Gone: 1\r\n"
    ));
    peer up = p.upstream.accept();
    const message sent = up.receive();
    EXPECT_EQ(sent.first_line(), "GET /k?a=b HTTP/1.1");
    EXPECT_EQ(sent.value("Host"), s3_host);
    EXPECT_EQ(sent.value("Via"), "1.1 countersign-test");
    EXPECT_EQ(sent.value("X-Kept"), "1");
    EXPECT_THAT(sent.value("Authorization"), HasSubstr("Credential=AKIDEXAMPLE/"));
    EXPECT_THAT(sent.value("Authorization"), HasSubstr("/us-east-1/s3/aws4_request"));
    EXPECT_THAT(sent.values("X-Amz-Date"), SizeIs(1));
    for (const char* gone : {"X-Gone", "Connection", "Content-Length"})
        EXPECT_THAT(sent.values(gone), SizeIs(0)) << gone;

    const std::string answer = answer_text("200 Fine", "hello", "eTAG: \"x\"\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n");
    up.send(answer);
    const message got = client.receive();
    EXPECT_EQ(got.head + got.body, answer);
}

TEST(Session, AnswersPipelinedRequestsInTheirOrder) {
    live_proxy p;
    peer client = p.connect();
    client.send(
        request_text("GET /1") + request_text("PUT /2", "Content-Length: 4\r\n", "body") +
        request_text("POST /3", "Transfer-Encoding: chunked\r\n", "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n") + "\r\n" +
        request_text("GET /4")
    );
    peer up = p.upstream.accept();
    for (const auto& [line, body] : {std::pair{"GET /1", ""}, {"PUT /2", "body"}, {"POST /3", "abc"}, {"GET /4", ""}}) {
        const message sent = up.receive();
        EXPECT_THAT(sent.first_line(), StartsWith(line));
        EXPECT_EQ(sent.body, body);
        EXPECT_THAT(sent.values("Transfer-Encoding"), SizeIs(0));
        up.send(answer_text("200 OK", line));
        EXPECT_EQ(client.receive().body, line);
    }
}

TEST(Session, ReadsARequestThatComesByteByByte) {
    live_proxy p;
    peer client = p.connect();
    for (const char c : request_text("PUT /k", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nT: v\r\n\r\n"))
        client.send({&c, 1});
    peer up = p.upstream.accept();
    EXPECT_EQ(up.receive().body, "abc");
}

TEST(Session, ReadsAHeadThatIsLargerThanItsFirstBuffer) {
    live_proxy p;
    peer client = p.connect();
    const std::string long_value(8000, 'v');
    std::string fields;
    for (int i = 0; i < 6; ++i)
        fields += fmt::format("X-{}: {}\r\n", i, long_value);
    client.send(request_text("GET /0") + request_text("GET /1", fields));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("200 OK"));
    EXPECT_EQ(up.receive().value("X-5"), long_value);
    up.send(answer_text("200 OK"));
    client.receive();
    client.receive();

    client.send(request_text("GET /2", fields + fields));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 431u);
    EXPECT_EQ(refused.value("Connection"), "close");
}

TEST(Session, TellsAClientThatWaitsToGoOn) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    EXPECT_EQ(client.receive().first_line(), "HTTP/1.1 100 Continue");
    client.send("hello");
    peer up = p.upstream.accept();
    const message sent = up.receive();
    EXPECT_EQ(sent.body, "hello");
    EXPECT_THAT(sent.values("Expect"), SizeIs(0));
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);

    client.send(request_text("PUT /k", "Content-Length: 5\r\nExpect: 100-continue\r\n", "hello")); // waits for nothing
    up.receive();
    up.send(answer_text("201 Created"));
    EXPECT_EQ(client.receive().status(), 201u);
}

TEST(Session, TellsAClientThatHasNothingToGoOn) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 0\r\nExpect: 100-continue\r\n"));
    EXPECT_EQ(client.receive().first_line(), "HTTP/1.1 100 Continue");
    peer up = p.upstream.accept();
    EXPECT_THAT(up.receive().values("Expect"), SizeIs(0));
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

TEST(Session, RefusesWebSocketsInTheWordsOfTheService) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text(
        "GET /k", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"
    ));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 501u);
    EXPECT_EQ(refused.value("x-countersign-error"), "upgrade-not-available");
    EXPECT_EQ(refused.value("Connection"), "close");
    EXPECT_THAT(refused.body, HasSubstr("<Error>"));
    EXPECT_FALSE(p.upstream.was_called());
    peer java = p.connect();
    java.send(
        request_text("GET /k", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")
    );
    peer up = p.upstream.accept();
    EXPECT_THAT(up.receive().values("Upgrade"), SizeIs(0));
    up.send(answer_text("200 OK"));
    EXPECT_EQ(java.receive().first_line(), "HTTP/1.1 200 OK");
}

TEST(Session, NeverInvitesABodyThatItWouldRefuse) {
    live_proxy p([](conf::config& c) {
        c.routes.front().payload = conf::payload_mode::signed_body; // not streamed
        c.payload.memory_limit = c.payload.spill_limit = 4;
    });
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    EXPECT_EQ(client.receive().status(), 413u);
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Session, RefusesBodiesThatAreTooLarge) {
    live_proxy p([](conf::config& c) {
        c.routes.front().payload = conf::payload_mode::signed_body;
        c.payload.memory_limit = c.payload.spill_limit = 1000;
    });
    for (const std::string& request :
         {request_text("PUT /k", "Content-Length: 1001\r\n"),
          request_text("PUT /k", "Transfer-Encoding: chunked\r\n", "3e9\r\n" + std::string(1001, 'x'))}) {
        peer client = p.connect();
        client.send(request);
        const message refused = client.receive();
        EXPECT_EQ(refused.status(), 413u);
        EXPECT_EQ(refused.value("Connection"), "close");
        EXPECT_EQ(refused.value("x-countersign-error"), "body-too-large");
        client.finish();
        EXPECT_EQ(client.receive_to_end(), "");
    }
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Session, KeepsBodiesOutOfMemoryThatAreTooMuchTogether) {
    live_proxy p([](conf::config& c) {
        c.routes.front().payload = conf::payload_mode::signed_body;
        c.payload.memory_total = 100'000;
    });
    peer first = p.connect();
    first.send(request_text("PUT /1", "Content-Length: 60000\r\n", std::string(60'000, 'x')));
    peer up = p.upstream.accept();
    EXPECT_EQ(up.receive().body.size(), 60'000u); // and held, for a retry
    peer second = p.connect();
    second.send(request_text("PUT /2", "Content-Length: 50000\r\n", std::string(50'000, 'x')));
    peer other = p.upstream.accept();
    EXPECT_EQ(other.receive().body, std::string(50'000, 'x')); // from a file
    other.send(answer_text("200 OK"));
    EXPECT_EQ(second.receive().status(), 200u);
    other.close();

    up.send(answer_text("200 OK"));
    first.receive();
    first.send(request_text("PUT /3", "Content-Length: 90000\r\n", std::string(90'000, 'y')));
    EXPECT_EQ(up.receive().body.size(), 90'000u); // what both had taken was given back
}

TEST(Session, EndsAfterFramingThatCannotBeTrusted) {
    live_proxy p;
    for (const char* fields :
         {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
          "Content-Length: 1\r\nContent-Length: 1\r\n",
          "Transfer-Encoding: gzip, chunked\r\n",
          "No colon\r\n"}) {
        peer client = p.connect();
        client.send(request_text("PUT /1", fields, "x") + request_text("GET /2"));
        const message refused = client.receive();
        EXPECT_EQ(refused.status(), 400u) << fields;
        EXPECT_EQ(refused.value("Connection"), "close");
        client.finish();
        EXPECT_EQ(client.receive_to_end(), "") << fields;
    }
    peer client = p.connect();
    client.send(request_text("PUT /1", "Transfer-Encoding: chunked\r\n", "zz\r\n") + request_text("GET /2"));
    EXPECT_EQ(client.receive().status(), 400u);
    client.finish();
    EXPECT_EQ(client.receive_to_end(), "");
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Session, GoesOnAfterARefusalThatLeavesNoDoubt) {
    live_proxy p;
    peer client = p.connect();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n" + request_text("GET /2"));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 421u);
    EXPECT_THAT(refused.values("Connection"), SizeIs(0));
    EXPECT_EQ(p.upstream.accept().receive().first_line(), "GET /2 HTTP/1.1");
}

TEST(Session, DoesWhatHttp10Wants) {
    live_proxy p;
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n";
    peer client = p.connect();
    client.send(fmt::format("GET /1 HTTP/1.0\r\nHost: {}\r\nConnection: keep-alive\r\n\r\n", s3_host));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("200 OK", "one"));
    const message first = client.receive();
    EXPECT_EQ(first.body, "one");
    EXPECT_EQ(first.value("Connection"), "keep-alive");
    client.send(fmt::format("GET /2 HTTP/1.0\r\nHost: {}\r\nConnection: keep-alive\r\n\r\n", s3_host));
    up.receive();
    up.send(chunked);
    const message second = client.receive();
    EXPECT_EQ(second.value("Connection"), "close");
    EXPECT_THAT(second.values("Transfer-Encoding"), SizeIs(0));
    EXPECT_EQ(client.receive_to_end(), "abc");
}

TEST(Session, AnswersSlowRequestsAndClosesIdleConnections) {
    live_proxy p([](conf::config& c) {
        c.listen.header_timeout = c.listen.body_timeout = c.listen.idle_timeout = 150ms;
    });
    peer silent = p.connect();
    EXPECT_EQ(silent.receive_to_end(), "");
    for (const std::string& begun :
         {std::string("GET / HTT"),
          request_text("PUT /k", "Content-Length: 5\r\n", "hell"),
          request_text("PUT /k", "Transfer-Encoding: chunked\r\n", "5\r\nhell")}) {
        peer client = p.connect();
        client.send(begun);
        const message refused = client.receive();
        EXPECT_EQ(refused.status(), 408u) << begun;
        EXPECT_EQ(refused.value("Connection"), "close");
    }
    EXPECT_FALSE(p.upstream.was_called());
    peer idle = p.connect();
    idle.send(request_text("GET /"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("200 OK"));
    idle.receive();
    EXPECT_EQ(idle.receive_to_end(), "");
}

TEST(Session, IsIdleBehindABodyThatCameAfterItsHead) {
    live_proxy p([](conf::config& c) {
        c.listen.header_timeout = 60s;
        c.listen.idle_timeout = 150ms;
    });
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    client.receive();
    client.send("hello");
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
    EXPECT_EQ(client.receive_to_end(), ""); // after idle_timeout: no request has begun
}

TEST(Session, ServesAConnectionThatGaveItsBufferBack) {
    live_proxy p([](conf::config& c) { c.listen.header_timeout = 1300ms; });
    peer client = p.connect();
    peer up = [&] {
        client.send(request_text("GET /1"));
        return p.upstream.accept();
    }();
    up.receive();
    up.send(answer_text("200 OK"));
    client.receive();
    p.connect().receive_to_end(); // it ended for its silence: the first one is idle for longer than a second now
    client.send(request_text("GET /2"));
    EXPECT_EQ(up.receive().first_line(), "GET /2 HTTP/1.1");
    up.send(answer_text("200 OK", "two"));
    EXPECT_EQ(client.receive().body, "two");
}

TEST(Session, NeverSendsAnAbortedUpload) {
    live_proxy p;
    for (const char* fields : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
        peer aborted = p.connect();
        aborted.send(request_text("PUT /aborted", fields, "4\r\n"));
        aborted.reset();
        peer half = p.connect();
        half.send(request_text("PUT /half", fields, "4\r\n"));
        half.finish();
        EXPECT_EQ(half.receive_to_end(), "");
    }
    peer client = p.connect();
    client.send(request_text("GET /next"));
    EXPECT_EQ(p.upstream.accept().receive().first_line(), "GET /next HTTP/1.1");
}

TEST(Session, WaitsForTheFirstCredentials) {
    live_proxy p({}, {});
    peer client = p.connect();
    client.send(request_text("GET /k"));
    for (int i = 0; i < 20; ++i)
        p.counters(); // the worker has its turns
    EXPECT_FALSE(p.upstream.was_called());
    p.worker().set_credentials(0, some_credentials());
    EXPECT_THAT(p.upstream.accept().receive().values("Authorization"), SizeIs(1));
}

TEST(Session, RefusesWithoutCredentialsThatAreGood) {
    auto expired = std::make_shared<chain::credentials>(*some_credentials().current);
    expired->expiration = std::chrono::system_clock::now() - 1s;
    for (const auto& [known, code] :
         {std::pair{chain::snapshot{nullptr, "nobody has any"}, "no-credentials"},
          {chain::snapshot{expired, ""}, "credentials-expired"}}) {
        live_proxy p({}, known);
        peer client = p.connect();
        client.send(request_text("PUT /k", "Content-Length: 2\r\n", "ab"));
        const message refused = client.receive();
        EXPECT_EQ(refused.status(), 503u);
        EXPECT_EQ(refused.value("x-countersign-error"), code);
        EXPECT_EQ(refused.value("Retry-After"), "5");
        EXPECT_THAT(refused.body, HasSubstr("<Code>ServiceUnavailable</Code>"));
        EXPECT_FALSE(p.upstream.was_called());
    }
}

TEST(Session, SaysWhatOpenSslCannotSignAndGoesOn) {
    live_proxy p;
    peer client = p.connect();
    const std::string ask = "GET /k HTTP/1.1\r\nHost: abc.mrap.accesspoint.s3-global.amazonaws.com\r\n\r\n";
    ASSERT_EQ(EVP_set_default_properties(nullptr, "provider=none"), 1);
    client.send(ask);
    const message refused = client.receive();
    EVP_set_default_properties(nullptr, "");
    EXPECT_EQ(refused.status(), 500u);
    EXPECT_EQ(refused.value("x-countersign-error"), "signing-failed");
    EXPECT_THAT(refused.body, HasSubstr("<Code>InternalError</Code>"));
    EXPECT_EQ(p.upstream.accept().receive_to_end(), "");
    client.send(ask);
    peer up = p.upstream.accept();
    EXPECT_THAT(up.receive().value("Authorization"), HasSubstr("AWS4-ECDSA-P256-SHA256 "));
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

} // namespace client_connection_test
} // namespace countersign::proxy
