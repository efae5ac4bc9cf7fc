// Globs, and which routes take each other's requests. Pure; any thread.
#pragma once

#include "conf/config.hpp"

#include <string_view>
#include <vector>

namespace countersign::conf {

// '*' matches any run of characters (dots too), '?' exactly one. REQUIRES: both lower-case. Never recursive
// and never more than |glob| · |text| steps: one place to come back to, the last '*'.
bool glob_matches(std::string_view glob, std::string_view text) noexcept;

// True only when everything that `narrow` matches is matched by `wide` too, so that a route for `narrow`
// behind one for `wide` is never reached: *.amazonaws.com covers s3.*.amazonaws.com.
bool glob_covers(std::string_view wide, std::string_view narrow) noexcept;

// Is there a text that both match? Recursion-free, |a| · |b| steps.
bool globs_meet(std::string_view a, std::string_view b);

// Does `path` begin with the segments of `prefix`? "/v1" takes in /v1 and /v1/a but not /v10, "/v1/" only what
// is below.
bool begins_with_segments(std::string_view path, std::string_view prefix) noexcept;

// True only when every request that `narrow` is for has been taken by `wide`: host, path and method.
bool route_covers(const route& wide, const route& narrow) noexcept;

// Is there more to ask than the host?
inline bool is_conditional(const route& r) noexcept {
    return !r.path.empty() || !r.method.empty();
}

} // namespace countersign::conf
