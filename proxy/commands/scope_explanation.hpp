// Puts into words which shape of host name led scope_of (signer/scope.hpp) to its answer. For `countersign scope
// --explain`; decides nothing. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace countersign::proxy {

// REQUIRES: host lower-case, without port and trailing dot.
std::string explain_scope(std::string_view host);

} // namespace countersign::proxy
