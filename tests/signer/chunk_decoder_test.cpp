#include "signer/chunk_decoder.hpp"
#include "tests/signer/support/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::signer {
namespace chunk_decoder_test {

using chunked::decode;
using chunked::decoded;
using chunked::encode;
using chunked::key;
using step = chunk_decoder::step;

constexpr chunk_rules unsigned_rules{.form = chunk_form::unsigned_trailer};
const std::string sig(64, 'a');

decoded read(std::string_view wire, const chunk_rules& rules = unsigned_rules) {
    return decode(chunk_decoder(rules), wire);
}

void expect_broken(
    std::string_view wire, std::uint64_t position, std::string_view reason, const chunk_rules& rules = unsigned_rules
) {
    const decoded got = read(wire, rules);
    EXPECT_EQ(got.end, step::broken) << wire;
    EXPECT_EQ(got.position, position) << wire;
    EXPECT_EQ(got.reason, reason) << wire;
}

std::string example_with_trailer() {
    return encode(
        {chunk_form::signed_v4_trailer, chunk_signer(key(), chunked::context_with_trailer), checksum_kind::crc32c},
        std::string(66560, 'a')
    );
}

const chunk_rules example_rules{
    .form = chunk_form::signed_v4_trailer, .decoded_length = 66560, .sum = checksum_kind::crc32c};

chunk_decoder example_decoder() {
    return {example_rules, chunk_verifier(key(), chunked::context_with_trailer)};
}

TEST(ChunkDecoder, ReadsAndVerifiesTheManualsExample) {
    const decoded got = decode(example_decoder(), example_with_trailer());
    EXPECT_EQ(got.end, step::complete);
    EXPECT_EQ(got.content, std::string(66560, 'a'));
    const std::vector<std::pair<std::string, std::string>> trailers{{"x-amz-checksum-crc32c", "sOO8/Q=="}};
    EXPECT_EQ(got.trailers, trailers);
}

TEST(ChunkDecoder, NoticesEachChangedByteOfASignedBody) {
    const std::string wire = example_with_trailer();
    const std::size_t tail = wire.size() - 320; // within the second chunk's content; all of the trailers
    for (std::size_t i = 0; i < wire.size(); i += i < 100 || i >= tail ? 1 : 997) {
        std::string changed = wire;
        changed[i] = changed[i] == 'b' ? 'c' : 'b';
        const decoded got = decode(example_decoder(), changed);
        ASSERT_EQ(got.end, step::broken) << i;
    }
}

TEST(ChunkDecoder, SaysWhichSignatureIsWrong) {
    std::string wire = example_with_trailer();
    wire[22 + 64 + 2] = 'b'; // the first byte of content
    const decoded of_chunk = decode(example_decoder(), wire);
    EXPECT_EQ(of_chunk.position, 22u);
    EXPECT_EQ(of_chunk.reason, "the chunk signature does not match");
    EXPECT_EQ(of_chunk.content.size(), 65536u); // handed out before

    wire = example_with_trailer();
    const std::size_t value = wire.find("sOO8");
    wire[value] = 't';
    const decoded of_trailer = decode(example_decoder(), wire);
    EXPECT_EQ(of_trailer.position, wire.find(trailer_signature_name));
    EXPECT_EQ(of_trailer.reason, "the trailer signature does not match");

    const decoded of_sum = read(wire, example_rules);
    EXPECT_EQ(of_sum.position, wire.find("x-amz-checksum"));
    EXPECT_EQ(of_sum.reason, "the checksum does not match");
}

TEST(ChunkDecoder, VerifiesEcdsaSignatures) {
    const ecdsa_key v4a = ecdsa_key::derive(chunked::id, chunked::secret);
    const ecdsa_public_key public_key = v4a.public_key();
    const std::string text(20000, 'q');
    for (const chunk_form form : {chunk_form::signed_v4a, chunk_form::signed_v4a_trailer}) {
        std::string wire = encode({form, chunk_signer(v4a, chunked::context), checksum_kind::sha256, 8192}, text);
        const chunk_decoder decoder({.form = form}, chunk_verifier(public_key, chunked::context));
        const decoded got = decode(decoder, wire);
        EXPECT_EQ(got.end, step::complete) << got.reason;
        EXPECT_EQ(got.content, text);
        wire[9000] = 'r';
        EXPECT_EQ(decode(decoder, wire).end, step::broken);
    }
}

TEST(ChunkDecoder, GivesTheSameAtEverySplit) {
    const std::string bodies[] = {
        "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\nA: b \r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\nmore",
        "5\r\nhello\r\n0\r\na:\x01\r\n\r\n",
        "05\r\nhello\n",
        "5\r\nhel",
    };
    for (const std::string& body : bodies) {
        const decoded whole = read(body);
        for (std::size_t first = 0; first <= body.size(); ++first) {
            for (std::size_t second = first; second <= body.size(); ++second) {
                ASSERT_EQ(decode(chunk_decoder(unsigned_rules), body, std::array{first, second}), whole)
                    << body << first << " " << second;
            }
        }
    }
    EXPECT_EQ(read(bodies[0]).content, "hello world");
    EXPECT_EQ(read(bodies[0]).end, step::complete);
}

TEST(ChunkDecoder, VerifiesTheSameAtEverySplit) {
    const std::string text(8200, 'z');
    const std::string wire =
        encode({chunk_form::signed_v4_trailer, chunk_signer(key(), chunked::context), checksum_kind::sha1, 8192}, text);
    const chunk_decoder decoder(
        {.form = chunk_form::signed_v4_trailer, .decoded_length = text.size(), .sum = checksum_kind::sha1},
        chunk_verifier(key(), chunked::context)
    );
    for (std::size_t split = 0; split <= wire.size(); ++split) {
        const decoded got = decode(decoder, wire, std::array{split});
        ASSERT_EQ(got.end, step::complete) << split << " " << got.reason;
        ASSERT_EQ(got.content, text);
    }
}

TEST(ChunkDecoder, HandsOutViewsOfItsInput) {
    std::string_view bytes = "3\r\nabc\r\n";
    const char* const place = bytes.data() + 3;
    chunk_decoder decoder(unsigned_rules);
    std::string_view content;
    EXPECT_EQ(decoder.next(bytes, content), step::content);
    EXPECT_EQ(content.data(), place);
    EXPECT_EQ(content, "abc");
    EXPECT_EQ(decoder.next(bytes, content), step::more);
    EXPECT_TRUE(bytes.empty());
}

TEST(ChunkDecoder, RefusesBadSizes) {
    expect_broken("\r\n", 0, "a chunk's size is not a hex number");
    expect_broken("x\r\n", 0, "a chunk's size is not a hex number");
    expect_broken("5 \r\nhello", 1, "a chunk's size is not a hex number");
    expect_broken("0x5\r\nhello", 1, "a chunk's size is not a hex number");
    expect_broken("-5\r\n", 0, "a chunk's size is not a hex number");
    expect_broken("0000000000000005\r\n", 15, "a chunk's size has more than 15 digits");
    expect_broken("5\nhello", 1, "a chunk's size is not a hex number");
    expect_broken("5\r\r\nhello", 2, "no LF after CR in a chunk's size line");
    EXPECT_EQ(read("00000000000000A\r\n0123456789\r\n000\r\n\r\n").end, step::complete);
}

TEST(ChunkDecoder, RefusesChunksOfAnotherLength) {
    expect_broken("5\r\nhello!\r\n", 8, "no CRLF after the bytes of a chunk");
    expect_broken("5\r\nhello\n0", 8, "no CRLF after the bytes of a chunk");
    expect_broken("5\r\nhello\r0", 9, "no CRLF after the bytes of a chunk");
}

TEST(ChunkDecoder, RefusesBodiesThatEndEarly) {
    expect_broken("", 0, "the body ends without a last chunk");
    expect_broken("5", 1, "the body ends without a last chunk");
    expect_broken("5\r\nhell", 7, "the body ends inside a chunk");
    expect_broken("5\r\nhello\r\n", 10, "the body ends without a last chunk");
    expect_broken("0\r\n", 3, "the body ends before the empty line behind its last chunk");
    expect_broken("0\r\na:b\r\n", 8, "the body ends before the empty line behind its last chunk");
}

TEST(ChunkDecoder, RefusesBytesBehindTheEnd) {
    expect_broken("0\r\n\r\n\r\n", 5, "bytes after the end of the body");
    expect_broken("0\r\n\r\n0\r\n\r\n", 5, "bytes after the end of the body");
}

TEST(ChunkDecoder, HoldsTheContentToItsDeclaredLength) {
    const chunk_rules five{.form = chunk_form::unsigned_trailer, .decoded_length = 5};
    EXPECT_EQ(read("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", five).end, step::complete);
    expect_broken("2\r\nab\r\n4\r\ncdef\r\n", 7, "more content than x-amz-decoded-content-length says", five);
    expect_broken("fffffffffffffff\r\n", 0, "more content than x-amz-decoded-content-length says", five);
    expect_broken("2\r\nab\r\n0\r\n\r\n", 7, "less content than x-amz-decoded-content-length says", five);
}

TEST(ChunkDecoder, RefusesExtensionsOtherThanTheSignatureOfTheForm) {
    const chunk_rules v4{.form = chunk_form::signed_v4};
    const std::string good = "0;chunk-signature=" + sig + "\r\n\r\n";
    EXPECT_EQ(read(good, v4).end, step::complete);
    expect_broken(good, 1, "a chunk extension in an unsigned body");
    expect_broken("0\r\n\r\n", 1, "a chunk without chunk-signature in a signed body", v4);
    expect_broken("0;chunk-Signature=" + sig, 8, "a chunk extension other than chunk-signature", v4);
    expect_broken("0; chunk-signature=" + sig, 2, "a chunk extension other than chunk-signature", v4);
    constexpr std::string_view not_hex = "a chunk signature is not 64 lower-case hex digits";
    expect_broken("0;chunk-signature=" + sig.substr(1) + "\r\n", 81, not_hex, v4);
    expect_broken("0;chunk-signature=A" + sig, 18, not_hex, v4);
    expect_broken("0;chunk-signature=" + sig.substr(2) + "**\r\n", 80, not_hex, v4);
    expect_broken("0;chunk-signature=" + sig + "a\r\n", 82, "no CRLF after the chunk signature", v4);
    expect_broken("0;chunk-signature=" + sig + ";a=b\r\n", 82, "no CRLF after the chunk signature", v4);
    expect_broken(
        "0;chunk-signature=" + sig + "\r\na:b\r\n", 84, "something other than CRLF behind the last chunk", v4
    );
}

TEST(ChunkDecoder, KnowsThePaddingOfEcdsaSignatures) {
    const chunk_rules v4a{.form = chunk_form::signed_v4a};
    const auto body = [](std::size_t digits, std::size_t stars) {
        return "0;chunk-signature=" + std::string(digits, 'a') + std::string(stars, '*') + "\r\n\r\n";
    };
    EXPECT_EQ(read(body(144, 0), v4a).end, step::complete);
    EXPECT_EQ(read(body(140, 4), v4a).end, step::complete);
    constexpr std::string_view reason = "a chunk signature is not 144 lower-case hex digits and padding";
    expect_broken(body(64, 0), 82, reason, v4a);
    expect_broken(body(0, 144), 18, reason, v4a);
    expect_broken(body(141, 3), 18 + 141, reason, v4a);
    expect_broken("0;chunk-signature=" + std::string(100, 'a') + "**aa", 18 + 102, reason, v4a);
    expect_broken(body(144, 2), 18 + 144, "no CRLF after the chunk signature", v4a);
}

TEST(ChunkDecoder, RefusesBadTrailers) {
    expect_broken("0\r\n:b\r\n\r\n", 3, "a trailer without name");
    expect_broken("0\r\n a:b\r\n\r\n", 3, "a byte that no trailer name has");
    expect_broken("0\r\na b:c\r\n\r\n", 4, "a byte that no trailer name has");
    expect_broken("0\r\nab\r\n\r\n", 5, "a byte that no trailer name has");
    expect_broken("0\r\na:b\n\r\n\r\n", 6, "a control character in a trailer");
    expect_broken("0\r\na:b\r\r\n", 7, "no LF after CR in a trailer");
    expect_broken("0\r\na:b\r\n\rx", 9, "no LF after CR behind the last chunk");
    expect_broken("0\r\na:1\r\nA:2\r\n\r\n", 8, "a trailer that came before");
    expect_broken("0\r\nx-amz-trailer-signature:" + sig, 3, "a trailer signature in an unsigned body");
}

TEST(ChunkDecoder, BoundsTrailers) {
    const std::string longest = "0\r\na:" + std::string(4092, 'v') + "\r\n";
    EXPECT_EQ(read(longest + "\r\n").end, step::complete);
    expect_broken("0\r\na:" + std::string(5000, 'v'), 3 + 4096, "more than 4096 bytes of trailers");
    expect_broken("0\r\n" + std::string(5000, 'n'), 3 + 4096, "more than 4096 bytes of trailers");
    expect_broken("0\r\na:" + std::string(1000000, ' '), 3 + 4096, "more than 4096 bytes of trailers");
    std::string many = "0\r\n";
    for (char c = 'a'; c < 'a' + 16; ++c) {
        many.append(1, c).append(":1\r\n");
    }
    EXPECT_EQ(read(many + "\r\n").trailers.size(), 16u);
    expect_broken(many + "z:1\r\n\r\n", 3 + 16 * 5, "more than 16 trailers");
}

TEST(ChunkDecoder, WantsTheTrailerSignatureLast) {
    const chunk_rules rules{.form = chunk_form::signed_v4_trailer};
    const std::string start = "0;chunk-signature=" + sig + "\r\n"; // 84 bytes
    const std::string signature = "X-Amz-Trailer-Signature: " + sig + "\r\n";
    EXPECT_EQ(read(start + "a:b\r\n" + signature + "\r\n", rules).end, step::complete);
    expect_broken(start + "a:b\r\n\r\n", 84 + 5, "x-amz-trailer-signature is missing", rules);
    expect_broken(start + signature + "a:b\r\n\r\n", 84 + 91, "a trailer behind x-amz-trailer-signature", rules);
    expect_broken(start + signature + signature, 84 + 91, "a trailer behind x-amz-trailer-signature", rules);
    expect_broken(
        start + "x-amz-trailer-signature:abc\r\n", 84, "the trailer signature is not of the form of a signature", rules
    );
}

TEST(ChunkDecoder, WantsTheChecksumThatWasAnnounced) {
    const chunk_rules rules{.form = chunk_form::unsigned_trailer, .sum = checksum_kind::crc32};
    const std::string body = "b\r\nhello world\r\n0\r\n"; // 19 bytes
    EXPECT_EQ(read(body + "x-amz-checksum-crc32:DUoRhQ==\r\n\r\n", rules).end, step::complete);
    expect_broken(body + "\r\n", 19, "the checksum trailer is missing", rules);
    expect_broken(body + "x-amz-checksum-crc32c:DUoRhQ==\r\n\r\n", 51, "the checksum trailer is missing", rules);
    expect_broken(body + "a:b\r\nx-amz-checksum-crc32:DUoRhQ=\r\n\r\n", 24, "the checksum does not match", rules);
}

} // namespace chunk_decoder_test
} // namespace countersign::signer
