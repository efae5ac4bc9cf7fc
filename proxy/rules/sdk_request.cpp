#include "proxy/rules/sdk_request.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace countersign::proxy {
namespace {

constexpr unsigned highest = 1'000'000; // beyond it is no number of attempts

struct number_in_text {
    std::size_t begin, size;
    unsigned value;
};

// "ttl=x; attempt=2" and "attempt" → the 2.
std::optional<number_in_text> find_number(std::string_view text, std::string_view name) noexcept {
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find(';', begin), text.size());
        const std::size_t first = std::min(text.find_first_not_of(" \t", begin), end);
        const std::string_view part = text.substr(first, end - first);
        begin = end + 1;
        if (!part.starts_with(name) || part.substr(name.size(), 1) != "=") {
            continue;
        }
        const std::string_view said = part.substr(name.size() + 1);
        const std::string_view digits = said.substr(0, said.find_last_not_of(" \t") + 1);
        unsigned value = 0;
        const char* const last = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), last, value);
        if (error != std::errc{} || stop != last || value > highest) {
            return std::nullopt;
        }
        return number_in_text{first + name.size() + 1, digits.size(), value};
    }
    return std::nullopt;
}

} // namespace

bool is_sdk_request(const field& f) noexcept {
    return equal_ignoring_case(f.name, "amz-sdk-request");
}

std::optional<std::string> sdk_request_of(std::span<const field> fields, unsigned further) {
    const auto found = std::find_if(fields.begin(), fields.end(), is_sdk_request);
    if (found == fields.end() || std::find_if(found + 1, fields.end(), is_sdk_request) != fields.end()) {
        return std::nullopt;
    }
    const auto first = find_number(found->value, "attempt");
    if (!first) {
        return std::nullopt;
    }
    std::string text{found->value};
    const unsigned attempt = first->value + std::min(further, highest);
    text.replace(first->begin, first->size, std::to_string(attempt));
    const auto most = find_number(text, "max");
    if (most && most->value < attempt) {
        text.replace(most->begin, most->size, std::to_string(attempt));
    }
    return text;
}

} // namespace countersign::proxy
