// Asks the user at the controlling terminal, wherever standard input and output lead. Commands only; blocks.
#pragma once

#include <optional>
#include <string>

namespace countersign::proxy {

// Shows `question` and reads one line, without its end and blanks around it, of at most 256 bytes. nullopt: there is no
// terminal, or it is closed.
std::optional<std::string> read_from_terminal(const std::string& question);

} // namespace countersign::proxy
