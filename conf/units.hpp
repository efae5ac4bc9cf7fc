// Durations, sizes, rates and endpoints as they are written in the file and on the command line. Pure; throws
// conf::error; any thread.
#pragma once

#include "conf/config.hpp"

#include <cstdint>
#include <string_view>

namespace countersign::conf {

// Each throws conf::error with `what` at the front of the message.
endpoint parse_endpoint(std::string_view text, std::string_view what);     // "host:port"
milliseconds parse_duration(std::string_view text, std::string_view what); // "250ms" "5s" "2m" "1h"
std::uint64_t parse_size(std::string_view text, std::string_view what);    // "512" "64KiB" "1MiB" "5GiB" "10MB"
rate parse_rate(std::string_view text, std::string_view what);             // "100/s" "5000/m" "20/h"

} // namespace countersign::conf
