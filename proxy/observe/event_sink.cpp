#include "proxy/observe/event_sink.hpp"

#include "proxy/http/escaped.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace countersign::proxy {

namespace {

using std::chrono::system_clock;

constexpr std::size_t longest_message = log_sink::longest_line - 128; // the rest of a line is shorter

// Escapes it, and for JSON as the inside of a string. The callers need not, so none can forget it.
void append_message(std::string& to, conf::log_format format, std::string_view message) {
    const std::size_t stop = to.size() + longest_message;
    for (const char c : escaped(message, longest_message)) {
        const bool is_marked = format == conf::log_format::json && (c == '"' || c == '\\');
        if (to.size() + (is_marked ? 2 : 1) > stop) {
            to += "...";
            return;
        }
        if (is_marked) {
            to.push_back('\\');
        }
        to.push_back(c);
    }
}

} // namespace

std::string event_line(
    conf::log_format format, system_clock::time_point time, spdlog::level::level_enum level, std::string_view message
) {
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    const auto fraction = std::chrono::floor<std::chrono::milliseconds>(time - second).count();
    const std::string when =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(system_clock::to_time_t(second)), fraction);
    const auto name = spdlog::level::to_string_view(level);
    const std::string_view level_name{name.data(), name.size()};
    const bool is_json = format == conf::log_format::json;
    std::string line = is_json
                           ? fmt::format(R"({{"time":"{}","level":"{}","event":"log","message":")", when, level_name)
                           : fmt::format("{} {} ", when, level_name);
    append_message(line, format, message);
    line += is_json ? "\"}\n" : "\n";
    return line;
}

line_limiter& event_sink::of_this_thread() noexcept {
    thread_local line_limiter limiter;
    return limiter;
}

void event_sink::log(const spdlog::details::log_msg& m) {
    const std::string_view message{m.payload.data(), m.payload.size()};
    if (m.level < spdlog::level::warn || of_this_thread().admit(m.level, message, line_limiter::time::clock::now())) {
        write(m.time, m.level, message);
    }
}

void event_sink::write(system_clock::time_point time, spdlog::level::level_enum level, std::string_view message) {
    count_lost(out_.write_lines(event_line(format_, time, level, message)));
}

void event_sink::tell(line_limiter::time now) {
    const auto time = system_clock::now();
    for (const line_limiter::left_out& one : of_this_thread().take_due(now)) {
        write(time, one.of, in_words(one));
    }
    const std::uint64_t lost = lost_.exchange(0, std::memory_order_relaxed);
    if (lost == 0 || !should_log(spdlog::level::warn)) {
        return;
    }
    const std::string text =
        fmt::format("{} lines of the log were lost: whoever reads standard error was too slow", lost);
    if (out_.write_lines(event_line(format_, time, spdlog::level::warn, text)) != 0) {
        count_lost(lost); // not yet
    }
}

} // namespace countersign::proxy
