// Runs one command of the user's with the shell, as credential_process wants it. It must never block the thread,
// let the command hold a descriptor of ours, or outlive its limit: then the whole process group is killed. What the
// command leaves behind on purpose (a helper in the background, as ssh-agent) lives on. Control thread only.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace countersign::chain {

inline constexpr std::size_t longest_command_output = 64 * 1024;
inline constexpr std::size_t longest_command_complaint = 4 * 1024; // the rest is read and dropped

struct command_reply {
    int status = 0;        // what it exited with; 128 + N when signal N ended it, as the shell counts
    secret output;         // standard output
    std::string complaint; // standard error as it came: not printable
};

// `sh -c COMMAND` with our environment, nothing to read on standard input and all signals at their defaults. It has
// ended when the shell has, and all that was written by then is taken: a child in the background that still holds the
// outputs is not waited for, and finds them closed afterwards. Only where the shell has succeeded and a JSON object in
// the output is still open, the child may be who writes the rest: until it is there or the output is closed. A
// failure: it could not be started, did not end in time, or wrote more than longest_command_output; the text holds
// neither command nor output. REQUIRES: awaited on the thread of its executor.
task<result<command_reply>> run_command(std::string command, std::chrono::milliseconds limit);

} // namespace countersign::chain
