#include "chain/dpop.hpp"
#include "chain/rfc3339.hpp"
#include "tests/support/proof.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <regex>

namespace countersign::chain {
namespace dpop_test {

const auto noon = read_rfc3339("2025-11-19T12:00:00Z").value();
constexpr const char* url = "https://us-east-2.signin.aws.amazon.com/v1/token";

std::string pem_of(EVP_PKEY* key) {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey_traditional(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out, &text);
    std::string pem(text, static_cast<std::size_t>(size));
    BIO_free(out);
    EVP_PKEY_free(key);
    return pem;
}

TEST(Dpop, IsVerifiedByWhoeverReadsTheKeyInIt) {
    // A coordinate or half of a signature begins with a zero byte in 1 of 128: those must keep their length.
    for (int i = 0; i < 400; ++i) {
        const auto pem = pem_of(EVP_EC_gen("P-256"));
        const auto token = dpop_proof(pem, url, "an-id", noon);
        ASSERT_TRUE(token) << token.error().detail;
        ASSERT_EQ(tests::verify_proof(token->reveal(), pem).wrong, "");
    }
}

TEST(Dpop, SaysWhatItIsAProofOf) {
    const auto pem = pem_of(EVP_EC_gen("P-256"));
    const auto proof = tests::verify_proof(dpop_proof(pem, url, "an-id", noon)->reveal(), pem);
    EXPECT_EQ(proof.header.at("typ"), "dpop+jwt");
    EXPECT_EQ(proof.header.at("alg"), "ES256");
    EXPECT_EQ(proof.header.at("jwk").at("kty"), "EC");
    EXPECT_EQ(proof.header.at("jwk").at("crv"), "P-256");
    EXPECT_EQ(proof.header.at("jwk").as_object().size(), 4U) << "the private half has no place there";
    const boost::json::object expected{{"jti", "an-id"}, {"htm", "POST"}, {"htu", url}, {"iat", 1763553600}};
    EXPECT_EQ(proof.payload, expected);
}

TEST(Dpop, IsNotMadeWithoutAnId) {
    const auto token = dpop_proof(pem_of(EVP_EC_gen("P-256")), url, "", noon); // random_uuid() without randomness
    ASSERT_FALSE(token);
    EXPECT_TRUE(token.error().retryable);
}

TEST(Dpop, WantsAPrivateKeyOfP256) {
    for (const auto& pem :
         {std::string("no key"), std::string(), pem_of(EVP_EC_gen("P-384")), pem_of(EVP_RSA_gen(2048))}) {
        const auto token = dpop_proof(pem, url, "an-id", noon);
        ASSERT_FALSE(token);
        EXPECT_EQ(token.error().detail, "dpopKey is no P-256 private key in PEM");
    }
}

TEST(Dpop, AsksNobodyForAPassword) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    BIO* out = BIO_new(BIO_s_mem());
    std::string password = "x";
    PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(), nullptr, 0, nullptr, password.data());
    char* text = nullptr;
    const long size = BIO_get_mem_data(out, &text);
    EXPECT_FALSE(dpop_proof({text, static_cast<std::size_t>(size)}, url, "an-id", noon));
    BIO_free(out);
    EVP_PKEY_free(key);
}

TEST(Dpop, HasAnotherIdEachTime) {
    const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    const auto one = random_uuid();
    EXPECT_TRUE(std::regex_match(one, form)) << one;
    EXPECT_NE(one, random_uuid());
}

} // namespace dpop_test
} // namespace countersign::chain
