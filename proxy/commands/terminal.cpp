#include "proxy/commands/terminal.hpp"

#include "chain/text.hpp"

#include <cstdio>
#include <memory>

namespace countersign::proxy {

std::optional<std::string> read_from_terminal(const std::string& question) {
    struct closer {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    const std::unique_ptr<std::FILE, closer> terminal(std::fopen("/dev/tty", "r+e"));
    if (!terminal || std::fputs(question.c_str(), terminal.get()) < 0 || std::fflush(terminal.get()) != 0) {
        return std::nullopt;
    }
    char line[258];
    if (!std::fgets(line, sizeof line, terminal.get())) {
        return std::nullopt;
    }
    std::string text(line);
    while (text.ends_with('\n') || text.ends_with('\r')) {
        text.pop_back();
    }
    return std::string(chain::trimmed(text));
}

} // namespace countersign::proxy
