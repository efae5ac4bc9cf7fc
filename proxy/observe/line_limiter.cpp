#include "proxy/observe/line_limiter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

} // namespace

// FNV-1a. Where strangers choose the digits, a run of them counts as one.
std::uint64_t line_limiter::hash_of(std::string_view text) const noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    bool in_number = false;
    for (const char c : text) {
        const bool goes_on = strangers_ && is_digit(c) && in_number;
        in_number = is_digit(c);
        if (!goes_on) {
            const char counted = strangers_ && in_number ? '0' : c;
            hash = (hash ^ static_cast<unsigned char>(counted)) * 0x100000001b3;
        }
    }
    return hash;
}

bool line_limiter::admit(level l, std::string_view text, time now) {
    const std::uint64_t hash = hash_of(text);
    const auto found =
        std::find_if(kinds_.begin(), kinds_.end(), [&](const kind& k) { return k.hash == hash && k.of == l; });
    if (found != kinds_.end()) {
        const bool may = found->seen < at_once;
        ++(may ? found->seen : found->left_out);
        return may;
    }
    if (kinds_.size() < (l >= level::err ? most_kinds : most_kinds - for_errors)) {
        kinds_.push_back({hash, l, now, 1, 0, std::string(text.substr(0, kept_text))});
        return true;
    }
    if (strangers_) {
        others_.began = others_.left_out == 0 ? now : others_.began;
        others_.of = std::max(others_.of, l);
        ++others_.left_out;
    }
    return !strangers_;
}

std::vector<line_limiter::left_out> line_limiter::take_due(time now) {
    std::vector<left_out> due;
    std::erase_if(kinds_, [&](kind& k) {
        if (now - k.began < window) {
            return false;
        }
        if (k.left_out == 0) {
            return true;
        }
        due.push_back({k.of, k.text, std::exchange(k.left_out, 0)});
        k.began = now; // it has had its lines, and is forgotten when a whole window has none
        return false;
    });
    if (others_.left_out != 0 && now - others_.began >= window) {
        due.push_back({std::exchange(others_.of, level::warn), "", std::exchange(others_.left_out, 0)});
    }
    return due;
}

std::string in_words(const line_limiter::left_out& what) {
    const std::string_view lines = what.lines == 1 ? "line" : "lines";
    if (what.text.empty()) {
        return fmt::format(
            "{} more {} of other kinds in the last {} s", what.lines, lines, line_limiter::window.count()
        );
    }
    const std::string_view cut = what.text.size() == line_limiter::kept_text ? "..." : "";
    return fmt::format(
        "{}{} ({} more such {} in the last {} s)", what.text, cut, what.lines, lines, line_limiter::window.count()
    );
}

} // namespace countersign::proxy
