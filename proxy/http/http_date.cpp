#include "proxy/http/http_date.hpp"

#include <array>

namespace countersign::proxy {
namespace {

using namespace std::chrono;

// Reads a date from the left; after a first mismatch `good` stays false and nothing more is taken.
struct reader {
    std::string_view rest;
    bool good = true;

    void expect(std::string_view literal) noexcept {
        good = good && rest.starts_with(literal);
        if (good) {
            rest.remove_prefix(literal.size());
        }
    }

    int digits(std::size_t count) noexcept {
        good = good && rest.size() >= count;
        int value = 0;
        for (std::size_t i = 0; good && i < count; ++i) {
            good = rest[i] >= '0' && rest[i] <= '9';
            value = value * 10 + (rest[i] - '0');
        }
        if (good) {
            rest.remove_prefix(count);
        }
        return value;
    }

    unsigned month_name() noexcept {
        constexpr std::array<std::string_view, 12> names{
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        for (unsigned i = 0; good && i < names.size(); ++i) {
            if (rest.starts_with(names[i])) {
                return rest.remove_prefix(3), i + 1;
            }
        }
        good = false;
        return 1;
    }

    seconds clock() noexcept {
        const int h = digits(2);
        expect(":");
        const int m = digits(2);
        expect(":");
        const int s = digits(2);
        good = good && h < 24 && m < 60 && s <= 60; // 60: a leap second
        return hours{h} + minutes{m} + seconds{s};
    }
};

int full_year(int two_digits, sys_seconds now) noexcept {
    const int this_year = int{year_month_day{floor<days>(now)}.year()};
    int result = this_year - this_year % 100 + two_digits;
    if (result > this_year + 50) {
        result -= 100;
    }
    if (result <= this_year - 50) {
        result += 100;
    }
    return result;
}

std::optional<sys_seconds> finish(const reader& in, int y, unsigned m, int d, seconds clock) noexcept {
    const year_month_day date{year{y}, month{m}, day{static_cast<unsigned>(d)}};
    if (!in.good || !in.rest.empty() || !date.ok()) {
        return std::nullopt;
    }
    return sys_days{date} + clock;
}

// Sun Nov  6 08:49:37 1994, behind the day's name and its space.
std::optional<sys_seconds> parse_asctime(reader in) noexcept {
    const unsigned m = in.month_name();
    in.expect(" ");
    const bool padded = in.rest.starts_with(' ');
    if (padded) {
        in.expect(" ");
    }
    const int d = in.digits(padded ? 1 : 2);
    in.expect(" ");
    const seconds clock = in.clock();
    in.expect(" ");
    const int y = in.digits(4);
    return finish(in, y, m, d, clock);
}

// 06 Nov 1994 08:49:37 GMT or 06-Nov-94 08:49:37 GMT, behind the day's name and its comma.
std::optional<sys_seconds> parse_after_comma(reader in, sys_seconds now) noexcept {
    const int d = in.digits(2);
    const std::string_view separator = in.rest.starts_with('-') ? "-" : " ";
    in.expect(separator);
    const unsigned m = in.month_name();
    in.expect(separator);
    const int y = separator == "-" ? full_year(in.digits(2), now) : in.digits(4);
    in.expect(" ");
    const seconds clock = in.clock();
    in.expect(" GMT");
    return finish(in, y, m, d, clock);
}

} // namespace

std::optional<sys_seconds> parse_http_date(std::string_view text, sys_seconds now) noexcept {
    const std::size_t end_of_day = text.find_first_of(", ");
    // "Sun" to "Wednesday"
    if (end_of_day == std::string_view::npos || end_of_day < 3 || end_of_day > 9) {
        return std::nullopt;
    }
    reader in{text.substr(end_of_day)};
    if (in.rest.starts_with(", ")) {
        in.expect(", ");
        return parse_after_comma(in, now);
    }
    in.expect(" ");
    return parse_asctime(in);
}

} // namespace countersign::proxy
