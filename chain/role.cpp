#include "chain/role.hpp"

#include "chain/text.hpp"

#include <algorithm>
#include <charconv>

namespace countersign::chain {

bool is_session_name(std::string_view text) noexcept {
    constexpr std::string_view marks = "_+=,.@-";
    return text.size() >= 2 && text.size() <= 64 && std::all_of(text.begin(), text.end(), [&](char c) {
               return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
                      marks.find(c) != std::string_view::npos;
           });
}

std::optional<std::chrono::seconds> read_role_duration(std::string_view text) noexcept {
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds < 900 || seconds > 43200) {
        return std::nullopt;
    }
    return std::chrono::seconds(seconds);
}

} // namespace countersign::chain
