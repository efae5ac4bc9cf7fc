#include "proxy/http/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::proxy {
namespace chunked_test {

struct decoded {
    chunked_decoder::step end = chunked_decoder::step::more;
    std::string content;
    std::string rest;
};

// Fed in pieces of `piece` bytes.
decoded decode(std::string_view text, std::size_t piece) {
    decoded out;
    chunked_decoder d;
    while (!text.empty()) {
        std::string_view part = text.substr(0, piece);
        text.remove_prefix(part.size());
        std::string_view content;
        while ((out.end = d.next(part, content)) == chunked_decoder::step::content) {
            out.content += content;
        }
        if (out.end != chunked_decoder::step::more) {
            out.rest = std::string(part) + std::string(text);
            break;
        }
    }
    return out;
}

TEST(Chunked, DecodesTheSameInPiecesOfAnySize) {
    const std::string text = "5\r\nhello\r\n1;a=\"b\"\r\n \r\n000A\r\n0123456789\r\n0\r\nX-T: v\r\nY:\r\n\r\nNEXT";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        const decoded d = decode(text, piece);
        EXPECT_EQ(d.end, chunked_decoder::step::complete) << piece;
        EXPECT_EQ(d.content, "hello 0123456789") << piece;
        EXPECT_EQ(d.rest, "NEXT") << piece;
    }
}

TEST(Chunked, RefusesWhatIsNotExactlyTheGrammar) {
    for (const char* text :
         {"\r\n",
          "g\r\n",
          "-1\r\n",
          "+1\r\n",
          "0x5\r\nhello\r\n",
          " 5\r\nhello\r\n",
          "5 \r\nhello\r\n",
          "5\nhello\r\n",
          "5\r\nhelloX\r\n",
          "5\r\nhello\n",
          "5\r\nhello\r\n\r\n",
          "5\rhello",
          "5;a\nhello",
          "1234567890123456\r\n",
          "0\r\n\n",
          "0\r\nX T: v\r\n\r\n",
          "0\r\n: v\r\n\r\n",
          "0\r\n X: v\r\n\r\n",
          "0\r\nX: a\x01\r\n\r\n",
          "0\r\nX: v\n\r\n",
          "5;\x7f\r\nhello\r\n",
          ";a\r\n"}) {
        EXPECT_EQ(decode(text, 1).end, chunked_decoder::step::broken) << text;
        EXPECT_EQ(decode(text, 1000).end, chunked_decoder::step::broken) << text;
    }
}

TEST(Chunked, BoundsExtensionsAndTrailers) {
    std::string extensions;
    for (int i = 0; i < 100; ++i) {
        extensions += "1;" + std::string(60, 'x') + "\r\na\r\n";
    }
    EXPECT_EQ(decode(extensions, 4096).end, chunked_decoder::step::broken);
    EXPECT_EQ(decode("0\r\nX: " + std::string(9000, 'y') + "\r\n\r\n", 4096).end, chunked_decoder::step::broken);
}

} // namespace chunked_test
} // namespace countersign::proxy
