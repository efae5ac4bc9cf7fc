#include "proxy/observe/access_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace countersign::proxy {
namespace {

using std::chrono::nanoseconds;

// A line holds these unchanged: visible ASCII without the quote and the backslash, so that a value can
// neither end its field nor look like an escape.
constexpr auto is_plain = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0x21; c < 0x7f; ++c) {
        table[c] = c != '"' && c != '\\';
    }
    return table;
}();

constexpr std::size_t longest_field = 64;
constexpr std::size_t longest_host = 256;
// Names and punctuation (~250), the numbers (7 × 21), the path and host, ten further fields, each with its
// "...".
constexpr std::size_t longest_entry = 2560;
static_assert(longest_entry > 500 + access_log::longest_path + 3 + longest_host + 3 + 10 * (longest_field + 3));
static_assert(longest_entry < log_sink::longest_line);

// Appends to a place that is known to be large enough.
template <conf::log_format Format>
class line {
public:
    explicit line(char* to) noexcept : to_(to) {}
    char* end() const noexcept { return to_; }

    void literal(std::string_view text) noexcept {
        std::memcpy(to_, text.data(), text.size());
        to_ += text.size();
    }

    // ` name=` or `,"name":`
    void name(std::string_view text) noexcept {
        if constexpr (Format == conf::log_format::json) {
            literal(",\"");
            literal(text);
            literal("\":");
        } else {
            *to_++ = ' ';
            literal(text);
            *to_++ = '=';
        }
    }

    void field(std::string_view field_name, std::string_view value, std::size_t most = longest_field) noexcept {
        name(field_name);
        open_value(value);
        escape(value, to_ + most);
        close_value();
    }

    void field(std::string_view field_name, std::uint64_t value) noexcept {
        name(field_name);
        number(value);
    }

    // 12345678 ns → 12.345
    void field(std::string_view field_name, nanoseconds value) noexcept {
        name(field_name);
        const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.count()) / 1000);
        number(microseconds / 1000);
        thousandths(static_cast<unsigned>(microseconds % 1000));
    }

    void thousandths(unsigned value) noexcept {
        *to_++ = '.';
        *to_++ = static_cast<char>('0' + value / 100);
        *to_++ = static_cast<char>('0' + value / 10 % 10);
        *to_++ = static_cast<char>('0' + value % 10);
    }

    // Names of the query are kept, values are not: they may be secrets (X-Amz-Signature) or somebody's words.
    void path(std::string_view target) noexcept {
        name("path");
        open_value(target);
        const char* const stop = to_ + access_log::longest_path;
        const std::size_t query = std::min(target.find('?'), target.size());
        bool whole = escape(target.substr(0, query), stop);
        target.remove_prefix(query);
        while (whole && !target.empty()) { // at '?' or '&'
            const std::size_t pair_end = std::min(target.find('&', 1), target.size());
            const std::size_t equals = target.substr(0, pair_end).find('=');
            whole = escape(target.substr(0, std::min(pair_end, equals)), stop);
            if (whole && equals != std::string_view::npos) {
                whole = escape("=***", stop);
            }
            target.remove_prefix(pair_end);
        }
        close_value();
    }

private:
    void open_value(std::string_view value) noexcept {
        if constexpr (Format == conf::log_format::json) {
            *to_++ = '"';
        } else if (value.empty()) {
            *to_++ = '-';
        }
    }

    void close_value() noexcept {
        if constexpr (Format == conf::log_format::json) {
            *to_++ = '"';
        }
    }

    void number(std::uint64_t value) noexcept {
        const fmt::format_int digits(value);
        literal({digits.data(), digits.size()});
    }

    // "a\nb" → a\x0ab; in JSON the backslash is doubled, so that both formats mean the same. False where
    // `stop` was reached, and "..." written.
    bool escape(std::string_view text, const char* stop) noexcept {
        constexpr std::size_t escape_size = Format == conf::log_format::json ? 5 : 4;
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            if (is_plain[byte]) [[likely]] {
                if (to_ == stop) {
                    return literal("..."), false;
                }
                *to_++ = c;
                continue;
            }
            if (static_cast<std::size_t>(stop - to_) < escape_size) {
                return literal("..."), false;
            }
            constexpr std::string_view hex = "0123456789abcdef";
            literal(Format == conf::log_format::json ? "\\\\x" : "\\x");
            *to_++ = hex[byte >> 4];
            *to_++ = hex[byte & 15];
        }
        return true;
    }

    char* to_;
};

template <conf::log_format Format>
char* append_entry(char* to, const access_entry& e, std::string_view second, unsigned milliseconds) noexcept {
    constexpr bool is_json = Format == conf::log_format::json;
    line<Format> out(to);
    if constexpr (is_json) {
        out.literal("{\"time\":\"");
    }
    out.literal(second);
    out.thousandths(milliseconds);
    out.literal(is_json ? "Z\",\"event\":\"access\"" : "Z");
    out.field("client", e.client);
    out.field("method", e.method);
    out.field("host", e.host, longest_host);
    out.path(e.path);
    out.field("service", e.service);
    out.field("region", e.region);
    out.field("identity", e.identity);
    out.field("status", std::uint64_t{e.status});
    out.field("attempts", std::uint64_t{e.attempts});
    out.field("request_bytes", e.request_bytes);
    out.field("response_bytes", e.response_bytes);
    out.field("duration_ms", e.duration);
    out.field("upstream_ms", e.upstream);
    out.field("payload", e.payload);
    out.field("refusal", e.refusal);
    out.field("route", e.route);
    out.literal(is_json ? "}\n" : "\n");
    return out.end();
}

} // namespace

access_log::access_log(conf::log_format format, int descriptor)
    : format_(format), sink_(descriptor), buffer_(std::make_unique_for_overwrite<char[]>(capacity)) {}

std::string_view access_log::second_text(std::chrono::sys_seconds second) noexcept {
    if (second != cached_second_) {
        const auto day = std::chrono::floor<std::chrono::days>(second);
        const std::chrono::year_month_day date(day);
        const std::chrono::hh_mm_ss clock(second - day);
        fmt::format_to_n(
            cached_text_.data(),
            cached_text_.size(),
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            clock.hours().count(),
            clock.minutes().count(),
            clock.seconds().count()
        );
        cached_second_ = second;
    }
    return {cached_text_.data(), cached_text_.size()};
}

void access_log::add(const access_entry& e) noexcept {
    using namespace std::chrono;
    const auto second = floor<seconds>(e.time);
    const auto fraction = static_cast<unsigned>(floor<milliseconds>(e.time - second).count());
    char* const to = buffer_.get() + used_; // never over half full: there is room for the longest line
    const char* const end = format_ == conf::log_format::json
                                ? append_entry<conf::log_format::json>(to, e, second_text(second), fraction)
                                : append_entry<conf::log_format::text>(to, e, second_text(second), fraction);
    used_ = static_cast<std::size_t>(end - buffer_.get());
    if (used_ > capacity / 2) {
        flush();
    }
}

void access_log::flush() noexcept {
    lost_ += sink_.write_lines({buffer_.get(), used_});
    used_ = 0;
}

} // namespace countersign::proxy
