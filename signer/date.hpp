// The date of a signature: YYYYMMDDTHHMMSSZ, always UTC and whole seconds (ISO 8601, basic form). Pure; any
// thread.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace countersign::signer {

// 2026-01-02T03:04:05Z → 20260102T030405Z; its first eight characters are the day of the credential scope.
class date_text {
public:
    // REQUIRES: a year of four digits.
    explicit date_text(std::chrono::sys_seconds when) noexcept;

    std::string_view date() const noexcept { return {text_.data(), text_.size()}; }
    std::string_view day() const noexcept { return date().substr(0, 8); }

private:
    std::array<char, 16> text_;
};

// The other way round; nullopt for every other form and for dates that no calendar has (20260230T000000Z).
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) noexcept;

} // namespace countersign::signer
