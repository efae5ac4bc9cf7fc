// Check values: the CRC catalogue ("123456789"), FIPS 180 ("abc"), RFC 4648 section 10; long inputs against the tables.
#include "signer/checksum.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace countersign::signer {
namespace checksum_test {

constexpr std::string_view digits = "123456789";
constexpr std::array kinds{
    checksum_kind::crc32, checksum_kind::crc32c, checksum_kind::crc64nvme, checksum_kind::sha1, checksum_kind::sha256};

std::string noise(std::size_t size) {
    std::mt19937 random(20130524);
    std::string text(size, '\0');
    for (char& c : text) {
        c = static_cast<char>(random());
    }
    return text;
}

std::string value_of(checksum_kind kind, std::string_view text) {
    checksum sum(kind);
    sum.update(text);
    return std::string(sum.value().view());
}

TEST(Crc, MeetsThePublishedCheckValues) {
    EXPECT_EQ(crc32(digits), 0xcbf43926u);
    EXPECT_EQ(crc32c(digits), 0xe3069283u);
    EXPECT_EQ(crc64nvme(digits), 0xae8b14860a799888u);
    EXPECT_EQ(portable::crc32(digits), 0xcbf43926u);
    EXPECT_EQ(portable::crc32c(digits), 0xe3069283u);
    EXPECT_EQ(portable::crc64nvme(digits), 0xae8b14860a799888u);
    EXPECT_EQ(crc32(""), 0u);
    EXPECT_EQ(crc64nvme(""), 0u);
}

// RFC 3720 B.4, and zeros and ones of the NVM Express specification.
TEST(Crc, MeetsThePublishedValuesOfLongerInputs) {
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
    EXPECT_EQ(crc64nvme(std::string(4096, '\0')), 0x6482d367eb22b64eu);
    EXPECT_EQ(crc64nvme(std::string(4096, '\xff')), 0xc0ddba7302eca3acu);
}

TEST(Crc, IsTheSameByFoldingAsByTableAtEveryLengthAndAlignment) {
    const std::string text = noise(1200);
    for (std::size_t start = 0; start < 17; ++start) {
        for (std::size_t size = 0; size <= text.size() - start; size += size < 300 ? 1 : 37) {
            const std::string_view part = std::string_view(text).substr(start, size);
            ASSERT_EQ(crc32(part, 7), portable::crc32(part, 7)) << start << " " << size;
            ASSERT_EQ(crc32c(part, 7), portable::crc32c(part, 7)) << start << " " << size;
            ASSERT_EQ(crc64nvme(part, 7), portable::crc64nvme(part, 7)) << start << " " << size;
        }
    }
}

TEST(Crc, OfTheTablesIsThatOfOneBitAtATime) {
    const std::string text = noise(100);
    std::uint64_t state = ~std::uint64_t{0};
    for (const char c : text) {
        state ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) {
            state = state >> 1 ^ (state & 1) * 0x9a6c9329ac4bc9b5u;
        }
    }
    EXPECT_EQ(portable::crc64nvme(text), ~state);
}

TEST(Checksum, IsBase64OfTheBigEndianSum) {
    EXPECT_EQ(value_of(checksum_kind::crc32, digits), "y/Q5Jg==");
    EXPECT_EQ(value_of(checksum_kind::crc32c, digits), "4waSgw==");
    EXPECT_EQ(value_of(checksum_kind::crc64nvme, digits), "rosUhgp5mIg=");
    EXPECT_EQ(value_of(checksum_kind::sha1, "abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    EXPECT_EQ(value_of(checksum_kind::sha256, "abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    EXPECT_EQ(value_of(checksum_kind::crc32, ""), "AAAAAA==");
}

// From the S3 manual's example of a trailer: 65 KiB of 'a'.
TEST(Checksum, MeetsTheValueOfTheManualsTrailer) {
    EXPECT_EQ(value_of(checksum_kind::crc32c, std::string(66560, 'a')), "sOO8/Q==");
}

TEST(Checksum, IsTheSameHoweverTheBytesArrive) {
    const std::string text = noise(700);
    for (const checksum_kind kind : kinds) {
        const std::string whole = value_of(kind, text);
        EXPECT_EQ(whole.size(), text_length(kind));
        for (std::size_t split = 0; split <= text.size(); ++split) {
            checksum sum(kind);
            sum.update(std::string_view(text).substr(0, split));
            EXPECT_EQ(sum.value().view(), value_of(kind, std::string_view(text).substr(0, split)));
            sum.update(std::string_view(text).substr(split));
            ASSERT_EQ(sum.value().view(), whole);
        }
    }
}

TEST(Checksum, HasAHeaderNameEach) {
    EXPECT_EQ(header_name(checksum_kind::crc32), "x-amz-checksum-crc32");
    EXPECT_EQ(header_name(checksum_kind::crc64nvme), "x-amz-checksum-crc64nvme");
    for (const checksum_kind kind : kinds) {
        EXPECT_EQ(checksum_of_header(header_name(kind)), kind);
    }
    EXPECT_EQ(checksum_of_header("X-Amz-Checksum-SHA256"), checksum_kind::sha256);
    EXPECT_EQ(checksum_of_header("x-amz-checksum-crc"), std::nullopt);
    EXPECT_EQ(checksum_of_header("x-amz-checksum-crc32cc"), std::nullopt);
}

} // namespace checksum_test
} // namespace countersign::signer
