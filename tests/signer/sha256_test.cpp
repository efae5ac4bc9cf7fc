#include "signer/sha256.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::signer {
namespace sha256_test {

std::string hex(const digest& value) {
    std::string text(64, ' ');
    write_hex(value, text.data());
    return text;
}

TEST(Sha256, AgreesWithTheStandard) {
    EXPECT_EQ(hex(sha256_of("")), empty_hash);
    EXPECT_EQ(hex(sha256_of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(
        hex(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    );
}

TEST(Sha256, IsTheSameInPieces) {
    const std::string text(1000, 'x');
    for (const std::size_t cut : {0u, 1u, 63u, 64u, 65u, 999u, 1000u}) {
        sha256 running;
        running.update(std::string_view(text).substr(0, cut));
        running.update(std::string_view(text).substr(cut));
        EXPECT_EQ(running.finish(), sha256_of(text)) << cut;
    }
}

// RFC 4231, cases 1, 2 and 6.
TEST(Hmac, AgreesWithTheStandard) {
    EXPECT_EQ(
        hex(hmac_key(std::string(20, '\x0b')).mac("Hi There")),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    EXPECT_EQ(
        hex(hmac_key("Jefe").mac("what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    EXPECT_EQ(
        hex(hmac_key(std::string(131, '\xaa')).mac("Test Using Larger Than Block-Size Key - Hash Key First")),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

TEST(Hmac, KeepsItsKeyForTheNextText) {
    const hmac_key key("Jefe");
    const digest first = key.mac("a");
    key.mac("b");
    EXPECT_EQ(key.mac("a"), first);
    const hmac_key copy = key;
    EXPECT_EQ(copy.mac("a"), first);
}

} // namespace sha256_test
} // namespace countersign::signer
