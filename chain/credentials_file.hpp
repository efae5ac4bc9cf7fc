// Saves temporary keys as a profile of the shared credentials file: text surgery that leaves every byte alone that
// is not a key of that profile (grammar: ini.hpp). It must never overwrite long-lived keys, which exist nowhere else:
// only keys beside a session token are replaced. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/profile.hpp"
#include "chain/task.hpp"

#include <optional>
#include <string_view>

namespace countersign::chain {

// Why temporary keys cannot be saved as `profile`: no name for one, a file that cannot be read as such, long-lived keys
// under that name in either file, or something in it that is stronger than keys (a role, SSO, …); none when they can.
std::optional<failure> trouble_with_saving(named_text config, named_text credentials_file, std::string_view profile);

// The credentials file's text with `keys` as `profile`. A profile that is there gets its values replaced where they
// stand, repeated ones and lines that continue them are taken out, missing properties follow its title; else the
// profile is put at the end. Line ends are those of the file. REQUIRES: !trouble_with_saving(…); keys of visible ASCII.
secret with_profile(std::string_view text, std::string_view profile, const credentials& keys);

} // namespace countersign::chain
