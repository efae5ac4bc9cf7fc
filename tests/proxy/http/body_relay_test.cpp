#include "proxy/relay.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::proxy {
namespace body_relay_test {

struct passed {
    std::string text;
    std::size_t consumed = 0;
    body_relay::state end = body_relay::state::more;
};

void add(passed& out, const body_relay::piece& p) {
    out.text.append(p.before).append(p.content).append(p.after);
    out.consumed += p.consumed;
    out.end = p.then;
}

// The bytes arrive in pieces of `size`; then the connection ends if `ends`.
passed pass(body_relay relay, std::string_view bytes, std::size_t size, bool ends = false) {
    passed out;
    for (std::size_t arrived = std::min(size, bytes.size());; arrived = std::min(arrived + size, bytes.size())) {
        for (;;) {
            const auto p = relay.next(bytes.substr(out.consumed, arrived - out.consumed));
            add(out, p);
            if (p.then != body_relay::state::more || p.consumed == 0) {
                break;
            }
        }
        if (out.end != body_relay::state::more || arrived == bytes.size()) {
            break;
        }
    }
    if (ends && out.end == body_relay::state::more) {
        add(out, relay.end());
    }
    return out;
}

TEST(BodyRelay, PassesAKnownLengthAndNothingBehindIt) {
    for (std::size_t size = 1; size < 12; ++size) {
        const passed p = pass({answer_framing::length, 5, client_framing::same}, "helloSURPLUS", size);
        EXPECT_EQ(p.text, "hello");
        EXPECT_EQ(p.consumed, 5u);
        EXPECT_EQ(p.end, body_relay::state::complete);
    }
    EXPECT_EQ(pass({answer_framing::length, 0, client_framing::same}, "", 1).end, body_relay::state::complete);
    EXPECT_EQ(pass({answer_framing::none, 9, client_framing::same}, "x", 1).consumed, 0u);
}

TEST(BodyRelay, PassesChunksAsTheyAre) {
    const std::string text = "5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        const passed p = pass({answer_framing::chunked, 0, client_framing::trailers}, text + "HTTP/1.1 200", size);
        EXPECT_EQ(p.text, text) << size;
        EXPECT_EQ(p.end, body_relay::state::complete) << size;
    }
}

TEST(BodyRelay, TakesChunksOffForOldClients) {
    const passed p =
        pass({answer_framing::chunked, 0, client_framing::dechunked}, "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 100);
    EXPECT_EQ(p.text, "abc");
    EXPECT_EQ(p.end, body_relay::state::complete);
}

TEST(BodyRelay, PutsChunksAroundWhatOnlyTheConnectionEnds) {
    const passed p = pass({answer_framing::until_close, 0, client_framing::chunked}, "0123456789abcdef!", 16, true);
    EXPECT_EQ(p.text, "10\r\n0123456789abcdef\r\n1\r\n!\r\n0\r\n\r\n");
    EXPECT_EQ(p.end, body_relay::state::complete);
}

TEST(BodyRelay, NeverTakesATruncationForAnEnd) {
    EXPECT_EQ(pass({answer_framing::length, 9, client_framing::same}, "short", 9, true).end, body_relay::state::broken);
    EXPECT_EQ(
        pass({answer_framing::chunked, 0, client_framing::same}, "5\r\nhel", 9, true).end, body_relay::state::broken
    );
    EXPECT_EQ(pass({answer_framing::chunked, 0, client_framing::same}, "zz\r\n", 9).end, body_relay::state::broken);
}

TEST(BodyRelay, DropsTrailersThatTheClientDoesNotTake) {
    const std::string text = "5;x=y\r\nhello\r\n0;z\r\nT: v\r\nU:\r\n\r\n";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        const passed p = pass({answer_framing::chunked, 0, client_framing::same}, text + "HTTP/1.1 200", size);
        EXPECT_EQ(p.text, "5;x=y\r\nhello\r\n0;z\r\n\r\n") << size;
        EXPECT_EQ(p.consumed, text.size()) << size;
        EXPECT_EQ(p.end, body_relay::state::complete) << size;
    }
}

TEST(BodyRelay, DropsTrailersThatWouldChangeWhatTheHeadSays) {
    const std::string text =
        "0\r\nx-amz-checksum-crc32: AAAAAA==\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
        "connection: close\r\nETag: x\r\nSet-Cookie: a\r\nHost: b\r\nproxy-x: y\r\nContent-Type: z\r\n"
        "TE: trailers\r\n\r\n";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        const passed p = pass({answer_framing::chunked, 0, client_framing::trailers}, text, size);
        EXPECT_EQ(p.text, "0\r\nx-amz-checksum-crc32: AAAAAA==\r\nETag: x\r\n\r\n") << size;
        EXPECT_EQ(p.consumed, text.size()) << size;
        EXPECT_EQ(p.end, body_relay::state::complete) << size;
    }
}

TEST(BodyRelay, RefusesTrailersThatAreTooLongOrNoFields) {
    for (const std::string& trailers :
         {"T: " + std::string(8192, 'x'),
          "T: " + std::string(8192, 'x') + "\r\n\r\n",
          "T: " + std::string(5000, 'x') + "\r\nT: " + std::string(5000, 'x') + "\r\n\r\n",
          std::string("T : x\r\n\r\n"),
          std::string("T\r\n\r\n"),
          std::string("T: x\n\r\n"),
          std::string("T: x\r\n folded\r\n\r\n"),
          std::string("T: \1\r\n\r\n")}) {
        for (const auto to : {client_framing::same, client_framing::trailers}) {
            EXPECT_EQ(pass({answer_framing::chunked, 0, to}, "0\r\n" + trailers, 99999).end, body_relay::state::broken);
        }
    }
}

TEST(BodyRelay, TakesNoEndWithinTrailersForTheEnd) {
    const passed p = pass({answer_framing::chunked, 0, client_framing::trailers}, "2\r\nhi\r\n0\r\nT: v", 99, true);
    EXPECT_EQ(p.text, "2\r\nhi\r\n0\r\n");
    EXPECT_EQ(p.end, body_relay::state::broken);
}

} // namespace body_relay_test
} // namespace countersign::proxy
