#include "signer/chunk_encoder.hpp"
#include "tests/signer/support/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::signer {
namespace chunk_encoder_test {

using chunked::encode;
using chunked::key;

const std::string content(66560, 'a'); // of the S3 manual's examples

TEST(ChunkEncoder, WritesTheManualsExample) {
    const std::string wire =
        "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
        std::string(65536, 'a') +
        "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
        std::string(1024, 'a') +
        "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
    EXPECT_EQ(wire.size(), 66824u);
    EXPECT_EQ(encode({chunk_form::signed_v4, chunk_signer(key(), chunked::context)}, content), wire);
    // A checksum has no place in this form.
    EXPECT_EQ(
        encode({chunk_form::signed_v4, chunk_signer(key(), chunked::context), checksum_kind::sha1}, content), wire
    );
}

TEST(ChunkEncoder, WritesTheManualsExampleWithATrailer) {
    const std::string wire =
        "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" +
        std::string(65536, 'a') +
        "\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" +
        std::string(1024, 'a') +
        "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
        "x-amz-checksum-crc32c:sOO8/Q==\r\n"
        "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
    const chunk_signer signer(key(), chunked::context_with_trailer);
    EXPECT_EQ(encode({chunk_form::signed_v4_trailer, signer, checksum_kind::crc32c}, content), wire);
    // The same trailer, passed on.
    const std::array<trailer, 1> passed{{{"X-Amz-Checksum-Crc32c", "sOO8/Q=="}}};
    EXPECT_EQ(encode({chunk_form::signed_v4_trailer, signer}, content, passed), wire);
}

// CRC-32 of "hello world": 0d4a1185.
TEST(ChunkEncoder, WritesAnUnsignedBodyWithItsTrailersSorted) {
    const std::array<trailer, 2> passed{{{"X-B", "2 3"}, {"a", ""}}};
    EXPECT_EQ(
        encode(chunk_encoder(checksum_kind::crc32), "hello world", passed),
        "b\r\nhello world\r\n0\r\na:\r\nx-amz-checksum-crc32:DUoRhQ==\r\nx-b:2 3\r\n\r\n"
    );
    EXPECT_EQ(encode(chunk_encoder(std::nullopt), ""), "0\r\n\r\n");
    EXPECT_EQ(
        encode(chunk_encoder(checksum_kind::sha256), ""),
        "0\r\nx-amz-checksum-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n\r\n"
    );
}

TEST(ChunkEncoder, WritesTheSameHoweverTheBytesCome) {
    std::string text;
    for (std::size_t i = 0; i < 20000; ++i) {
        text.push_back(static_cast<char>(i * 7));
    }
    const chunk_signer signer(key(), chunked::context);
    const chunk_encoder encoder(chunk_form::signed_v4_trailer, signer, checksum_kind::crc64nvme, 8192);
    const std::string whole = encode(encoder, text, {}, text.size());
    for (const std::size_t piece : {1, 3, 64, 1000, 8191, 8192}) {
        EXPECT_EQ(encode(encoder, text, {}, piece), whole);
    }
}

TEST(ChunkEncoder, KeepsToChunkSizesThatAreAllowed) {
    EXPECT_EQ(chunk_encoder(std::nullopt).chunk_size(), 65536u);
    EXPECT_EQ(chunk_encoder(std::nullopt, 0).chunk_size(), 8192u);
    EXPECT_EQ(chunk_encoder(std::nullopt, ~std::uint64_t{0}).chunk_size(), 0xfffffffffffffffu);
    chunk_encoder encoder(std::nullopt, 10000);
    encoder.add(std::string(4000, 'x'));
    EXPECT_EQ(encoder.room(), 6000u);
    encoder.add(std::string(6000, 'x'));
    EXPECT_EQ(encoder.room(), 0u);
    EXPECT_EQ(encoder.close_chunk().head, "2710\r\n");
    EXPECT_EQ(encoder.room(), 10000u);
}

} // namespace chunk_encoder_test
} // namespace countersign::signer
