// Which [[route]] takes a request: the first whose host glob, path and method match. Pure, allocation-free but for
// routes_for; any thread. Never guesses: a path that servers could read in two ways, where a route asks for the path,
// is nobody's.
//
// How paths are compared: percent-decoded once, with the route's path, by whole segments (conf::begins_with_segments).
// S3 keys are names and no paths to S3, so that empty segments and an escaped slash mean there what they say. For
// everything else "//", and a slash or backslash that makes a difference by being escaped or not, have no one meaning;
// "." and ".." segments have none anywhere (RFC 3986 5.2.4: some servers resolve them, some do not).
#pragma once

#include "conf/config.hpp"

#include <string_view>
#include <vector>

namespace countersign::proxy {

enum class path_reading : std::uint8_t { uri, s3 };
enum class path_fit : std::uint8_t { no, yes, unclear };

// Does the path of a request begin with a route's?
path_fit fit_path(std::string_view path, std::string_view prefix, path_reading how) noexcept;

struct route_choice {
    const conf::route* route = nullptr; // none: what the host's name says
    bool unclear = false;               // the path could be read in two ways: nothing is to be sent
};

// REQUIRES: host lower-case, no port, no final dot.
route_choice choose_route(
    const std::vector<conf::route>& routes, std::string_view host, std::string_view method, std::string_view path
) noexcept;

// The indices of those that could take a request for this host, in their order; none behind one that takes all.
std::vector<std::size_t> routes_for(const std::vector<conf::route>& routes, std::string_view host);

// Does more than the host decide?
bool is_conditional(const std::vector<conf::route>& routes, std::string_view host) noexcept;

} // namespace countersign::proxy
