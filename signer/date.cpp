#include "signer/date.hpp"

namespace countersign::signer {
namespace {

char* put_two(char* at, unsigned value) noexcept {
    at[0] = static_cast<char>('0' + value / 10 % 10);
    at[1] = static_cast<char>('0' + value % 10);
    return at + 2;
}

// REQUIRES: only digits.
unsigned number(std::string_view digits) noexcept {
    unsigned value = 0;
    for (const char c : digits) {
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

} // namespace

date_text::date_text(std::chrono::sys_seconds when) noexcept {
    const auto midnight = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day day(midnight);
    const auto second = static_cast<unsigned>((when - midnight).count());
    const auto year = static_cast<unsigned>(static_cast<int>(day.year()));
    char* at = put_two(text_.data(), year / 100);
    at = put_two(at, year);
    at = put_two(at, static_cast<unsigned>(day.month()));
    at = put_two(at, static_cast<unsigned>(day.day()));
    *at++ = 'T';
    at = put_two(at, second / 3600);
    at = put_two(at, second / 60 % 60);
    at = put_two(at, second % 60);
    *at = 'Z';
}

std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) noexcept {
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') {
        return std::nullopt;
    }
    for (const std::string_view digits : {text.substr(0, 8), text.substr(9, 6)}) {
        if (digits.find_first_not_of("0123456789") != std::string_view::npos) {
            return std::nullopt;
        }
    }
    const std::chrono::year_month_day day(
        std::chrono::year(static_cast<int>(number(text.substr(0, 4)))),
        std::chrono::month(number(text.substr(4, 2))),
        std::chrono::day(number(text.substr(6, 2)))
    );
    const unsigned hour = number(text.substr(9, 2));
    const unsigned minute = number(text.substr(11, 2));
    const unsigned second = number(text.substr(13, 2));
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) {
        return std::nullopt;
    }
    return std::chrono::sys_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

} // namespace countersign::signer
