// Paths of files in variables of the environment, as botocore reads them. Pure apart from `outside`; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

class world;

// $NAME and ${NAME} are replaced first (os.path.expandvars: one that is not set stays as it stands), then `~` before a
// slash or alone is HOME. None: that HOME is not set. `~user` stays.
std::optional<std::string> expanded_path(const world& outside, std::string_view path);

// The variable's value, or else `usual`, expanded.
std::optional<std::string> path_setting(const world& outside, std::string_view variable, std::string_view usual);

} // namespace countersign::chain
