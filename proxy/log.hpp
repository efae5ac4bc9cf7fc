// Event lines on standard error (spdlog): start, stop, credentials, what went wrong. Not one line a request:
// that is access_log.hpp. A line never holds a secret, and never a control byte, whatever the message was
// made from. Any thread.
#pragma once

#include "conf/config.hpp"

#include <string>
#include <string_view>

namespace countersign::proxy {

// Makes spdlog's default logger. Call once, before the threads start. Text: "2026-11-22T00:13:30.123Z info
// message"; JSON: {"time":…,"level":…,"event":"log","message":…}. Every message goes through escaped().
void start_log(conf::log_level level, conf::log_format format);

// Text from outside, for one line of a log or an error body: control bytes and what is not ASCII as \xNN
// ("a\nb" → "a\x0ab"), at most `most` characters of result, "..." behind what was cut. Escaped text stays as
// it is.
std::string escaped(std::string_view text, std::size_t most = 1024);

} // namespace countersign::proxy
