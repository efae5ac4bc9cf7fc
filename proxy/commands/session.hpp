// `countersign session`: long-lived keys and the code of an MFA device → temporary keys, saved as a profile (AWS STS
// API Reference, GetSessionToken). It must never save under a name whose long-lived keys would be lost, nor ask STS or
// the user before it knows that it could save. Everything but the terminal is the caller's world. Control thread only.
#pragma once

#include "chain/refresh.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace countersign::proxy {

struct session_wish {
    chain::chain_settings settings;
    std::string serial_number; // "": the profile's mfa_serial
    std::string token_code;    // "": is asked for
    std::optional<std::chrono::seconds> duration;
    std::string save; // the profile to write
};

// Asks whoever sits there for the code of that device. A failure: nobody does.
using code_question = std::function<chain::result<chain::secret>(const std::string& serial_number)>;

// The line that tells the user what was done.
chain::task<chain::result<std::string>>
save_session(chain::world& outside, session_wish wish, code_question ask_for_code);

// Six digits.
bool is_mfa_code(std::string_view text) noexcept;

} // namespace countersign::proxy
