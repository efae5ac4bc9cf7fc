// `countersign config check` and `config show`: read a configuration as `serve` would.
#include "conf/load.hpp"
#include "conf/show.hpp"
#include "proxy/commands.hpp"
#include "proxy/settings.hpp"

#include <cstdio>
#include <cstdlib>

namespace countersign::proxy {

int run_config_check(const std::optional<std::filesystem::path>& file) {
    const auto env = [](const std::string& name) -> std::optional<std::string> {
        const char* found = std::getenv(name.c_str());
        return found == nullptr ? std::nullopt : std::optional<std::string>(found);
    };
    try {
        const conf::config c = conf::load_file(file, env);
        if (c.source.empty()) {
            std::puts("no configuration file; the defaults hold");
        } else {
            std::printf("%s: no mistakes\n", c.source.c_str());
        }
        return 0;
    } catch (const conf::error& e) {
        std::fprintf(stderr, "countersign: %s\n", e.what());
        return 1;
    }
}

int run_config_show(const serve_arguments& a) {
    try {
        const std::string text = conf::show(load_settings(a));
        return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
    } catch (const conf::error& e) {
        std::fprintf(stderr, "countersign: %s\n", e.what());
        return 1;
    }
}

} // namespace countersign::proxy
