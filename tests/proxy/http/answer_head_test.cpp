#include "proxy/http/answer_head.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <memory_resource>
#include <string>

namespace countersign::proxy {
namespace answer_head_test {

struct asked {
    bool is_head = false;
    bool http_1_0 = false;
    bool takes_trailers = false;
};

struct seen {
    std::string text;
    asked by;
    field_array room;
    answer reply;
    std::pmr::monotonic_buffer_resource memory;
    io_error error = io_error::none;
};

std::unique_ptr<seen> read(const std::string& lines, asked by = {}) {
    auto s = std::make_unique<seen>();
    s->text = lines + "\r\n";
    s->by = by;
    s->error = parse_answer_head(s->text, by.is_head, s->room, s->reply);
    return s;
}

std::string written(const std::string& lines, asked by = {}, bool keep_alive = true) {
    const auto s = read(lines, by);
    EXPECT_EQ(s->error, io_error::none) << lines;
    return std::string(write_answer_head(
        s->reply, framing_for(s->reply, by.http_1_0, by.takes_trailers), by.http_1_0, keep_alive, s->memory
    ));
}

TEST(AnswerHead, KnowsWhereEachAnswerEnds) {
    using enum answer_framing;
    struct row {
        std::string lines;
        asked by;
        answer_framing framing;
        bool keep_alive;
        client_framing to;
    };
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string old = "HTTP/1.0 200 OK\r\n";
    const std::string five = "Content-Length: 5\r\n";
    const std::string chunked_coding = "Transfer-Encoding: Chunked\r\n";
    const row rows[]{
        {ok + five, {}, length, true, client_framing::same},
        {ok + five + "Connection: x, Close\r\n", {}, length, false, client_framing::same},
        {ok + chunked_coding, {}, chunked, true, client_framing::same},
        {ok + chunked_coding, {false, true}, chunked, true, client_framing::dechunked},
        {ok, {}, until_close, false, client_framing::chunked},
        {ok + "Connection: keep-alive\r\n", {}, until_close, false, client_framing::chunked},
        {ok, {false, true}, until_close, false, client_framing::same},
        {old + five, {}, length, false, client_framing::same},
        {old + five + "Connection: keep-alive\r\n", {}, length, true, client_framing::same},
        {old, {}, until_close, false, client_framing::chunked},
        {ok + five, {true, false}, none, true, client_framing::same},
        {ok + chunked_coding, {true, false}, none, true, client_framing::same},
        {ok, {true, false}, none, true, client_framing::same},
        {"HTTP/1.1 204 No Content\r\n", {}, none, true, client_framing::same},
        {"HTTP/1.1 204 No Content\r\n" + five, {}, none, true, client_framing::same},
        {"HTTP/1.1 304 Not Modified\r\n" + five, {}, none, true, client_framing::same},
        {"HTTP/1.1 304 Not Modified\r\n", {false, true}, none, true, client_framing::same},
        {"HTTP/1.1 100 Continue\r\n", {}, none, true, client_framing::same},
    };
    for (const row& r : rows) {
        const auto s = read(r.lines, r.by);
        ASSERT_EQ(s->error, io_error::none) << r.lines;
        EXPECT_EQ(s->reply.framing, r.framing) << r.lines;
        EXPECT_EQ(s->reply.keep_alive, r.keep_alive) << r.lines;
        EXPECT_EQ(framing_for(s->reply, s->by.http_1_0), r.to) << r.lines;
        EXPECT_EQ(s->reply.head_size, s->text.size());
        if (r.framing == length) {
            EXPECT_EQ(s->reply.length, 5u);
        }
    }
}

TEST(AnswerHead, RefusesWhatTwoParsersCouldReadDifferently) {
    for (const char* fields :
         {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
          "Content-Length: 1\r\nContent-Length: 1\r\n",
          "Content-Length: 1, 1\r\n",
          "Content-Length: +1\r\n",
          "Content-Length: -1\r\n",
          "Content-Length: 0x1\r\n",
          "Content-Length:\r\n",
          "Content-Length: 9999999999999999999\r\n",
          "Transfer-Encoding: gzip, chunked\r\n",
          "Transfer-Encoding: identity\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding:\r\n"}) {
        for (const char* line : {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 X\r\n"})
            EXPECT_EQ(read(std::string(line) + fields)->error, io_error::malformed) << line << fields;
        EXPECT_EQ(read(std::string("HTTP/1.1 200 OK\r\n") + fields, {true, false})->error, io_error::malformed)
            << fields;
    }
    EXPECT_EQ(read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n")->error, io_error::malformed);
    EXPECT_EQ(read("HTTP/1.1 600 Odd\r\n")->error, io_error::malformed);
    EXPECT_EQ(read("ICY 200 OK\r\n")->error, io_error::malformed);
}

TEST(AnswerHead, FindsWhatRetriesLookAt) {
    const auto s = read("HTTP/1.1 503 Slow\r\nRETRY-AFTER: 3\r\nx-amz-retry-after: 40\r\nX-Amzn-ErrorType: T:\r\n"
                        "x-amzn-query-error: Q;Sender\r\nContent-Length: 0\r\n");
    EXPECT_EQ(s->reply.head.status, 503u);
    EXPECT_EQ(s->reply.retry_after, "3");
    EXPECT_EQ(s->reply.amz_retry_after, "40");
    EXPECT_EQ(s->reply.amzn_errortype, "T:");
    EXPECT_EQ(s->reply.amzn_query_error, "Q;Sender");
}

TEST(AnswerHead, KeepsOrderCaseAndReason) {
    const std::string lines = "HTTP/1.1 299 Oddly fine\r\nZ-last: 1\r\nsET-cOOKIE: a\r\nSet-Cookie: b\r\nA:\r\n"
                              "Content-Length: 5\r\nETag: \"x\"\r\n";
    EXPECT_EQ(
        written(lines),
        "HTTP/1.1 299 Oddly fine\r\nZ-last: 1\r\nsET-cOOKIE: a\r\nSet-Cookie: b\r\nA: \r\n"
        "Content-Length: 5\r\nETag: \"x\"\r\n\r\n"
    );
    EXPECT_EQ(written("HTTP/1.1 204\r\n"), "HTTP/1.1 204 \r\n\r\n");
}

TEST(AnswerHead, TakesHopByHopFieldsOff) {
    EXPECT_EQ(
        written("HTTP/1.1 200 OK\r\nConnection: X-Drop, Content-Length, keep-alive\r\nX-Drop: "
                "1\r\nKeep-Alive: 5\r\n"
                "Proxy-Authenticate: Basic\r\nUpgrade: h2\r\nTE: x\r\nContent-Length: 5\r\n"),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    );
    const std::string with_trailers = "HTTP/1.1 200 OK\r\nTrailer: T\r\nTransfer-Encoding: chunked\r\n";
    EXPECT_EQ(written(with_trailers), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(written(with_trailers, {false, false, true}), with_trailers + "\r\n");
    EXPECT_EQ(written(with_trailers + "Connection: keep-alive\r\n", {false, false, true}), with_trailers + "\r\n");
    EXPECT_EQ(
        written(with_trailers + "Connection: close, X\r\n", {false, false, true}),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    ) << "one of them may be X";
    EXPECT_EQ(
        written("HTTP/1.1 200 OK\r\nTrailer: T\r\nContent-Length: 5\r\n", {false, false, true}),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    );
}

TEST(AnswerHead, SaysWhatTheClientsConnectionNeeds) {
    const std::string length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n";
    const std::string chunked = "HTTP/1.1 200 OK\r\nTrailer: T\r\nTransfer-Encoding: chunked\r\n";
    EXPECT_EQ(written(length, {}, false), length + "Connection: close\r\n\r\n");
    EXPECT_EQ(written(length, {false, true}), length + "Connection: keep-alive\r\n\r\n");
    EXPECT_EQ(written(chunked, {false, true}, false), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(written("HTTP/1.1 200 OK\r\n"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(written("HTTP/1.0 200 OK\r\n", {false, true}, false), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

} // namespace answer_head_test
} // namespace countersign::proxy
