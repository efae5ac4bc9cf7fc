// The request target as it goes onto the wire, in the one spelling that every verifier reads the same way.
// Pure, total, allocates only from `memory` (and nothing at all when the input already is in that spelling:
// the result is then a view of the input). Any thread.
#pragma once

#include "signer/scope.hpp"

#include <memory_resource>
#include <string_view>

namespace countersign::signer {

// path_rule::s3: percent-decoded once and encoded again with only unreserved characters and '/' left, so that
// the path "as sent" is also the canonical one: /a+b%7e → /a%2Bb~. Dots and double slashes stay.
// path_rule::standard: only bytes that no URI may hold (0x80 … 0xff) are encoded; everything else stays as it
// is.
std::string_view wire_path(std::string_view path, path_rule rule, std::pmr::memory_resource& memory);

// Names and values percent-decoded ('+' is a blank) and encoded again, in their order; empty pairs dropped:
// a=b+c&&x=%7e&y → a=b%20c&x=~&y.
std::string_view wire_query(std::string_view query, std::pmr::memory_resource& memory);

} // namespace countersign::signer
