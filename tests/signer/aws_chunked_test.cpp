#include "signer/aws_chunked.hpp"
#include "tests/signer/support/chunked.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

namespace countersign::signer {
namespace aws_chunked_test {

constexpr std::array forms{
    chunk_form::signed_v4,
    chunk_form::signed_v4_trailer,
    chunk_form::signed_v4a,
    chunk_form::signed_v4a_trailer,
    chunk_form::unsigned_trailer};

TEST(AwsChunked, HasANameForEachForm) {
    EXPECT_EQ(payload_hash_of(chunk_form::signed_v4), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    EXPECT_EQ(payload_hash_of(chunk_form::signed_v4a_trailer), "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER");
    EXPECT_EQ(payload_hash_of(chunk_form::unsigned_trailer), "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    for (const chunk_form form : forms) {
        EXPECT_EQ(chunk_form_of(payload_hash_of(form)), form);
        EXPECT_EQ(has_trailer(form), payload_hash_of(form).ends_with("-TRAILER"));
    }
    EXPECT_EQ(chunk_form_of("UNSIGNED-PAYLOAD"), std::nullopt);
    EXPECT_EQ(chunk_form_of("STREAMING-AWS4-HMAC-SHA256-EVENTS"), std::nullopt);
    EXPECT_EQ(chunk_form_of("streaming-unsigned-payload-trailer"), std::nullopt);
}

// The content-length of the S3 manual's example.
TEST(AwsChunked, HasTheLengthOfTheManualsExample) {
    EXPECT_EQ(encoded_length(66560, 65536, chunk_form::signed_v4), 66824u);
}

// By hand: "3\r\nabc\r\n" "0\r\n" "x-amz-checksum-crc32:NSRBwg==\r\n" "\r\n".
TEST(AwsChunked, CountsTrailersOfAnUnsignedBody) {
    const std::array shapes{shape_of(checksum_kind::crc32)};
    EXPECT_EQ(encoded_length(3, 65536, chunk_form::unsigned_trailer, shapes), 8u + 3u + 31u + 2u);
    EXPECT_EQ(encoded_length(0, 65536, chunk_form::unsigned_trailer), 5u);
}

TEST(AwsChunked, HasNoLengthBeyond64Bits) {
    EXPECT_EQ(encoded_length(~std::uint64_t{0}, 65536, chunk_form::signed_v4), std::nullopt);
    EXPECT_EQ(encoded_length(~std::uint64_t{0} - 10, ~std::uint64_t{0}, chunk_form::unsigned_trailer), std::nullopt);
    EXPECT_EQ(
        encoded_length(std::uint64_t{5} << 40, 8192, chunk_form::signed_v4), // S3's largest object
        (std::uint64_t{5} << 40) + (std::uint64_t{5} << 27) * (4 + 17 + 64 + 4) + (1 + 17 + 64 + 4)
    );
}

chunk_encoder encoder_of(chunk_form form, const ecdsa_key& v4a, std::uint64_t chunk_size) {
    constexpr checksum_kind sum = checksum_kind::sha1;
    switch (form) {
    case chunk_form::signed_v4:
    case chunk_form::signed_v4_trailer:
        return {form, chunk_signer(chunked::key(), chunked::context), sum, chunk_size};
    case chunk_form::signed_v4a:
    case chunk_form::signed_v4a_trailer:
        return {form, chunk_signer(v4a, chunked::context), sum, chunk_size};
    case chunk_form::unsigned_trailer:
        break;
    }
    return chunk_encoder(sum, chunk_size);
}

TEST(AwsChunked, HasTheLengthThatTheEncoderWrites) {
    const ecdsa_key v4a = ecdsa_key::derive(chunked::id, chunked::secret);
    const std::array<trailer, 1> passed{{{"x-amz-meta-note", "words"}}};
    const std::array shapes{shape_of(checksum_kind::sha1), shape_of(passed[0])};
    for (const chunk_form form : forms) {
        for (const std::uint64_t chunk_size : {8192u, 8193u, 65536u, 1048576u}) {
            for (const std::size_t size :
                 {0, 1, 15, 16, 255, 256, 4096, 8191, 8192, 8193, 16384, 16385, 65535, 65536, 65537, 100000, 131072}) {
                const std::string wire =
                    chunked::encode(encoder_of(form, v4a, chunk_size), std::string(size, 'x'), passed);
                ASSERT_EQ(encoded_length(size, chunk_size, form, shapes), wire.size())
                    << payload_hash_of(form) << " " << size << " in chunks of " << chunk_size;
            }
        }
    }
}

} // namespace aws_chunked_test
} // namespace countersign::signer
