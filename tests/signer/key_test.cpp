#include "signer/key.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::signer {
namespace key_test {

constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

// The chain of HMACs as the standard writes it, each from plain bytes.
digest by_the_book(std::string_view from, std::initializer_list<std::string_view> words, std::string_view text) {
    std::string key = "AWS4" + std::string(from);
    for (const std::string_view word : words) {
        const digest next = hmac_key(key).mac(word);
        key.assign(reinterpret_cast<const char*>(next.data()), next.size());
    }
    return hmac_key(key).mac(text);
}

TEST(SigningKey, IsDerivedAsTheStandardSays) {
    for (const std::string& s :
         {std::string(secret), std::string("x"), std::string(60, 'y'), std::string(61, 'z'), std::string(500, 'w')}) {
        EXPECT_EQ(
            signing_key::derive(s, "20150830", "us-east-1", "iam").mac("text"),
            by_the_book(s, {"20150830", "us-east-1", "iam", "aws4_request"}, "text")
        ) << s.size();
    }
}

// The key that the AWS General Reference's example derives ("Task 3: Calculate the signature"), c4afb1cc…. Ours is
// not to be had, only what it makes of a text.
TEST(SigningKey, IsThePublishedOne) {
    constexpr std::string_view published = "\xc4\xaf\xb1\xcc\x57\x71\xd8\x71\x76\x3a\x39\x3e\x44\xb7\x03\x57"
                                           "\x1b\x55\xcc\x28\x42\x4d\x1a\x5e\x86\xda\x6e\xd3\xc1\x54\xa4\xb9";
    EXPECT_EQ(signing_key::derive(secret, "20150830", "us-east-1", "iam").mac("text"), hmac_key(published).mac("text"));
}

// The string to sign of the AWS General Reference's example (IAM ListUsers) and its signature.
TEST(SigningKey, SignsThePublishedExample) {
    std::string hex(64, ' ');
    write_hex(
        signing_key::derive(secret, "20150830", "us-east-1", "iam")
            .mac("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
                 "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"),
        hex.data()
    );
    EXPECT_EQ(hex, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(KeyCache, ReturnsTheSameKeyAgain) {
    key_cache keys;
    const signing_key* const first = &keys.find("AKID", secret, "20260101", "us-east-1", "s3");
    EXPECT_EQ(&keys.find("AKID", secret, "20260101", "us-east-1", "s3"), first);
}

TEST(KeyCache, TellsEveryPartOfAScopeApart) {
    key_cache keys;
    const digest right = keys.find("AKID", secret, "20260101", "us-east-1", "s3").mac("");
    EXPECT_NE(keys.find("AKID", "other", "20260101", "us-east-1", "s3").mac(""), right);
    EXPECT_NE(keys.find("AKID", std::string(secret) + "x", "20260101", "us-east-1", "s3").mac(""), right);
    EXPECT_NE(keys.find("AKID", secret, "20260102", "us-east-1", "s3").mac(""), right);
    EXPECT_NE(keys.find("AKID", secret, "20260101", "us-east-2", "s3").mac(""), right);
    EXPECT_NE(keys.find("AKID", secret, "20260101", "us-east-1", "sts").mac(""), right);
    EXPECT_EQ(keys.find("AKID", secret, "20260101", "us-east-1", "s3").mac(""), right);
}

TEST(KeyCache, ForgetsTheLeastRecentlyUsed) {
    key_cache keys(2);
    const signing_key* const first = &keys.find("AKID", secret, "20260101", "us-east-1", "a");
    keys.find("AKID", secret, "20260101", "us-east-1", "b");
    EXPECT_EQ(&keys.find("AKID", secret, "20260101", "us-east-1", "a"), first);
    const signing_key* const third = &keys.find("AKID", secret, "20260101", "us-east-1", "c"); // b goes
    EXPECT_EQ(&keys.find("AKID", secret, "20260101", "us-east-1", "a"), first);
    EXPECT_EQ(&keys.find("AKID", secret, "20260101", "us-east-1", "c"), third);
}

TEST(KeyCache, WorksBeyondItsCapacityAndAfterClearing) {
    key_cache keys(3);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 10; ++i) {
            const std::string service = "service-" + std::to_string(i);
            EXPECT_EQ(
                keys.find("AKID", secret, "20260101", "us-east-1", service).mac("x"),
                signing_key::derive(secret, "20260101", "us-east-1", service).mac("x")
            );
        }
        keys.clear();
    }
}

} // namespace key_test
} // namespace countersign::signer
