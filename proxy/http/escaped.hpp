// Text from outside, made fit for one line of a log, an error body or a page. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace countersign::proxy {

// Control bytes and what is not ASCII as \xNN ("a\nb" → "a\x0ab"), at most `most` characters of result, "..." behind
// what was cut. Escaped text stays as it is.
std::string escaped(std::string_view text, std::size_t most = 1024);

} // namespace countersign::proxy
