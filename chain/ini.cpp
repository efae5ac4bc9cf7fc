#include "chain/ini.hpp"

#include "chain/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace countersign::chain {

namespace {

using trouble = std::optional<std::string_view>; // what is wrong with the line

constexpr bool starts_comment(char c) noexcept {
    return c == '#' || c == ';';
}

// Inside a value a comment needs a blank before it: `a #x` → `a`, `a#x` stays.
std::string_view without_comment(std::string_view line) noexcept {
    for (std::size_t i = 1; i < line.size(); ++i)
        if (starts_comment(line[i]) && is_blank(line[i - 1]))
            return line.substr(0, i);
    return line;
}

trouble read_assignment(std::string_view line, unsigned number, std::vector<ini_property>& into) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos)
        return "expected `name = value`";
    const auto name = trimmed(line.substr(0, equals));
    if (name.empty())
        return "a property without a name";
    ini_property property;
    property.name.resize(name.size());
    std::transform(name.begin(), name.end(), property.name.begin(), lower);
    property.value = secret(trimmed(line.substr(equals + 1)));
    property.line = number;
    into.push_back(std::move(property));
    return std::nullopt;
}

trouble read_title(std::string_view line, unsigned number, std::vector<ini_section>& into) {
    const auto end = line.find(']');
    if (end == std::string_view::npos)
        return "a section without `]`";
    const auto rest = trimmed(line.substr(end + 1));
    if (!rest.empty() && !starts_comment(rest.front()))
        return "text after a section's `]`";
    ini_section section;
    section.title = trimmed(line.substr(1, end - 1));
    section.line = number;
    into.push_back(std::move(section));
    return std::nullopt;
}

trouble read_continuation(std::string_view line, unsigned number, std::vector<ini_section>& sections) {
    if (sections.empty() || sections.back().properties.empty())
        return "an indented line before any property";
    ini_property& last = sections.back().properties.back();
    if (last.value.empty())
        return read_assignment(line, number, last.nested) ? trouble("expected an indented `name = value`")
                                                          : std::nullopt;
    std::string joined(last.value.reveal());
    joined.append("\n").append(trimmed(line));
    last.value = secret(joined);
    return std::nullopt;
}

trouble read_line(std::string_view line, unsigned number, std::vector<ini_section>& sections) {
    if (trimmed(line).empty() || starts_comment(line.front()))
        return std::nullopt;
    if (is_blank(line.front()))
        return read_continuation(line, number, sections);
    if (line.front() == '[')
        return read_title(line, number, sections);
    if (sections.empty())
        return "a property before any section";
    return read_assignment(without_comment(line), number, sections.back().properties);
}

} // namespace

result<std::vector<ini_section>> parse_ini(std::string_view text, std::string_view file) {
    std::vector<ini_section> sections;
    for (unsigned number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (const auto wrong = read_line(line, number, sections))
            return failure{fmt::format("{}:{}: {}", printable(file, 300), number, *wrong), false};
    }
    return sections;
}

bool is_ini_name(std::string_view name) noexcept {
    constexpr std::string_view marks = "_-/.%@:+";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

} // namespace countersign::chain
