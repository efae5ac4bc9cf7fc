// What the title of a section says: whose properties follow. As botocore reads it (configloader.build_profile_map),
// else more leniently, where that leaves no doubt. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

enum class file_kind : std::uint8_t { config, credentials };

enum class section_kind : std::uint8_t {
    ignored,
    defaults, // [DEFAULT]: what every section of the file has where it says nothing else
    profile,
    sso_session,
    services,
};

struct section_title {
    section_kind kind = section_kind::ignored;
    std::string name; // of a profile, an SSO session, services
    // As botocore reads it. Otherwise there are blanks around it, or a `]` in the comment behind it: such a section
    // counts only where none says the name exactly.
    bool is_exact = true;
};

// In the config file names stand behind the word `profile`, with blanks only in quotes: `[profile 'My Mac']`. In the
// credentials file a name is what stands between the brackets.
section_title read_section_title(std::string_view title, file_kind file);

// shlex.split(): words by the rules of a POSIX shell; none for a quote that does not end.
std::optional<std::vector<std::string>> split_words(std::string_view text);

} // namespace countersign::chain
