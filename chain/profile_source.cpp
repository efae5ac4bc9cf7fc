// The shared credentials and config files as a source: reads them anew each time, so that an edit counts at
// the next refresh.
#include "chain/profile_plan.hpp"
#include "chain/provider.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace countersign::chain {

namespace {

class profile_provider final : public provider {
public:
    explicit profile_provider(chain_settings settings) : settings_(std::move(settings)) {}

    std::string_view name() const noexcept override { return "profile"; }
    sight look(const world& outside) const override;
    task<answer> fetch(world& outside) override { co_return found_in(outside); }

private:
    plan_answer plan_in(const world& outside, const profile_set& profiles) const;
    answer found_in(const world& outside) const;

    chain_settings settings_;
};

sight profile_provider::look(const world& outside) const {
    const auto files = profile_files_of(outside);
    const auto name = selected_profile(outside, settings_);
    const bool by_variable = settings_.profile.empty() && name != "default";
    sight s;
    s.seen.push_back(fmt::format(
        "profile {} ({})",
        printable(name),
        !settings_.profile.empty() ? "named explicitly"
        : by_variable              ? "AWS_PROFILE"
                                   : "the default one"
    ));
    for (const auto& file : {files.config, files.credentials_file}) {
        const auto text = outside.read_file(file, longest_ini_file);
        s.seen.push_back(fmt::format(
            "{}: {}",
            printable(file.native(), 300),
            !text   ? "cannot be read"
            : *text ? "read"
                    : "no such file"
        ));
    }
    const auto profiles = read_profiles(outside);
    s.configured = true;
    if (!profiles)
        return s;
    const auto planned = plan_in(outside, *profiles);
    s.configured = !std::holds_alternative<not_mine>(planned);
    if (const auto* plan = std::get_if<profile_plan>(&planned))
        s.seen.insert(s.seen.end(), plan->seen.begin(), plan->seen.end());
    s.seen.insert(s.seen.end(), profiles->warnings.begin(), profiles->warnings.end());
    return s;
}

plan_answer profile_provider::plan_in(const world& outside, const profile_set& profiles) const {
    auto planned = plan_profile(profiles, selected_profile(outside, settings_));
    const auto* none = std::get_if<not_mine>(&planned);
    // Who names a profile (command line, configuration) wants that one: the next source would be another
    // identity.
    if (none && !settings_.profile.empty() && !profiles.find(settings_.profile))
        return failure{none->why};
    return planned;
}

answer profile_provider::found_in(const world& outside) const {
    const auto profiles = read_profiles(outside);
    if (!profiles)
        return profiles.error();
    auto planned = plan_in(outside, *profiles);
    if (auto* none = std::get_if<not_mine>(&planned))
        return std::move(*none);
    if (auto* wrong = std::get_if<failure>(&planned))
        return std::move(*wrong);
    auto& plan = std::get<profile_plan>(planned);
    if (plan.base != plan_base::static_keys || !plan.roles.empty())
        return failure{fmt::format(
            "profile {} ({}): not available in this version of countersign", printable(plan.from->name), plan.where
        )};
    return std::move(plan.keys);
}

} // namespace

std::unique_ptr<provider> profile_source(const chain_settings& settings) {
    return std::make_unique<profile_provider>(settings);
}

} // namespace countersign::chain
