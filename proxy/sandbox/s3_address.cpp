// What a request to the sandbox's S3 is about: bucket and key of its address, and the range of its bytes.
#include "proxy/sandbox/s3.hpp"

#include <algorithm>
#include <charconv>

namespace countersign::proxy::sandbox {

s3_place place_of(std::string_view host, std::string_view path) {
    std::string_view prefix;
    for (std::size_t at = host.rfind('.'); at != std::string_view::npos && at > 0; at = host.rfind('.', at - 1)) {
        const std::string_view rest = host.substr(at + 1);
        if (rest.starts_with("s3.") || rest.starts_with("s3-")) {
            prefix = host.substr(0, at);
            break;
        }
    }
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    if (!prefix.empty()) {
        return {std::string(prefix), percent_decode(path)};
    }
    const std::size_t slash = std::min(path.find('/'), path.size());
    return {percent_decode(path.substr(0, slash)), percent_decode(path.substr(std::min(slash + 1, path.size())))};
}

byte_range parse_range(std::string_view header, std::size_t size) noexcept {
    constexpr std::string_view unit = "bytes=";
    if (!header.starts_with(unit)) {
        return {};
    }
    header.remove_prefix(unit.size());
    const std::size_t dash = header.find('-');
    if (dash == std::string_view::npos) {
        return {};
    }
    const auto read = [](std::string_view text, std::size_t& value) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc{} && end == text.data() + text.size();
    };
    const std::string_view from = header.substr(0, dash);
    const std::string_view to = header.substr(dash + 1);
    std::size_t first = 0;
    std::size_t last = size;
    if (from.empty()) { // the last N bytes
        if (!read(to, last)) {
            return {};
        }
        if (last == 0 || size == 0) {
            return {range_kind::unsatisfiable, 0, 0};
        }
        return {range_kind::part, size - std::min(last, size), size - 1};
    }
    if (!read(from, first) || (!to.empty() && (!read(to, last) || last < first))) {
        return {};
    }
    if (first >= size) {
        return {range_kind::unsatisfiable, 0, 0};
    }
    return {range_kind::part, first, std::min(last, size - 1)};
}

} // namespace countersign::proxy::sandbox
