// Network addresses: which may be dialled for a host that only a name stands for, and how one is written. Pure; any
// thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <string_view>

namespace countersign::proxy {

// False for everything that is not a public unicast address: unspecified, loopback, link-local (with
// 169.254.169.254), private (RFC 1918), shared (100.64/10), benchmarking, documentation, multicast, reserved,
// broadcast; IPv6 the same, unique local (with fd00:ec2::254), site-local, v4-mapped, v4-compatible, NAT64
// (64:ff9b::/96, and of 64:ff9b:1::/48 the /96 form only), 6to4 and Teredo forms judged by the embedded IPv4 address.
bool is_public(const boost::asio::ip::address& a) noexcept;

std::string to_text(const boost::asio::ip::tcp::endpoint& e); // 127.0.0.1:8080, [::1]:8080

bool is_loopback(const boost::asio::ip::address& a) noexcept; // 127/8, ::1 and their v4-mapped forms

// True when a host of a request is an IP address in any spelling that some resolver accepts: dotted, hexadecimal,
// octal, one number, with fewer than four parts, bracketed IPv6 with or without zone. Such hosts have no scope. True as
// well for what is neither address nor name: brackets, ':' or '%' anywhere, more than four numbers, "1..2".
// REQUIRES: without port.
bool is_numeric_host(std::string_view host) noexcept;

} // namespace countersign::proxy
