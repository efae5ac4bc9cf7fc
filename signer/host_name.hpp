// The labels of a DNS name. Views only, nothing is copied. Pure; any thread.
#pragma once

#include <array>
#include <string_view>

namespace countersign::signer {

enum class host_byte : unsigned char { wrong, plain, dot };

inline constexpr auto host_bytes = [] {
    std::array<host_byte, 256> kinds{};
    for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789-_")) {
        kinds[static_cast<unsigned char>(c)] = host_byte::plain;
    }
    kinds['.'] = host_byte::dot;
    return kinds;
}();

// Labels of lower-case letters, digits, '-' and '_', none empty, none above 63 bytes, 253 in all (RFC
// 1035 2.3.4).
constexpr bool is_host_name(std::string_view host) noexcept {
    std::size_t label = 0;
    bool is_fine = host.size() <= 253;
    for (const char c : host) {
        const host_byte kind = host_bytes[static_cast<unsigned char>(c)];
        is_fine &= kind != host_byte::wrong && (kind == host_byte::plain ? label < 63 : label > 0);
        label = kind == host_byte::dot ? 0 : label + 1;
    }
    return is_fine && label != 0;
}

// a.b.c → c
constexpr std::string_view last_label(std::string_view name) noexcept {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

// a.b.c → a.b; "" for a single label
constexpr std::string_view without_last(std::string_view name) noexcept {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

// a.b.c → b.c; "" for a single label
constexpr std::string_view without_first(std::string_view name) noexcept {
    const auto dot = name.find('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

} // namespace countersign::signer
