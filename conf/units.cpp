#include "conf/units.hpp"

#include "conf/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

namespace countersign::conf {
namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<unit, 4> time_units{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<unit, 9> size_units{
    {{"", 1},
     {"B", 1},
     {"KiB", 1ull << 10},
     {"MiB", 1ull << 20},
     {"GiB", 1ull << 30},
     {"TiB", 1ull << 40},
     {"KB", 1'000},
     {"MB", 1'000'000},
     {"GB", 1'000'000'000}}};

// "250ms" → 250; nothing when the text is no number with one of the units, or beyond `most`.
template <std::size_t Count>
std::optional<std::uint64_t>
number_with_unit(std::string_view text, const std::array<unit, Count>& units, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto found = std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.name == suffix; });
    if (found == units.end() || number > most / found->factor) {
        return std::nullopt;
    }
    return number * found->factor;
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

[[noreturn]] void fail(std::string_view what, std::string_view problem) {
    throw error(fmt::format("{}: {}", what, problem));
}

// Text between the brackets of "[::1]": hexadecimal digits, colons, an embedded dotted IPv4 address.
bool is_ipv6_text(std::string_view text) {
    return text.find(':') != std::string_view::npos &&
           text.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
}

std::uint16_t parse_port(std::string_view text, std::string_view what) {
    std::uint16_t port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || failure != std::errc{} || end != text.data() + text.size()) {
        fail(what, "the port must be a number from 0 to 65535, as in \"127.0.0.1:8080\"");
    }
    return port;
}

} // namespace

endpoint parse_endpoint(std::string_view text, std::string_view what) {
    if (text.substr(0, 5) == "unix:") {
        fail(what, "unix: sockets are not available in this version; use \"HOST:PORT\"");
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || text.ends_with(']')) {
        fail(what, "expected \"HOST:PORT\", as in \"127.0.0.1:8080\" or \"[::1]:8080\"");
    }
    std::string host = lower(text.substr(0, colon));
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (!is_ipv6_text(host)) {
            fail(what, "between [ and ] stands no IPv6 address");
        }
    } else if (!std::all_of(host.begin(), host.end(), is_host_character) || host.size() > 253) {
        fail(what, "the host is neither a name nor an address; IPv6 addresses stand in brackets: \"[::1]:8080\"");
    }
    return {std::move(host), parse_port(text.substr(colon + 1), what)};
}

milliseconds parse_duration(std::string_view text, std::string_view what) {
    // A day is far beyond every sensible limit and far below what overflows in a timer.
    const auto found = number_with_unit(text, time_units, 24 * 3'600'000);
    if (!found) {
        fail(what, "expected a duration of at most 24h, as in \"250ms\", \"5s\", \"2m\" or \"1h\"");
    }
    return milliseconds(*found);
}

rate parse_rate(std::string_view text, std::string_view what) {
    constexpr std::array<unit, 3> spans{{{"/s", 1000}, {"/m", 60'000}, {"/h", 3'600'000}}};
    constexpr unsigned most = 1'000'000;
    unsigned count = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto found = std::find_if(spans.begin(), spans.end(), [&](const unit& u) { return u.name == rest; });
    if (failure != std::errc{} || found == spans.end() || count == 0 || count > most) {
        fail(what, "expected 1 to 1000000 requests a second, minute or hour, as in \"100/s\", \"5000/m\" or \"20/h\"");
    }
    return {count, milliseconds(found->factor)};
}

std::uint64_t parse_size(std::string_view text, std::string_view what) {
    const auto found = number_with_unit(text, size_units, std::numeric_limits<std::int64_t>::max());
    if (!found) {
        fail(what, "expected a size, as in \"512\", \"64KiB\", \"1MiB\", \"5GiB\" or \"10MB\"");
    }
    return *found;
}

} // namespace countersign::conf
