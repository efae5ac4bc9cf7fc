// The shared credentials and config files as a source: reads them anew each time, so that an edit counts at
// the next refresh.
#include "chain/profile.hpp"
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
    const auto found = found_in(outside);
    s.configured = !std::holds_alternative<not_mine>(found);
    const auto profiles = read_profiles(outside);
    if (!profiles)
        return s;
    if (const auto* keys = std::get_if<credentials>(&found))
        s.seen.push_back(fmt::format(
            "keys {} ({})", masked(keys->access_key_id), profiles->find(name)->find("aws_access_key_id")->where
        ));
    s.seen.insert(s.seen.end(), profiles->warnings.begin(), profiles->warnings.end());
    return s;
}

answer profile_provider::found_in(const world& outside) const {
    const auto profiles = read_profiles(outside);
    if (!profiles)
        return profiles.error();
    const auto name = selected_profile(outside, settings_);
    if (const auto* found = profiles->find(name))
        return plan_of(*found);
    // Who names a profile (command line, configuration) wants that one: the next source would be another
    // identity.
    if (!settings_.profile.empty())
        return failure{fmt::format("there is no profile {}", printable(name))};
    return not_mine{fmt::format("there is no profile {}", printable(name))};
}

} // namespace

std::unique_ptr<provider> profile_source(const chain_settings& settings) {
    return std::make_unique<profile_provider>(settings);
}

} // namespace countersign::chain
