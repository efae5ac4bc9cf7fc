// Values that only a [[route]] has: its path, its name, what it does to header fields. Start-up code; throws
// conf::error.
#pragma once

#include "conf/value.hpp"

#include <string>
#include <vector>

namespace countersign::conf {

// At most 64 visible characters, for the log.
std::string route_name(const value& v);

// "/v1/": what a decoded path begins with. No escapes, no empty or dot segments: those have no one meaning.
std::string path_prefix(const value& v);

// An inline table of names and values. Names that the proxy itself writes, that signing sets, that end at a proxy, or
// that say what the request means to the service are errors: neither a signature nor a policy could hold to them.
std::vector<header_line> added_headers(const value& v);

// One name or a list of them, in lower case; the same names are errors.
std::vector<std::string> removed_headers(const value& v);

// Names to be signed besides those of signer/headers.hpp, in lower case. What a hop may change is an error.
std::vector<std::string> signable_names(const value& v);

// Names to be left out of the signature, in lower case. Host and x-amz-* are errors: AWS demands them.
std::vector<std::string> omissible_names(const value& v);

} // namespace countersign::conf
