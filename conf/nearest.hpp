// "Did you mean …?" Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace countersign::conf {

// Insertions, deletions, substitutions and swaps of neighbours that lead from one text to the other.
std::size_t edit_distance(std::string_view from, std::string_view to);

// The name nearest to what was written, case and '-'/'_' aside; "" when none is near (more than a third
// differs).
std::string_view nearest(std::string_view written, std::span<const std::string> names);

} // namespace countersign::conf
