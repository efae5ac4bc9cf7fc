#include "chain/name_service.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace countersign::chain {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::streamsize longest_file = 64 * 1024;

// The first word of `text`, which loses it; "" at its end.
std::string_view take_word(std::string_view& text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

// The number of "timeout:3". None: another word.
std::optional<int> option_value(std::string_view word, std::string_view option, int most) noexcept {
    if (!word.starts_with(option)) {
        return std::nullopt;
    }
    const std::string_view digits = word.substr(option.size());
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc::result_out_of_range) {
        return most;
    }
    return error == std::errc{} ? std::optional{std::clamp(value, 1, most)} : std::nullopt;
}

void take_options(name_service& s, std::string_view words) {
    for (auto word = take_word(words); !word.empty(); word = take_word(words)) {
        if (const auto seconds = option_value(word, "timeout:", 30)) {
            s.timeout = std::chrono::seconds{*seconds};
        } else if (const auto tries = option_value(word, "attempts:", 5)) {
            s.tries = *tries;
        } else if (word == "use-vc" || word == "usevc") {
            s.only_tcp = true;
        }
    }
}

} // namespace

name_service read_name_service(std::string_view resolv_conf, std::string_view res_options) {
    name_service s;
    while (!resolv_conf.empty()) {
        std::string_view line = resolv_conf.substr(0, resolv_conf.find('\n'));
        resolv_conf.remove_prefix(std::min(line.size() + 1, resolv_conf.size()));
        line = line.substr(0, line.find_first_of("#;"));
        if (take_word(line) == "options") {
            take_options(s, line);
        }
    }
    take_options(s, res_options);
    return s;
}

name_service system_name_service() {
    std::string text(static_cast<std::size_t>(longest_file), '\0');
    std::ifstream file("/etc/resolv.conf", std::ios::binary);
    file.read(text.data(), longest_file);
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    const char* const more = std::getenv("RES_OPTIONS");
    return read_name_service(text, more ? more : "");
}

} // namespace countersign::chain
