// The few questions that every source asks of a text. Pure; any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace countersign::chain {

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

// Takes blanks off both ends: " a b\t" → "a b".
constexpr std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

// Keys, tokens and role names end up in header lines and paths: one control byte or blank in them is an
// attack or a broken file, never something to be repaired. Empty is not visible.
constexpr bool is_visible(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// What a text is instead of plain UTF-8, for messages: "UTF-16 (little-endian)", "UTF-8 with a byte order mark", …, or
// "" for what may be plain UTF-8. Editors and shells of Windows leave such files behind. Without a mark UTF-16 is known
// by a NUL in every other byte: the first two characters decide.
constexpr std::string_view foreign_encoding(std::string_view text) noexcept {
    using namespace std::string_view_literals;
    if (text.starts_with("\xff\xfe\0\0"sv) || text.starts_with("\0\0\xfe\xff"sv))
        return "UTF-32 with a byte order mark";
    if (text.starts_with("\xef\xbb\xbf"sv))
        return "UTF-8 with a byte order mark";
    if (text.starts_with("\xff\xfe"sv))
        return "UTF-16 (little-endian) with a byte order mark";
    if (text.starts_with("\xfe\xff"sv))
        return "UTF-16 (big-endian) with a byte order mark";
    const auto begin = text.substr(0, text.size() < 4 ? 2 : 4);
    bool is_little = begin.size() >= 2;
    bool is_big = is_little;
    for (std::size_t i = 0; i + 1 < begin.size(); i += 2) {
        is_little = is_little && begin[i] != '\0' && begin[i + 1] == '\0';
        is_big = is_big && begin[i] == '\0' && begin[i + 1] != '\0';
    }
    return is_little ? "UTF-16 (little-endian)"sv : is_big ? "UTF-16 (big-endian)"sv : ""sv;
}

// For messages: "the file is UTF-16 (little-endian): it must be plain UTF-8"
inline std::string in_wrong_encoding(std::string_view what, std::string_view encoding) {
    return std::string(what).append(" is ").append(encoding).append(": it must be plain UTF-8");
}

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// For messages: what came from outside, cut to `limit` bytes, everything but printable ASCII as '?'.
inline std::string printable(std::string_view text, std::size_t limit = 120) {
    std::string out(text.substr(0, limit));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c >= 0x7f; }, '?'
    );
    return text.size() > limit ? out + "..." : out;
}

// For messages: AKIAIOSFODNN7EXAMPLE → AKIA************MPLE. An id is no secret, but a whole one helps nobody
// either.
inline std::string masked(std::string_view key_id) {
    if (key_id.size() <= 8)
        return std::string(key_id.size(), '*');
    std::string out(key_id);
    std::fill(out.begin() + 4, out.end() - 4, '*');
    return printable(out);
}

} // namespace countersign::chain
