// Which route a host takes. Pure; any thread.
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

// The first route whose host glob matches; nullptr when none does. REQUIRES: host lower-case, no port, no
// final dot.
const route* find_route(const std::vector<route>& routes, std::string_view host) noexcept;

} // namespace countersign::conf
