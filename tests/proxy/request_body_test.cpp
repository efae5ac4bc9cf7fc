#include "proxy/request_body.hpp"
#include "tests/proxy/support/fed_client.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace countersign::proxy {
namespace request_body_test {

using namespace countersign::tests;
using testing::ElementsAre;

const std::string coded = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";

std::string in_chunks(std::string_view text, std::size_t size, std::string_view trailers = "") {
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size) {
        const std::string_view piece = text.substr(at, size);
        out += fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
    }
    return out + "0\r\n" + std::string(trailers) + "\r\n";
}

struct how {
    body_framing framing = body_framing::length;
    bool is_coded = false;
    std::size_t room = 64;
};

body_read read(std::vector<std::string_view> pieces, std::uint64_t length, const how& h) {
    static still_worker w;
    fed_client c{w->blocks, std::move(pieces)};
    received r;
    r.request.framing = h.framing;
    r.request.content_length = length;
    request_body body{c, r, *w};
    body.begin(false);
    if (h.is_coded) {
        body.decode({signer::chunk_form::unsigned_trailer, 11, signer::checksum_kind::crc32}, nullptr);
    }
    body_read out;
    read_all(body, c, h.room, out);
    return out;
}

// The whole, and every way to cut it in two.
void expect_content(const std::string& wire, std::uint64_t length, const how& h, std::vector<std::string> trailers) {
    const std::string all = wire + "GET /next";
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        const std::string_view text = all;
        const bool is_chunked = h.framing == body_framing::chunked;
        const std::string_view rest = is_chunked ? text.substr(cut) : text.substr(cut, wire.size() - cut);
        const body_read got = read({text.substr(0, cut), rest}, length, h);
        EXPECT_EQ(got.error, io_error::none) << cut;
        EXPECT_TRUE(got.is_complete) << cut;
        EXPECT_EQ(got.content, "hello world") << cut;
        EXPECT_EQ(got.trailers, trailers) << cut;
        EXPECT_EQ(got.behind, is_chunked ? "GET /next" : "") << cut;
    }
}

TEST(RequestBody, IsTheSameHoweverItIsCut) {
    const std::vector<std::string> sum{"x-amz-checksum-crc32:DUoRhQ=="};
    expect_content("hello world", 11, {body_framing::length}, {});
    expect_content(coded, coded.size(), {body_framing::length, true}, sum);
    for (const std::size_t size : {1u, 3u, 100u}) {
        expect_content(in_chunks("hello world", size), 0, {body_framing::chunked}, {});
        expect_content(in_chunks("hello world", size), 0, {body_framing::chunked, false, 1}, {});
        expect_content(in_chunks(coded, size), 0, {body_framing::chunked, true}, sum);
    }
    const std::string trailers = "X-Other: 1\r\nX-Amz-Checksum-CRC32:  DUoRhQ== \r\n";
    expect_content(in_chunks("hello world", 4, trailers), 0, {body_framing::chunked}, sum);
}

TEST(RequestBody, IsNotWholeWhereItsClientLeaves) {
    for (std::size_t cut = 0; cut < coded.size(); ++cut) {
        const body_read got =
            read({std::string_view(coded).substr(0, cut)}, coded.size(), {body_framing::length, true});
        EXPECT_EQ(got.error, io_error::closed) << cut;
        EXPECT_FALSE(got.is_complete) << cut;
    }
}

TEST(RequestBody, IsWrongWhereItsCodingOrFramingIs) {
    for (const char* text :
         {"5\r\nhello\r\n6\r\n_world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", // another checksum
          "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n",                // another length
          "b\r\nhello world\r\n0\r\n\r\n",                                           // no checksum
          "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\nx",
          "b;x=y\r\nhello world\r\n0\r\n\r\n"}) {
        const std::string wire = text;
        EXPECT_EQ(read({wire}, wire.size(), {body_framing::length, true}).error, io_error::wrong_body) << text;
        EXPECT_EQ(read({in_chunks(wire, 7)}, 0, {body_framing::chunked, true}).error, io_error::wrong_body) << text;
    }
    for (const char* text : {"g\r\n", "5\r\nhelloo", "0\r\nno colon\r\n\r\n", "0\r\n\n"})
        EXPECT_EQ(read({text}, 0, {body_framing::chunked}).error, io_error::malformed) << text;
}

TEST(RequestBody, IsAskedForOnceWhereItsClientWaits) {
    still_worker w;
    fed_client c{w->blocks, {"", "hel", "lo"}};
    received r;
    r.request.framing = body_framing::length;
    r.request.content_length = 5;
    r.request.expects_continue = true;
    request_body body{c, r, *w};
    body.begin(false);
    EXPECT_FALSE(body.has_begun());
    body_read out;
    read_all(body, c, 2, out);
    EXPECT_EQ(out.content, "hello");
    EXPECT_EQ(c.told, "HTTP/1.1 100 Continue\r\n\r\n");
}

} // namespace request_body_test
} // namespace countersign::proxy
