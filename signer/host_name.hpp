// The labels of a DNS name. Views only, nothing is copied. Pure; any thread.
#pragma once

#include <array>
#include <string_view>

namespace countersign::signer {

enum class host_byte : unsigned char { plain, dot, wrong };

inline constexpr auto host_bytes = [] {
    std::array<host_byte, 256> kinds{};
    kinds.fill(host_byte::wrong);
    for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789-_")) {
        kinds[static_cast<unsigned char>(c)] = host_byte::plain;
    }
    kinds['.'] = host_byte::dot;
    return kinds;
}();

// Labels of lower-case letters, digits, '-' and '_', none empty, none above 63 bytes, 253 in all (RFC
// 1035 2.3.4).
constexpr bool is_host_name(std::string_view host) noexcept {
    constexpr auto wrong = static_cast<unsigned>(host_byte::wrong);
    constexpr auto dot = static_cast<unsigned>(host_byte::dot);
    unsigned seen = 0;
    unsigned before = dot;
    for (const char c : host) { // without branches: this is half of a lookup
        const auto kind = static_cast<unsigned>(host_bytes[static_cast<unsigned char>(c)]);
        seen |= kind | (kind & before) << 1; // dot & dot → wrong
        before = kind;
    }
    constexpr std::size_t longest_label = 63;
    for (std::string_view rest = host; rest.size() > longest_label;) {
        const auto end = rest.find('.');
        if (end > longest_label) { // npos, too
            return false;
        }
        rest.remove_prefix(end + 1);
    }
    return host.size() <= 253 && (seen & wrong) == 0 && before != dot;
}
static_assert(static_cast<unsigned>(host_byte::dot) << 1 == static_cast<unsigned>(host_byte::wrong));

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
