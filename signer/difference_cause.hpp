// Why two values that should be equal are not: the guesses behind difference.hpp, one function a line. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace countersign::signer {

// Each takes what we signed and what the server did. REQUIRES: they differ.
std::string cause_of_method(std::string_view ours, std::string_view theirs);
std::string cause_of_path(std::string_view ours, std::string_view theirs);
std::string cause_of_parameter(std::string_view ours, std::string_view theirs);
std::string cause_of_header(std::string_view name, std::string_view ours, std::string_view theirs);
std::string cause_of_signed_headers(std::string_view ours, std::string_view theirs);
std::string cause_of_payload_hash(std::string_view ours, std::string_view theirs);
std::string cause_of_scope(std::string_view ours, std::string_view theirs);

} // namespace countersign::signer
