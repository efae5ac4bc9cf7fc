// TOML text to config. Start-up code: throws conf::error with a message for the user, nothing else.
#pragma once

#include "conf/config.hpp"
#include "conf/error.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::conf {

using environment = std::function<std::optional<std::string>(const std::string& name)>;

// An unknown key or table, a wrong type or value, anything that looks like a credential, an unreachable route or a
// contradiction is an error that names the line and, where one is near, the right name. `name` stands for the file.
config load(std::string_view text, std::string_view name);

// Looks in `given` (--config), $COUNTERSIGN_CONFIG, $XDG_CONFIG_HOME/countersign/countersign.toml (~/.config without
// the variable), /etc/countersign/countersign.toml; the defaults where there is none. A file named by flag or
// variable must exist. Then applies the environment: AWS_RETRY_MODE, AWS_MAX_ATTEMPTS, AWS_CA_BUNDLE where the file
// says nothing.
config load_file(const std::optional<std::filesystem::path>& given, const environment& env);

} // namespace countersign::conf
