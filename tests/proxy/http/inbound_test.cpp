#include "proxy/http/inbound.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace countersign::proxy {
namespace inbound_test {

struct asked {
    std::string text;
    field_array room;
    request_head head;
    inbound in;
    std::optional<refusal> refused;
};

std::unique_ptr<asked> read(std::string text, std::vector<std::string> allow_origin = {}) {
    auto a = std::make_unique<asked>();
    a->text = std::move(text);
    EXPECT_EQ(parse_request(a->text, a->room, a->head), head_error::none) << a->text;
    const inbound_rules rules{"countersign-test", allow_origin};
    a->refused = read_inbound(a->head, rules, a->in);
    return a;
}

unsigned status_of(const std::string& lines) {
    const auto a = read(lines + "\r\n");
    return a->refused ? a->refused->status : 0;
}

std::vector<std::string> kept_fields(const asked& a) {
    std::vector<std::string> names;
    for (const field& f : a.in.fields) {
        if (!f.stays_here) {
            names.emplace_back(f.name);
        }
    }
    return names;
}

TEST(Inbound, ReadsOriginForm) {
    const auto a = read("GET /k%20x?p=1&q HTTP/1.1\r\nHost: Bucket.S3.amazonaws.com.:80\r\n\r\n");
    ASSERT_FALSE(a->refused);
    EXPECT_EQ(a->in.path, "/k%20x");
    EXPECT_EQ(a->in.query, "p=1&q");
    EXPECT_EQ(a->in.host, "bucket.s3.amazonaws.com");
    EXPECT_EQ(a->in.port, 80);
    EXPECT_TRUE(a->in.keep_alive);
    EXPECT_EQ(a->in.framing, body_framing::none);
}

TEST(Inbound, ReadsAbsoluteForm) {
    const auto a = read("GET HTTP://sqs.us-east-1.amazonaws.com?Action=X HTTP/1.1\r\nHost: "
                        "sqs.us-east-1.amazonaws.com\r\n\r\n");
    ASSERT_FALSE(a->refused);
    EXPECT_EQ(a->in.path, "/");
    EXPECT_EQ(a->in.query, "Action=X");
    EXPECT_EQ(a->in.host, "sqs.us-east-1.amazonaws.com");
    EXPECT_FALSE(a->in.https);
}

TEST(Inbound, WantsExactlyOneValidHost) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\n"), 400u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n"), 400u);
    EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\nHost: b\r\n"), 400u);
    EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\nHost: a:81\r\n"), 400u);
    EXPECT_EQ(status_of("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n"), 0u);
    for (const char* host :
         {"",
          "a b",
          "u@a",
          "a:",
          "a:0",
          "a:65536",
          "a:8x",
          "a/b",
          "a\\b",
          "a..b",
          ".a",
          "a%41",
          "[::1",
          "[]",
          "[g::1]",
          "a,b",
          "a:80:80"}) {
        EXPECT_EQ(status_of(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n"), 400u) << host;
    }
    EXPECT_EQ(status_of("GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n"), 400u);
    EXPECT_EQ(status_of("GET http:///x HTTP/1.1\r\nHost: a\r\n"), 400u);
    EXPECT_EQ(status_of("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n"), 400u);
    EXPECT_EQ(status_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n"), 400u);
}

TEST(Inbound, RefusesAmbiguousFraming) {
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (const char* fields :
         {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
          "Content-Length: 1\r\nContent-Length: 1\r\n",
          "Content-Length: 1, 1\r\n",
          "Content-Length: +1\r\n",
          "Content-Length: -1\r\n",
          "Content-Length: 0x1\r\n",
          "Content-Length: 1 1\r\n",
          "Content-Length:\r\n",
          "Content-Length: 99999999999999999999\r\n",
          "Transfer-Encoding: gzip, chunked\r\n",
          "Transfer-Encoding: chunked, chunked\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: xchunked\r\n",
          "Transfer-Encoding: identity\r\n",
          "Transfer-Encoding:\r\n",
          "Transfer-Encoding: \"chunked\"\r\n"}) {
        EXPECT_EQ(status_of(start + fields), 400u) << fields;
    }
    EXPECT_EQ(status_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"), 400u);
    const auto a = read(start + "Transfer-Encoding: Chunked\r\n\r\n");
    EXPECT_EQ(a->in.framing, body_framing::chunked);
}

TEST(Inbound, TakesHopByHopFieldsOff) {
    const auto a =
        read("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Drop, host, Content-Length\r\nX-Drop: "
             "1\r\nX-Keep: 2\r\n"
             "Keep-Alive: 5\r\nProxy-Authorization: Basic x\r\nProxy-Odd: y\r\nTE: trailers\r\nUpgrade: h2c\r\n"
             "HTTP2-Settings: z\r\nExpect: 100-continue\r\nTrailer: q\r\nx-amz-acl: private\r\n\r\n");
    ASSERT_FALSE(a->refused);
    EXPECT_EQ(kept_fields(*a), (std::vector<std::string>{"X-Keep", "x-amz-acl"}));
    EXPECT_EQ(a->in.host, "a");
}

TEST(Inbound, KeepsWhatTheServiceNeedsAlthoughConnectionNamesIt) {
    const auto a = read(
        "PUT / HTTP/1.1\r\nHost: a\r\nConnection: x-amz-target, AUTHORIZATION, date,x-amz-date, "
        "X-Amz-Security-Token\r\n"
        "Connection: x-amz-content-sha256, content-type, Content-Encoding, content-md5, range, if-match, via, x-odd\r\n"
        "X-Amz-Target: A.B\r\nAuthorization: x\r\nDate: d\r\nX-Amz-Date: d\r\nX-Amz-Security-Token: t\r\n"
        "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\nContent-Type: t\r\nContent-Encoding: gzip\r\nContent-MD5: m\r\n"
        "Range: bytes=0-1\r\nIf-Match: e\r\nVia: 1.1 x\r\nX-Odd: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    ASSERT_FALSE(a->refused);
    EXPECT_EQ(
        kept_fields(*a),
        (std::vector<std::string>{
            "X-Amz-Target",
            "Authorization",
            "Date",
            "X-Amz-Date",
            "X-Amz-Security-Token",
            "X-Amz-Content-Sha256",
            "Content-Type",
            "Content-Encoding",
            "Content-MD5",
            "Range",
            "If-Match",
            "Via"})
    );
    EXPECT_EQ(a->in.framing, body_framing::chunked);
    EXPECT_EQ(a->in.claim, payload_claim::unsigned_payload);
}

TEST(Inbound, RefusesWebSocketsAndIgnoresOtherOffers) {
    for (const std::string offer :
         {"websocket", "WebSocket", "websocket/13", "h2c, websocket", "h2c\r\nUpgrade: websocket"}) {
        const auto a =
            read("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: " + offer + "\r\n\r\n");
        ASSERT_TRUE(a->refused) << offer;
        EXPECT_EQ(a->refused->status, 501u);
        EXPECT_EQ(a->refused->code, "upgrade-not-available");
        EXPECT_TRUE(ends_connection(*a->refused));
    }
    for (const std::string offer : {"h2c", "TLS/1.2", "x-websocket", "", "web socket"}) {
        EXPECT_EQ(
            status_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " + offer + "\r\n"),
            0u
        );
    }
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nOrigin: https://evil.example\r\n"), 403u);
}

TEST(Inbound, RefusesWhatAWebPageSends) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n"), 403u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n"), 403u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n"), 403u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\n"), 403u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: none\r\n"), 0u);
    EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://ok\r\n\r\n", {"http://ok"})->refused);
}

TEST(Inbound, RefusesTraceConnectLoopsAndOddExpectations) {
    EXPECT_EQ(status_of("TRACE / HTTP/1.1\r\nHost: a\r\n"), 405u);
    EXPECT_EQ(status_of("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n"), 501u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 x, 1.1 countersign-test (y)\r\n"), 508u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 countersign-testing\r\n"), 0u);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n"), 417u);
}

TEST(Inbound, RefusesBrokenEscapes) {
    EXPECT_EQ(status_of("GET /100% HTTP/1.1\r\nHost: a\r\n"), 400u);
    EXPECT_EQ(status_of("GET /%zz HTTP/1.1\r\nHost: a\r\n"), 400u);
    EXPECT_EQ(status_of("GET /?a=%2 HTTP/1.1\r\nHost: a\r\n"), 400u);
    EXPECT_EQ(status_of("GET /%25?a=%2F HTTP/1.1\r\nHost: a\r\n"), 0u);
}

TEST(Inbound, KeepsConnectionsAsTheVersionsSay) {
    EXPECT_FALSE(read("GET / HTTP/1.0\r\nHost: a\r\n\r\n")->in.keep_alive);
    EXPECT_TRUE(read("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n")->in.keep_alive);
    EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n")->in.keep_alive);
}

TEST(Inbound, SeesWhatTheCallerSaysOfItsPayload) {
    EXPECT_EQ(
        read("PUT / HTTP/1.1\r\nHost: a\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\r\n")->in.claim,
        payload_claim::unsigned_payload
    );
    EXPECT_EQ(
        read("PUT / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip, AWS-chunked\r\n\r\n")->in.claim,
        payload_claim::none // of what coding the body is the hash says
    );
    EXPECT_EQ(read("PUT / HTTP/1.1\r\nHost: a\r\nX-Amz-Content-Sha256: x\r\n\r\n")->in.claim, payload_claim::none);
    EXPECT_EQ(
        read("PUT / HTTP/1.1\r\nHost: a\r\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n\r\n")->in.claim,
        payload_claim::streaming
    );
}

TEST(Inbound, RemembersWhoTakesTrailers) {
    EXPECT_TRUE(read("GET / HTTP/1.1\r\nHost: a\r\nTE: deflate;q=0.5, Trailers\r\n\r\n")->in.takes_trailers);
    EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: a\r\nTE: deflate\r\n\r\n")->in.takes_trailers);
    EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: a\r\n\r\n")->in.takes_trailers);
}

} // namespace inbound_test
} // namespace countersign::proxy
