#include "chain/profile_choice.hpp"

#include "chain/text.hpp"
#include "chain/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace countersign::chain {

namespace {

// How many letters are to be put in, taken out or changed; upper and lower case are the same.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row.back();
}

bool is_inside(std::string_view part, std::string_view whole) {
    return part.size() >= 3 && whole.find(part) != std::string_view::npos;
}

// Of those near enough to be meant; "" when there is none.
std::string_view nearest_name(const profile_set& profiles, std::string_view name) {
    constexpr std::size_t longest = 100;
    if (name.size() > longest)
        return {};
    std::string_view nearest;
    std::size_t best = name.size() / 3 + 2;
    for (const auto& [known, p] : profiles.profiles) {
        if (known.size() > longest)
            continue;
        const std::size_t away = is_inside(known, name) || is_inside(name, known) ? 1 : distance(name, known);
        if (away < best) {
            best = away;
            nearest = known;
        }
    }
    return nearest;
}

// "" where the variable names none. Blanks name a profile that is not there.
std::string name_in(const world& outside, const char* variable) {
    const auto named = outside.env(variable).value_or("");
    const auto name = trimmed(named);
    return std::string(name.empty() ? std::string_view(named) : name);
}

} // namespace

profile_choice choose_profile(const world& outside, const chain_settings& settings) {
    if (!settings.profile.empty())
        return {settings.profile, "named explicitly"};
    auto name = name_in(outside, "AWS_PROFILE");
    auto other = name_in(outside, "AWS_DEFAULT_PROFILE");
    if (name.empty())
        return other.empty() ? profile_choice{"default", ""} : profile_choice{std::move(other), "AWS_DEFAULT_PROFILE"};
    auto passed_over = other.empty() || other == name ? "" : "AWS_DEFAULT_PROFILE = " + printable(other);
    return {std::move(name), "AWS_PROFILE", std::move(passed_over)};
}

std::string selected_profile(const world& outside, const chain_settings& settings) {
    return choose_profile(outside, settings).name;
}

failure missing_profile(const profile_set& profiles, std::string_view name, std::string_view named_by) {
    std::string text = fmt::format("there is no profile {}", printable(name));
    if (!named_by.empty())
        text += fmt::format(" ({})", named_by);
    if (!profiles.files.empty())
        text += " in " + profiles.files;
    const auto meant = profiles.left_out.find(name);
    if (meant != profiles.left_out.end())
        text += "; " + meant->second;
    else if (const auto near = nearest_name(profiles, name); !near.empty())
        text += fmt::format("; the nearest name is {}", printable(near));
    if (!profiles.doubt().empty())
        text += "; it may be behind this: " + profiles.doubt();
    return failure{std::move(text)};
}

std::optional<failure> trouble_with(const profile_choice& choice, const profile_set& profiles) {
    if (const auto* p = profiles.find(choice.name))
        return p->fault.empty() ? std::nullopt
                                : std::optional(failure{fmt::format("profile {}: {}", printable(p->name), p->fault)});
    if (choice.named_by.empty() && profiles.doubt().empty())
        return std::nullopt;
    return missing_profile(profiles, choice.name, choice.named_by);
}

} // namespace countersign::chain
