// Where spdlog's lines go: to standard error without ever waiting for whoever reads it (log_sink.hpp). Equal lines of a
// thread are limited from warnings upwards (line_limiter.hpp); what cannot be written is lost, counted and told.
// Any thread; takes no lock.
#pragma once

#include "conf/config.hpp"
#include "proxy/observe/line_limiter.hpp"
#include "proxy/observe/log_sink.hpp"

#include <spdlog/sinks/sink.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace countersign::proxy {

// Text: "2026-11-22T00:13:30.123Z warning message"; JSON: {"time":…,"level":…,"event":"log","message":…}. Ends with a
// newline, is no longer than log_sink::longest_line; "..." behind what was cut of the message.
std::string event_line(
    conf::log_format format,
    std::chrono::system_clock::time_point time,
    spdlog::level::level_enum level,
    std::string_view message
);

class event_sink final : public spdlog::sinks::sink {
public:
    event_sink(conf::log_format format, int descriptor) noexcept : format_(format), out_(descriptor) {}

    void log(const spdlog::details::log_msg& m) override;
    void flush() override {}
    void set_pattern(const std::string&) override {} // the format is a contract
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

    void count_lost(std::uint64_t lines) noexcept { lost_.fetch_add(lines, std::memory_order_relaxed); }
    // Tells which of the calling thread's lines the windows that have ended left out, and how many of all were lost.
    void tell(line_limiter::time now);

    static line_limiter& of_this_thread() noexcept;

private:
    void write(std::chrono::system_clock::time_point time, spdlog::level::level_enum level, std::string_view message);

    conf::log_format format_;
    log_sink out_;
    std::atomic<std::uint64_t> lost_{0};
};

} // namespace countersign::proxy
