// Percent-encoding as SigV4 wants it (RFC 3986 section 2, upper-case hex), case folding of ASCII, and the pen
// that all texts of a signature are written with. Never allocates and never checks room: the caller reserves
// the stated bounds. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace countersign::signer {

// Which bytes stay as they are; all others become %XX.
using byte_set = std::array<bool, 256>;

constexpr byte_set make_byte_set(std::string_view others) {
    byte_set set{};
    for (unsigned c = 'a'; c <= 'z'; ++c) {
        set[c] = set[c - 'a' + 'A'] = true;
    }
    for (unsigned c = '0'; c <= '9'; ++c) {
        set[c] = true;
    }
    for (const char c : others) {
        set[static_cast<unsigned char>(c)] = true;
    }
    return set;
}

inline constexpr byte_set unreserved = make_byte_set("-_.~");
inline constexpr byte_set unreserved_and_slash = make_byte_set("-_.~/");

inline bool contains(const byte_set& set, char c) noexcept {
    return set[static_cast<unsigned char>(c)];
}

// True when no byte of `text` needs encoding.
bool consists_of(const byte_set& set, std::string_view text) noexcept;

// What a raw '+' stands for.
enum class plus_sign : unsigned char { literal, blank };

inline constexpr auto lower_case = [] {
    std::array<char, 256> table{};
    for (unsigned c = 0; c < table.size(); ++c) {
        table[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return table;
}();

inline char to_lower(char c) noexcept {
    return lower_case[static_cast<unsigned char>(c)];
}

// `lower` is already in lower case.
bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept;

// -1 when `c` is no hex digit.
int hex_value(char c) noexcept;

// The byte at text[i], percent-decoded; `i` moves behind it. A '%' without two hex digits stands for itself.
char decode_next(std::string_view text, std::size_t& i, plus_sign plus) noexcept;

// A position in a buffer that is large enough.
class pen {
public:
    explicit pen(char* at) noexcept : at_(at) {}

    char* at() const noexcept { return at_; }
    void put(char c) noexcept { *at_++ = c; }
    void put(std::string_view text) noexcept {
        if (!text.empty()) {
            std::memcpy(at_, text.data(), text.size());
            at_ += text.size();
        }
    }
    // A literal: its length is known, so this is a few moves.
    template <std::size_t Size>
    void put(const char (&text)[Size]) noexcept {
        std::memcpy(at_, text, Size - 1);
        at_ += Size - 1;
    }

    void put_lower(std::string_view text) noexcept {
        for (const char c : text) {
            *at_++ = to_lower(c);
        }
    }

    // /a b → /a%20b; at most 3 bytes for one.
    void put_encoded(std::string_view text, const byte_set& kept) noexcept;

    // Decoded once, then encoded: a%7e%c3+ → a~%C3%20 (plus_sign::blank); at most 3 bytes for one.
    void put_reencoded(std::string_view text, const byte_set& kept, plus_sign plus) noexcept;

    // What was written since `start`.
    std::string_view since(const char* start) const noexcept { return {start, static_cast<std::size_t>(at_ - start)}; }

private:
    char* at_;
};

} // namespace countersign::signer
