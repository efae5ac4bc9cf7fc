#include "proxy/sandbox/message.hpp"

#include <algorithm>
#include <ctime>

namespace countersign::proxy::sandbox {

namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool is_unreserved(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '~';
}

std::string form_decode(std::string_view text) {
    std::string blanks(text);
    std::replace(blanks.begin(), blanks.end(), '+', ' ');
    return percent_decode(blanks);
}

std::string format_time(std::chrono::sys_seconds when, const char* format) {
    const std::time_t seconds = when.time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, format, &parts)};
}

} // namespace

bool equals_any_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view request::header(std::string_view name) const noexcept {
    for (const field& f : headers) {
        if (equals_any_case(f.name, name)) {
            return f.value;
        }
    }
    return {};
}

std::string request::host() const {
    std::string_view text = header("host");
    if (text.starts_with('[')) {
        text = text.substr(1, text.find(']') - 1);
    } else {
        text = text.substr(0, text.find(':'));
    }
    std::string name(text);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    return name;
}

answer text_answer(unsigned status, std::string_view content_type, std::string body) {
    answer a;
    a.status = status;
    a.headers.push_back({"Content-Type", std::string(content_type)});
    a.body = std::move(body);
    return a;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape =
            text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
        if (!escape) {
            out += text[i];
            continue;
        }
        out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
        i += 2;
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c) || c == '/') {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::vector<field> parse_form(std::string_view text) {
    std::vector<field> out;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(pair.size() + 1, text.size()));
        if (pair.empty()) {
            continue;
        }
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
        out.push_back({form_decode(pair.substr(0, equals)), form_decode(value)});
    }
    return out;
}

std::optional<std::string> find_value(const std::vector<field>& form, std::string_view name) {
    for (const field& f : form) {
        if (f.name == name) {
            return f.value;
        }
    }
    return std::nullopt;
}

std::string iso_time(std::chrono::sys_seconds when) {
    return format_time(when, "%Y-%m-%dT%H:%M:%SZ");
}

std::string http_time(std::chrono::sys_seconds when) {
    return format_time(when, "%a, %d %b %Y %H:%M:%S GMT");
}

} // namespace countersign::proxy::sandbox
