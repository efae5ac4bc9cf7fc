#include "chain/ini_text.hpp"

#include <algorithm>
#include <array>

namespace countersign::chain {

namespace {

using namespace std::string_view_literals;

// str.isspace() beyond ASCII, U+2000 to U+200A apart.
constexpr std::array wide_blanks{
    "\xc2\x85"sv,
    "\xc2\xa0"sv,
    "\xe1\x9a\x80"sv,
    "\xe2\x80\xa8"sv,
    "\xe2\x80\xa9"sv,
    "\xe2\x80\xaf"sv,
    "\xe2\x81\x9f"sv,
    "\xe3\x80\x80"sv};

constexpr bool is_narrow_blank(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

constexpr bool is_typographic_blank(std::string_view text) noexcept {
    if (text.size() != 3 || !text.starts_with("\xe2\x80"))
        return false;
    const auto last = static_cast<unsigned char>(text[2]);
    return last >= 0x80 && last <= 0x8a;
}

bool is_wide_blank(std::string_view text) noexcept {
    return is_typographic_blank(text) || std::find(wide_blanks.begin(), wide_blanks.end(), text) != wide_blanks.end();
}

// The bytes of the blank that the text begins with; 0 without one.
std::size_t blank_in_front(std::string_view text) noexcept {
    if (!text.empty() && is_narrow_blank(text.front()))
        return 1;
    return is_wide_blank(text.substr(0, 2)) ? 2 : is_wide_blank(text.substr(0, 3)) ? 3 : 0;
}

std::size_t blank_at_end(std::string_view text) noexcept {
    if (!text.empty() && is_narrow_blank(text.back()))
        return 1;
    for (const std::size_t size : {2U, 3U})
        if (text.size() >= size && is_wide_blank(text.substr(text.size() - size)))
            return size;
    return 0;
}

} // namespace

std::string_view take_line(std::string_view& text) noexcept {
    const auto end = text.find_first_of("\r\n");
    const auto line = text.substr(0, end);
    if (end == std::string_view::npos)
        text = {};
    else
        text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
    return line;
}

std::string_view stripped_front(std::string_view text) noexcept {
    while (const auto size = blank_in_front(text))
        text.remove_prefix(size);
    return text;
}

std::string_view stripped_back(std::string_view text) noexcept {
    while (const auto size = blank_at_end(text))
        text.remove_suffix(size);
    return text;
}

std::string_view stripped(std::string_view text) noexcept {
    return stripped_back(stripped_front(text));
}

std::size_t indentation_of(std::string_view line) noexcept {
    std::size_t characters = 0;
    for (; const auto size = blank_in_front(line); ++characters)
        line.remove_prefix(size);
    return characters;
}

} // namespace countersign::chain
