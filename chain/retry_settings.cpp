#include "chain/retry_settings.hpp"

#include "chain/profile_choice.hpp"
#include "chain/retry.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace countersign::chain {

namespace {

constexpr unsigned most_said = 100;

result<unsigned> attempts_said(std::string_view text, std::string_view where) {
    const auto digits = trimmed(text);
    unsigned number = 0;
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, number);
    if (error != std::errc{} || end != last || number < 1 || number > most_said) {
        return failure{fmt::format("{}: expected a whole number from 1 to {}", where, most_said)};
    }
    return number;
}

result<retry_style> style_said(std::string_view text, std::string_view where) {
    const auto name = trimmed(text);
    if (name == "adaptive") {
        return retry_style::adaptive;
    }
    if (name == "standard" || name == "legacy") {
        return retry_style::standard;
    }
    return failure{fmt::format("{}: expected standard, adaptive or legacy", where)};
}

std::string place_of(const profile& p, const profile_property& property) {
    return fmt::format("profile {} ({})", printable(p.name), property.where);
}

// What a profile says of `name`, read by `read`; none where it says nothing.
template <class Value>
result<std::optional<told<Value>>>
read_property(const profile& p, std::string_view name, result<Value> (*read)(std::string_view, std::string_view)) {
    const auto* property = p.find(name);
    if (property == nullptr) {
        return std::optional<told<Value>>{};
    }
    auto where = place_of(p, *property);
    const auto value = read(property->value.reveal(), fmt::format("{}: {}", where, name));
    if (!value) {
        return value.error();
    }
    return std::optional{told<Value>{*value, std::move(where)}};
}

} // namespace

result<profile_retries> retries_in_profile(const world& outside, const chain_settings& settings) {
    const auto profiles = read_profiles(outside);
    const auto* chosen = profiles ? profiles->find(selected_profile(outside, settings)) : nullptr;
    if (chosen == nullptr || !chosen->fault.empty()) {
        return profile_retries{};
    }
    auto attempts = read_property<unsigned>(*chosen, "max_attempts", attempts_said);
    if (!attempts) {
        return attempts.error();
    }
    auto mode = read_property<retry_style>(*chosen, "retry_mode", style_said);
    if (!mode) {
        return mode.error();
    }
    return profile_retries{*std::move(attempts), *std::move(mode)};
}

result<unsigned> attempts_of(const world& outside, const profile* chosen) {
    if (const auto said = outside.setting("AWS_MAX_ATTEMPTS")) {
        return attempts_said(*said, "AWS_MAX_ATTEMPTS");
    }
    if (chosen == nullptr) {
        return most_attempts;
    }
    const auto said = read_property<unsigned>(*chosen, "max_attempts", attempts_said);
    if (!said) {
        return said.error();
    }
    return *said ? (*said)->value : most_attempts;
}

} // namespace countersign::chain
