// The grammar of ~/.aws/config and ~/.aws/credentials: text → sections as they stand. The measure is botocore
// (Python's RawConfigParser), which the AWS CLI and boto3 read them with; only a comment behind a value is taken off,
// as the other SDKs do. A line that cannot be read is a fault of its section, not of the file. What a section means is
// profile.hpp's part. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

// Bytes of the text, for whoever edits it.
struct text_span {
    std::size_t begin = 0, end = 0;
};

struct ini_property {
    std::string name; // lower case
    secret value;     // trimmed, without comment; continuation lines are joined to it by '\n'
    unsigned line = 0;
    // Of an empty value (`s3 =`) the indented lines below it, each `name = value`.
    std::vector<ini_property> nested;

    text_span at;                     // its line, with the line's end
    text_span value_at;               // in that line; behind the delimiter when empty
    std::vector<text_span> continued; // the lines that continue it, each with its end
};

// What is wrong with a line. Never quotes it.
struct ini_fault {
    unsigned line = 0;
    std::string_view what; // "": nothing is
};

struct ini_section {
    // All between the first `[` and the last `]` of its line: "default", "profile dev"; where there is no `]`, which is
    // a fault, all behind the `[`. "": of no section, the lines before the first one or behind `[]`.
    std::string title;
    unsigned line = 0;
    bool has_tail = false;                // text behind the `]` that is no comment; it does not count
    std::vector<ini_property> properties; // in the order of the file, with repetitions
    ini_fault fault;                      // the first one
    // The first line that begins with `[` and is no title: it continues a value, or is a property (`[a = b`). 0: none.
    unsigned seeming_title = 0;

    text_span at; // the title's line, with the line's end
};

// A failure is of the whole file, which has a byte order mark or is in UTF-16, and starts with "FILE:1: ". Other bytes
// that are no UTF-8 are taken as they stand: in a comment they do no harm, in a key they are refused as all are that
// are not visible ASCII.
result<std::vector<ini_section>> parse_ini(std::string_view text, std::string_view file);

// Letters, digits and _ - / . % @ : + : what every SDK takes as the name of a profile or a property.
bool is_ini_name(std::string_view name) noexcept;

} // namespace countersign::chain
