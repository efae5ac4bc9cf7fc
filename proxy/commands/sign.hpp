// The pure part of `countersign sign`: message, credentials and time in, signed message or its explanation
// out. Throws std::exception with one line for the user; wrong_usage where the arguments are at fault.
#pragma once

#include "chain/credentials.hpp"
#include "proxy/commands.hpp"
#include "proxy/wrong_usage.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace countersign::proxy {

// `now` is the time of the signature unless the arguments or the message's own X-Amz-Date say another one.
// The result ends as the message does; with output "json" it is one line.
std::string signed_text(
    const sign_arguments& a, std::string_view message_text, const chain::credentials& who, std::chrono::sys_seconds now
);

} // namespace countersign::proxy
