// TOML text to config. Start-up code: throws conf::error with a message for the user, nothing else.
#pragma once

#include "conf/config.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace countersign::conf {

// what() is "FILE:LINE: what is wrong; what to do instead" (without FILE:LINE for environment and flags).
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

using environment = std::function<std::optional<std::string>(const std::string& name)>;

// An unknown key or table, a wrong type or value, anything that looks like a credential, an unreachable route or a
// contradiction is an error that names the line and, where one is near, the right name. `name` stands for the file.
config load(std::string_view text, std::string_view name);

// Looks in `given` (--config), $COUNTERSIGN_CONFIG, $XDG_CONFIG_HOME/countersign/countersign.toml (~/.config without
// the variable), /etc/countersign/countersign.toml; the defaults where there is none. A file named by flag or
// variable must exist. Then applies the environment: AWS_RETRY_MODE, AWS_MAX_ATTEMPTS, AWS_CA_BUNDLE where the file
// says nothing.
config load_file(const std::optional<std::filesystem::path>& given, const environment& env);

// Values as they stand in the file; each throws conf::error with `what` at the front of the message.
endpoint parse_endpoint(std::string_view text, std::string_view what);     // "host:port"
milliseconds parse_duration(std::string_view text, std::string_view what); // "250ms" "5s" "2m" "1h"
std::uint64_t parse_size(std::string_view text, std::string_view what);    // "512" "64KiB" "1MiB" "5GiB" "10MB"
rate parse_rate(std::string_view text, std::string_view what);             // "100/s" "5000/m" "20/h"

// Sets identity_index of every route and client to the number of the identity that it names. Throws conf::error for a
// name that no [identity.NAME] has.
void bind_identities(config& c);

// Rules that span several keys, applied to the file and once more when flags were added (loopback without
// allow_remote, two listeners on one address, …). Throws conf::error.
void check(const config& c);

} // namespace countersign::conf
