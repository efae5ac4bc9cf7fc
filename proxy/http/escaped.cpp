#include "proxy/http/escaped.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace countersign::proxy {

std::string escaped(std::string_view text, std::size_t most) {
    std::string result;
    result.reserve(std::min(text.size(), most));
    for (const char c : text) {
        const bool is_plain = c >= 0x20 && c < 0x7f;
        if (result.size() + (is_plain ? 1 : 4) > most) {
            return result += "...";
        }
        if (is_plain) {
            result.push_back(c);
        } else {
            fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return result;
}

} // namespace countersign::proxy
