#include "signer/encode.hpp"

#include <algorithm>

namespace countersign::signer {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

inline char* put_byte(char c, const byte_set& kept, char* at) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    if (kept[byte]) {
        *at++ = c;
        return at;
    }
    *at++ = '%';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

} // namespace

bool consists_of(const byte_set& set, std::string_view text) noexcept {
    bool all = true;
    for (const char c : text) { // no early way out: the usual answer is yes
        all &= contains(set, c);
    }
    return all;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
    return text.size() == lower.size() &&
           std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return to_lower(a) == b; });
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char letter = to_lower(c);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

char decode_next(std::string_view text, std::size_t& i, plus_sign plus) noexcept {
    const char c = text[i++];
    if (c == '%' && text.size() - i >= 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high >= 0 && low >= 0) {
            i += 2;
            return static_cast<char>(high * 16 + low);
        }
    }
    return c == '+' && plus == plus_sign::blank ? ' ' : c;
}

void pen::put_encoded(std::string_view text, const byte_set& kept) noexcept {
    char* at = at_;
    for (const char c : text) {
        at = put_byte(c, kept, at);
    }
    at_ = at;
}

void pen::put_reencoded(std::string_view text, const byte_set& kept, plus_sign plus) noexcept {
    char* at = at_;
    for (std::size_t i = 0; i < text.size();) {
        at = put_byte(decode_next(text, i, plus), kept, at);
    }
    at_ = at;
}

} // namespace countersign::signer
