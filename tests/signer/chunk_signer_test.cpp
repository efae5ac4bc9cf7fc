// The values are those of the two examples in the S3 API Reference: 65 KiB of 'a' in chunks of 65536, 1024 and 0 bytes.
#include "signer/chunk_signer.hpp"
#include "tests/signer/support/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::signer {
namespace chunk_signer_test {

using chunked::context;
using chunked::context_with_trailer;
using chunked::key;

const std::array<digest, 3> hashes{
    sha256_of(std::string(65536, 'a')), sha256_of(std::string(1024, 'a')), sha256_of("")};
constexpr std::array<trailer, 1> trailers{{{"x-amz-checksum-crc32c", "sOO8/Q=="}}};

constexpr std::array<std::string_view, 3> plain{
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};
constexpr std::array<std::string_view, 3> before_trailer{
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"};
constexpr std::string_view of_trailer = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";

TEST(ChunkSigner, MakesTheSignaturesOfTheManualsExample) {
    chunk_signer chain(key(), context);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        EXPECT_EQ(chain.sign_chunk(hashes[i]), plain[i]);
    }
}

TEST(ChunkSigner, MakesTheSignaturesOfTheManualsExampleWithATrailer) {
    chunk_signer chain(key(), context_with_trailer);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        EXPECT_EQ(chain.sign_chunk(hashes[i]), before_trailer[i]);
    }
    EXPECT_EQ(chain.sign_trailer(hash_of_trailers(trailers)), of_trailer);
}

TEST(ChunkVerifier, TakesTheSignaturesOfTheManual) {
    chunk_verifier chain(key(), context_with_trailer);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        EXPECT_TRUE(chain.verify_chunk(hashes[i], before_trailer[i]));
    }
    EXPECT_TRUE(chain.verify_trailer(hash_of_trailers(trailers), of_trailer));
}

TEST(ChunkVerifier, RefusesOtherHashesSignaturesAndOrders) {
    EXPECT_FALSE(chunk_verifier(key(), context).verify_chunk(hashes[1], plain[0]));
    EXPECT_FALSE(chunk_verifier(key(), context).verify_chunk(hashes[0], plain[1]));
    EXPECT_FALSE(chunk_verifier(key(), context).verify_chunk(hashes[0], plain[0].substr(1)));
    EXPECT_FALSE(chunk_verifier(key(), context).verify_chunk(hashes[0], std::string(plain[0]) + "*"));
    EXPECT_FALSE(chunk_verifier(key(), context).verify_trailer(hashes[0], plain[0]));
    EXPECT_FALSE(chunk_verifier(key(), context_with_trailer).verify_chunk(hashes[0], plain[0]));
    chunk_verifier after_wrong_one(key(), context);
    EXPECT_FALSE(after_wrong_one.verify_chunk(hashes[0], of_trailer));
    EXPECT_FALSE(after_wrong_one.verify_chunk(hashes[1], plain[1]));
}

// No published example; the strings to sign are written out here as the standard says.
TEST(ChunkSigner, ChainsEcdsaSignaturesWithoutTheirPadding) {
    const ecdsa_key key_v4a = ecdsa_key::derive(chunked::id, chunked::secret);
    const ecdsa_public_key public_key = key_v4a.public_key();
    const chunk_context about{"20130524T000000Z", "20130524/s3/aws4_request", "30450221ab"};
    const std::string start = "20130524T000000Z\n20130524/s3/aws4_request\n";
    const auto unpadded = [](std::string_view s) { return std::string(s.substr(0, s.find('*'))); };
    const std::string empty(empty_hash);

    bool padding_was_seen = false;
    for (int round = 0; round < 30; ++round) {
        chunk_signer chain(key_v4a, about);
        EXPECT_EQ(chain.algorithm(), chunk_algorithm::ecdsa_p256);
        const std::string wire(chain.sign_chunk(sha256_of("")));
        const std::string first = unpadded(wire);
        EXPECT_EQ(wire.size(), 144u);
        padding_was_seen |= first.size() < wire.size();
        EXPECT_TRUE(
            public_key.verify("AWS4-ECDSA-P256-SHA256-PAYLOAD\n" + start + "30450221ab\n" + empty + "\n" + empty, first)
        );
        const std::string second = unpadded(chain.sign_trailer(sha256_of("")));
        EXPECT_TRUE(public_key.verify("AWS4-ECDSA-P256-SHA256-TRAILER\n" + start + first + "\n" + empty, second));
    }
    EXPECT_TRUE(padding_was_seen); // a signature has its full length once in four
}

TEST(ChunkVerifier, ChecksEcdsaSignaturesAsTheyStandOnTheWire) {
    const ecdsa_key key_v4a = ecdsa_key::derive(chunked::id, chunked::secret);
    const ecdsa_public_key public_key = key_v4a.public_key();
    const chunk_context about{"20130524T000000Z", "20130524/s3/aws4_request", "30450221ab"};
    chunk_signer signer(key_v4a, about);
    chunk_verifier good(public_key, about);
    chunk_verifier bad(public_key, about);
    const std::string first(signer.sign_chunk(hashes[0]));
    EXPECT_TRUE(good.verify_chunk(hashes[0], first));
    EXPECT_FALSE(bad.verify_chunk(hashes[1], first));
    EXPECT_TRUE(good.verify_chunk(hashes[1], signer.sign_chunk(hashes[1])));
    const std::string last(signer.sign_trailer(hashes[2]));
    EXPECT_TRUE(good.verify_trailer(hashes[2], last));
    EXPECT_FALSE(good.verify_trailer(hashes[2], last)); // the chain has moved on
}

TEST(ChunkSigner, BuildsTheTextOfTrailersLineByLine) {
    const std::array<trailer, 2> two{{{"a", "1"}, {"b", "2 3"}}};
    EXPECT_EQ(hash_of_trailers(two), sha256_of("a:1\nb:2 3\n"));
    EXPECT_EQ(hash_of_trailers({}), sha256_of(""));
}

} // namespace chunk_signer_test
} // namespace countersign::signer
