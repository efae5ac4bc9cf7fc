// Text that commands read line by line.
#pragma once

#include <string_view>

namespace countersign::proxy {

// Takes one line off the front; its end (LF or CRLF) goes too.
inline std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

} // namespace countersign::proxy
