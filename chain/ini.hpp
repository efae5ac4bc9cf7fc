// The grammar of ~/.aws/config and ~/.aws/credentials, as AWS's own tools read it: text → sections as they
// stand. What a section means is profile.hpp's part. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

struct ini_property {
    std::string name; // lower case
    secret value;     // trimmed, without comment; continuation lines are joined to it by '\n'
    unsigned line = 0;
    // Of an empty value (`s3 =`) the indented lines below it, each `name = value`.
    std::vector<ini_property> nested;
};

struct ini_section {
    std::string title; // between the brackets, trimmed: "default", "profile dev"
    unsigned line = 0;
    std::vector<ini_property> properties; // in the order of the file, with repetitions
};

// A failure is of the whole file and starts with "FILE:LINE: "; it never quotes a value.
result<std::vector<ini_section>> parse_ini(std::string_view text, std::string_view file);

// Letters, digits and _ - / . % @ : + : what a profile or a property may be called.
bool is_ini_name(std::string_view name) noexcept;

} // namespace countersign::chain
