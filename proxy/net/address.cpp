#include "proxy/net/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace countersign::proxy {
namespace {

using boost::asio::ip::address_v4;
using v6_bytes = boost::asio::ip::address_v6::bytes_type;

struct v4_block {
    std::uint32_t network;
    unsigned bits;
};

// IANA's registry of special-purpose IPv4 addresses, where "globally reachable" is not true, and multicast.
constexpr std::array<v4_block, 16> closed_v4{{
    {0x00000000, 8},  // 0.0.0.0/8        this network
    {0x0A000000, 8},  // 10.0.0.0/8       private (RFC 1918)
    {0x64400000, 10}, // 100.64.0.0/10    shared (RFC 6598), and some clouds' metadata
    {0x7F000000, 8},  // 127.0.0.0/8      loopback
    {0xA9FE0000, 16}, // 169.254.0.0/16   link-local, 169.254.169.254 in it
    {0xAC100000, 12}, // 172.16.0.0/12    private (RFC 1918)
    {0xC0000000, 24}, // 192.0.0.0/24     protocol assignments
    {0xC0000200, 24}, // 192.0.2.0/24     documentation
    {0xC0586300, 24}, // 192.88.99.0/24   6to4 relays (RFC 7526: no longer used)
    {0xC0A80000, 16}, // 192.168.0.0/16   private (RFC 1918)
    {0xC6120000, 15}, // 198.18.0.0/15    benchmarking
    {0xC6336400, 24}, // 198.51.100.0/24  documentation
    {0xCB007100, 24}, // 203.0.113.0/24   documentation
    {0xE0000000, 4},  // 224.0.0.0/4      multicast
    {0xF0000000, 4},  // 240.0.0.0/4      reserved, broadcast in it
    {0xA83F8110, 32}, // 168.63.129.16    the platform's own address on Azure
}};

bool is_public_v4(std::uint32_t a) noexcept {
    return std::none_of(closed_v4.begin(), closed_v4.end(), [a](const v4_block& b) {
        return (a ^ b.network) >> (32 - b.bits) == 0;
    });
}

std::uint32_t v4_at(const v6_bytes& b, std::size_t from) noexcept {
    return std::uint32_t{b[from]} << 24 | std::uint32_t{b[from + 1]} << 16 | std::uint32_t{b[from + 2]} << 8 |
           b[from + 3];
}

// True when `a` begins with the `bits` first bits of `prefix`.
bool is_in(const v6_bytes& a, const v6_bytes& prefix, unsigned bits) noexcept {
    const unsigned whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + whole, prefix.begin()))
        return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((a[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

constexpr v6_bytes v4_compatible{};                                     // ::/96
constexpr v6_bytes v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}; // ::ffff:0:0/96
constexpr v6_bytes nat64{0x00, 0x64, 0xff, 0x9b};                       // 64:ff9b::/96 (RFC 6052)
constexpr v6_bytes nat64_local{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};     // 64:ff9b:1::/96 of /48 (RFC 8215)
constexpr v6_bytes six_to_four{0x20, 0x02};                             // 2002::/16 (RFC 3056)
constexpr v6_bytes teredo{0x20, 0x01, 0x00, 0x00};                      // 2001::/32 (RFC 4380)
constexpr v6_bytes protocol_assignments{0x20, 0x01};                    // 2001::/23
constexpr v6_bytes documentation{0x20, 0x01, 0x0d, 0xb8};               // 2001:db8::/32
constexpr v6_bytes documentation_2024{0x3f, 0xff};                      // 3fff::/20 (RFC 9637)
constexpr v6_bytes global_unicast{0x20};                                // 2000::/3

bool is_public_v6(const v6_bytes& a) noexcept {
    // 64:ff9b:1::/48 can hold the IPv4 address in several places (RFC 6052 section 2.2). Only the /96 form
    // tells us which one is dialled; the others fall through and are refused.
    for (const v6_bytes& prefix : {v4_compatible, v4_mapped, nat64, nat64_local})
        if (is_in(a, prefix, 96))
            return is_public_v4(v4_at(a, 12));
    if (is_in(a, six_to_four, 16))
        return is_public_v4(v4_at(a, 2));
    // Server in the clear, client with its bits inverted: 2001:0:SSSS:SSSS:flags:port:~CCCC:~CCCC
    if (is_in(a, teredo, 32))
        return is_public_v4(v4_at(a, 4)) && is_public_v4(~v4_at(a, 12));
    if (is_in(a, protocol_assignments, 23) || is_in(a, documentation, 32) || is_in(a, documentation_2024, 20))
        return false;
    // All that is not 2000::/3 is reserved, unique local, link-local, site-local or multicast.
    return is_in(a, global_unicast, 3);
}

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// 127, 0177, 0x7f, and 0x, which some read as 0. Not whether the value fits: some resolvers wrap around.
bool is_number(std::string_view part) noexcept {
    if (part.starts_with("0x") || part.starts_with("0X"))
        return std::all_of(part.begin() + 2, part.end(), is_hex);
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
}

} // namespace

bool is_public(const boost::asio::ip::address& a) noexcept {
    return a.is_v4() ? is_public_v4(a.to_v4().to_uint()) : is_public_v6(a.to_v6().to_bytes());
}

bool is_loopback(const boost::asio::ip::address& a) noexcept {
    if (a.is_v4())
        return a.to_v4().is_loopback();
    const v6_bytes bytes = a.to_v6().to_bytes();
    return a.to_v6().is_loopback() || (is_in(bytes, v4_mapped, 96) && bytes[12] == 127);
}

bool is_numeric_host(std::string_view host) noexcept {
    if (host.find_first_of("[]:%") != std::string_view::npos)
        return true; // no name has these
    if (host.ends_with('.'))
        host.remove_suffix(1);
    if (host.empty())
        return false;
    // Any number of parts: more than four, or empty ones, are no address anywhere, but no name either.
    for (;;) {
        const std::size_t dot = host.find('.');
        const std::string_view part = host.substr(0, dot);
        if (!part.empty() && !is_number(part))
            return false;
        if (dot == std::string_view::npos)
            return true;
        host.remove_prefix(dot + 1);
    }
}

std::string to_text(const boost::asio::ip::tcp::endpoint& e) {
    const std::string address = e.address().to_string();
    return e.address().is_v6() ? fmt::format("[{}]:{}", address, e.port()) : fmt::format("{}:{}", address, e.port());
}

} // namespace countersign::proxy
