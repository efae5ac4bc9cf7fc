#include "chain/path_setting.hpp"

#include "chain/world.hpp"

#include <algorithm>
#include <cstddef>

namespace countersign::chain {

namespace {

bool is_of_a_name(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

struct reference {
    std::string_view name, whole;
};

// REQUIRES: text begins with `$`. An empty name: it is no reference.
reference reference_at(std::string_view text) noexcept {
    if (text.substr(1, 1) == "{") {
        const auto close = text.find('}');
        return close == std::string_view::npos ? reference{}
                                               : reference{text.substr(2, close - 2), text.substr(0, close + 1)};
    }
    const auto end = std::find_if_not(text.begin() + 1, text.end(), is_of_a_name);
    const auto size = static_cast<std::size_t>(end - text.begin());
    return {text.substr(1, size - 1), text.substr(0, size)};
}

std::string with_variables(const world& outside, std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const auto plain = std::min(path.find('$'), path.size());
        out.append(path.substr(0, plain));
        path.remove_prefix(plain);
        if (path.empty()) {
            break;
        }
        const auto found = reference_at(path);
        const auto value = found.name.empty() ? std::nullopt : outside.setting(found.name);
        const std::size_t taken = value ? found.whole.size() : 1;
        out.append(value ? std::string_view(*value) : path.substr(0, 1));
        path.remove_prefix(taken);
    }
    return out;
}

} // namespace

std::optional<std::string> expanded_path(const world& outside, std::string_view path) {
    std::string out = with_variables(outside, path);
    if (out != "~" && !out.starts_with("~/")) {
        return out;
    }
    const auto home = outside.setting("HOME");
    if (!home) {
        return std::nullopt;
    }
    return out.replace(0, 1, *home);
}

std::optional<std::string> path_setting(const world& outside, std::string_view variable, std::string_view usual) {
    const auto said = outside.setting(variable);
    return expanded_path(outside, said ? std::string_view(*said) : usual);
}

} // namespace countersign::chain
