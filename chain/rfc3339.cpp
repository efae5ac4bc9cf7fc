#include "chain/rfc3339.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace countersign::chain {

namespace {

// Takes fixed-width pieces off the front of a text; `ok` turns false for good at the first that does not fit.
struct reader {
    std::string_view rest;
    bool ok = true;

    int digits(std::size_t count) noexcept {
        int value = 0;
        ok = ok && rest.size() >= count;
        for (std::size_t i = 0; ok && i < count; ++i) {
            ok = rest[i] >= '0' && rest[i] <= '9';
            value = value * 10 + (rest[i] - '0');
        }
        if (ok) {
            rest.remove_prefix(count);
        }
        return value;
    }

    char one_of(std::string_view allowed) noexcept {
        ok = ok && !rest.empty() && allowed.find(rest.front()) != std::string_view::npos;
        if (!ok) {
            return '\0';
        }
        const char c = rest.front();
        rest.remove_prefix(1);
        return c;
    }
};

void skip_fraction(reader& r) noexcept {
    if (!r.ok || !r.rest.starts_with('.')) {
        return;
    }
    const auto end = r.rest.find_first_not_of("0123456789", 1);
    r.ok = end != 1 && end != std::string_view::npos;
    if (r.ok) {
        r.rest.remove_prefix(end);
    }
}

std::chrono::minutes read_offset(reader& r) noexcept {
    const char sign = r.one_of("Zz+-");
    if (!r.ok || sign == 'Z' || sign == 'z') {
        return {};
    }
    const int hours = r.digits(2);
    r.one_of(":");
    const int minutes = r.digits(2);
    r.ok = r.ok && hours < 24 && minutes < 60;
    const std::chrono::minutes offset{hours * 60 + minutes};
    return sign == '-' ? -offset : offset;
}

} // namespace

std::optional<std::chrono::system_clock::time_point> read_rfc3339(std::string_view text) noexcept {
    using namespace std::chrono;
    reader r{text};
    const int y = r.digits(4);
    r.one_of("-");
    const int m = r.digits(2);
    r.one_of("-");
    const int d = r.digits(2);
    r.one_of("Tt");
    const int hour = r.digits(2);
    r.one_of(":");
    const int minute = r.digits(2);
    r.one_of(":");
    const int second = r.digits(2);
    skip_fraction(r);
    const minutes offset = read_offset(r);
    // A year before 1700 cannot be counted in nanoseconds either; 60 is a leap second.
    if (!r.ok || !r.rest.empty() || y < 1700 || hour > 23 || minute > 59 || second > 60) {
        return std::nullopt;
    }
    const year_month_day date{year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}};
    if (!date.ok()) {
        return std::nullopt;
    }
    const sys_seconds time = sys_days{date} + hours{hour} + minutes{minute} + seconds{second} - offset;
    return system_clock::time_point{std::min(time, floor<seconds>(latest_time))};
}

std::string write_rfc3339(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto day_start = floor<days>(time);
    const year_month_day date{day_start};
    const hh_mm_ss clock{floor<seconds>(time - day_start)};
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        int{date.year()},
        unsigned{date.month()},
        unsigned{date.day()},
        clock.hours().count(),
        clock.minutes().count(),
        clock.seconds().count()
    );
}

} // namespace countersign::chain
