#include "proxy/observe/log.hpp"

#include "proxy/observe/event_sink.hpp"

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

namespace countersign::proxy {
namespace {

// The default logger's; set before the threads start.
std::shared_ptr<event_sink>& current() {
    static std::shared_ptr<event_sink> sink;
    return sink;
}

spdlog::level::level_enum level_of(conf::log_level level) {
    switch (level) {
    case conf::log_level::debug:
        return spdlog::level::debug;
    case conf::log_level::info:
        return spdlog::level::info;
    case conf::log_level::warn:
        return spdlog::level::warn;
    case conf::log_level::error:
        return spdlog::level::err;
    case conf::log_level::off:
        return spdlog::level::off;
    }
    return spdlog::level::info;
}

} // namespace

void start_log(conf::log_level level, conf::log_format format, int descriptor) {
    auto sink = std::make_shared<event_sink>(format, descriptor);
    auto logger = std::make_shared<spdlog::logger>("countersign", sink);
    logger->set_level(level_of(level));
    sink->set_level(level_of(level));
    // spdlog's own handler would write to standard error itself, and wait.
    logger->set_error_handler([](const std::string&) { count_lost_lines(1); });
    current() = std::move(sink);
    spdlog::set_default_logger(std::move(logger));
}

void limit_lines_of_this_thread() noexcept {
    event_sink::of_this_thread().expect_strangers();
}

void count_lost_lines(std::uint64_t lines) noexcept {
    if (current() && lines != 0) {
        current()->count_lost(lines);
    }
}

void tell_of_missing_lines(std::chrono::steady_clock::time_point now) noexcept {
    if (!current()) {
        return;
    }
    try {
        current()->tell(now);
    } catch (const std::exception&) { // no memory for a line
        count_lost_lines(1);
    }
}

} // namespace countersign::proxy
