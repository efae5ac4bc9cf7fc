// Event lines on standard error (spdlog): start, stop, credentials, what went wrong. Not one line a request:
// that is access_log.hpp. A line never holds a secret, and never a control byte, whatever the message was
// made from. Any thread; nobody ever waits for whoever reads the lines (event_sink.hpp).
#pragma once

#include "conf/config.hpp"

#include <chrono>
#include <cstdint>

namespace countersign::proxy {

// Makes spdlog's default logger. Call once, before the threads start. Text: "2026-11-22T00:13:30.123Z info
// message"; JSON: {"time":…,"level":…,"event":"log","message":…}. Every message goes through escaped().
void start_log(conf::log_level level, conf::log_format format, int descriptor = 2);

// The calling thread serves strangers: what they can bring about is limited more strictly.
void limit_lines_of_this_thread() noexcept;

// Lines that could not be written, of other logs on the same descriptor; told together.
void count_lost_lines(std::uint64_t lines) noexcept;

// Writes how many lines of the calling thread were left out in the windows that have ended by now, and how many were
// lost. To be called about every second.
void tell_of_missing_lines(std::chrono::steady_clock::time_point now) noexcept;

} // namespace countersign::proxy
