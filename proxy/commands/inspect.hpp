// The pure part of `countersign inspect`: text in, explanation out. Throws std::exception with one line for the user;
// wrong_usage where the arguments are at fault. Never writes a signature, a token or another secret whole, and nothing
// but printable characters.
#pragma once

#include "proxy/commands.hpp"
#include "proxy/wrong_usage.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace countersign::proxy {

struct explanation {
    std::string text; // a table and sentences, or one JSON object
    int status = 0;   // 0: nothing is wrong; 1: something is
};

// `subject`: what a.subject is, or what stood on standard input where that is "" or "-".
explanation explain_signature(const inspect_arguments& a, std::string_view subject, std::chrono::sys_seconds now);

// `ours`: a canonical request, or what `sign --output json` wrote; `answer`: the server's.
explanation explain_mismatch(const inspect_arguments& a, std::string_view ours, std::string_view answer);

} // namespace countersign::proxy
