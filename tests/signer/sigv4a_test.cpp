#include "signer/sigv4a.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace countersign::signer {
namespace sigv4a_test {

// Published with the derivation: aws-c-auth's key derivation test.
constexpr std::string_view id = "AKISORANDOMAASORANDOM";
constexpr std::string_view secret = "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom";
constexpr std::string_view public_x = "15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb";
constexpr std::string_view public_y = "0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0";

TEST(EcdsaKey, IsDerivedAsPublished) {
    const ecdsa_public_key made = ecdsa_key::derive(id, secret).public_key();
    EXPECT_EQ(made.x(), public_x);
    EXPECT_EQ(made.y(), public_y);
}

TEST(EcdsaKey, DependsOnIdAndSecretWhateverTheirLength) {
    std::set<std::string> seen;
    for (const std::size_t size : {0u, 1u, 58u, 59u, 60u, 64u, 65u, 500u}) {
        seen.insert(ecdsa_key::derive("AKID", std::string(size, 's')).public_key().x());
        seen.insert(ecdsa_key::derive(std::string(size, 'A') + "B", "secret").public_key().x());
    }
    EXPECT_EQ(seen.size(), 16u);
}

TEST(EcdsaKey, SignsWhatThePublishedPublicKeyAccepts) {
    const auto trusted = ecdsa_public_key::from_hex(public_x, public_y);
    ASSERT_TRUE(trusted);
    const ecdsa_key key = ecdsa_key::derive(id, secret);
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) {
        const ecdsa_signature made = key.sign("text");
        EXPECT_TRUE(trusted->verify("text", made.hex()));
        EXPECT_FALSE(trusted->verify("Text", made.hex()));
        EXPECT_LE(made.hex().size(), most_ecdsa_hex);
        seen.emplace(made.hex());
    }
    EXPECT_EQ(seen.size(), 50u);
}

TEST(EcdsaKey, SurvivesBeingMoved) {
    ecdsa_key first = ecdsa_key::derive(id, secret);
    const ecdsa_key second = std::move(first);
    EXPECT_TRUE(second.public_key().verify("text", second.sign("text").hex()));
}

// Another implementation's signature: RFC 6979 A.2.5, P-256 with SHA-256, message "sample", in DER.
TEST(EcdsaPublicKey, AcceptsThePublishedSignatureOfAnotherSigner) {
    const auto key = ecdsa_public_key::from_hex(
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    );
    ASSERT_TRUE(key);
    const std::string signature = "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                  "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    EXPECT_TRUE(key->verify("sample", signature));
    EXPECT_FALSE(key->verify("test", signature));
}

TEST(EcdsaPublicKey, RefusesEveryOtherSpellingOfASignature) {
    const ecdsa_key signer = ecdsa_key::derive(id, secret);
    const ecdsa_public_key key = signer.public_key();
    const std::string good(signer.sign("text").hex());
    std::string upper = good;
    const std::size_t letter = upper.find_first_of("abcdef");
    ASSERT_NE(letter, std::string::npos);
    upper[letter] = static_cast<char>(upper[letter] - 'a' + 'A');
    std::string long_length = good; // BER: the length in two bytes
    long_length.insert(2, "81");
    for (const std::string& bad :
         {std::string(),
          std::string("30"),
          upper,
          long_length,
          good + "00",
          good + "0",
          good.substr(0, good.size() - 2),
          good.substr(0, good.size() - 1),
          good + '*',
          std::string(144, '0'),
          std::string(146, '0'),
          std::string(4000, 'a'),
          std::string("3006020100020100")}) {
        EXPECT_FALSE(key.verify("text", bad)) << bad;
    }
    EXPECT_TRUE(key.verify("text", good));
}

TEST(EcdsaPublicKey, IsAPointOfTheCurve) {
    EXPECT_FALSE(ecdsa_public_key::from_hex(public_y, public_x));
    EXPECT_FALSE(ecdsa_public_key::from_hex(std::string(64, '0'), std::string(64, '0')));
    EXPECT_FALSE(ecdsa_public_key::from_hex(std::string(64, 'f'), std::string(64, 'f')));
    EXPECT_FALSE(ecdsa_public_key::from_hex(public_x.substr(1), public_y));
    EXPECT_FALSE(ecdsa_public_key::from_hex(public_x, ""));
}

TEST(EcdsaKeyCache, ReturnsTheSameKeyAgainAndTellsOthersApart) {
    ecdsa_key_cache keys(2);
    const ecdsa_key* const first = &keys.find(id, secret);
    EXPECT_EQ(&keys.find(id, secret), first);
    EXPECT_EQ(keys.find(id, secret).public_key().x(), public_x);
    EXPECT_NE(keys.find("AKID", secret).public_key().x(), public_x);
    EXPECT_EQ(&keys.find(id, secret), first); // "AKID" goes next, not this one
    EXPECT_NE(keys.find(id, "other").public_key().x(), public_x);
    EXPECT_EQ(&keys.find(id, secret), first);
    keys.clear();
    EXPECT_EQ(keys.find(id, secret).public_key().x(), public_x);
}

} // namespace sigv4a_test
} // namespace countersign::signer
