// Lines and blanks as Python's str knows them: the AWS CLI and boto3 read the files of ini.hpp with it. Pure; any
// thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace countersign::chain {

// Takes the first line off: its content, without the LF, CR LF or CR that ends it.
std::string_view take_line(std::string_view& text) noexcept;

// str.strip(), str.lstrip() and str.rstrip(): ASCII's blanks, and those of Unicode in UTF-8 (a no-break space too).
std::string_view stripped(std::string_view text) noexcept;
std::string_view stripped_front(std::string_view text) noexcept;
std::string_view stripped_back(std::string_view text) noexcept;

// How many characters of blank a line begins with.
std::size_t indentation_of(std::string_view line) noexcept;

} // namespace countersign::chain
