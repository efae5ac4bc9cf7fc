#include "chain/region.hpp"

#include "chain/imds_client.hpp"
#include "chain/profile.hpp"
#include "chain/profile_choice.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

result<region_choice> checked(std::string_view region, std::string origin) {
    const auto text = trimmed(region);
    if (!is_region(text)) {
        return failure{fmt::format("{}: {} is no region", origin, printable(text))};
    }
    return region_choice{std::string(text), std::move(origin), false};
}

} // namespace

result<std::optional<region_choice>>
configured_region(const world& outside, const chain_settings& settings, const std::string& given) {
    const auto found = [](result<region_choice> choice) -> result<std::optional<region_choice>> {
        if (!choice) {
            return choice.error();
        }
        return std::optional<region_choice>{*std::move(choice)};
    };
    if (!given.empty()) {
        return found(checked(given, "given"));
    }
    for (const auto* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
        if (const auto value = outside.setting(variable)) {
            return found(checked(*value, variable));
        }
    }
    const auto profiles = read_profiles(outside);
    if (!profiles) {
        return profiles.error();
    }
    const auto choice = choose_profile(outside, settings);
    if (auto wrong = trouble_with(choice, *profiles)) {
        return *std::move(wrong);
    }
    const auto& name = choice.name;
    const auto* selected = profiles->find(name);
    if (const auto* property = selected ? selected->find("region") : nullptr) {
        return found(checked(property->value.reveal(), fmt::format("profile {} ({})", printable(name), property->where))
        );
    }
    return std::optional<region_choice>{};
}

task<result<region_choice>> resolve_region(world& outside, chain_settings settings, std::string given) {
    auto said = configured_region(outside, settings, given);
    if (!said) {
        co_return said.error();
    }
    if (*said) {
        co_return **std::move(said);
    }
    region_choice choice{"us-east-1", "nothing says another", true};
    if (imds_is_disabled(outside)) {
        co_return choice;
    }
    imds_client client(std::move(settings));
    const auto reply = co_await client.get(outside, "/latest/meta-data/placement/region");
    if (reply.found()) {
        if (auto told = checked(reply.body.reveal(), "instance metadata")) {
            co_return *std::move(told);
        }
    }
    co_return choice;
}

bool is_region(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && text.front() != '-' && text.back() != '-' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

} // namespace countersign::chain
