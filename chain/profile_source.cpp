// The shared credentials and config files as a source: reads them anew each time, so that an edit counts at
// the next refresh, plans the way to credentials (profile_plan.hpp) and goes it, first keys first.
#include "chain/profile_choice.hpp"
#include "chain/profile_plan.hpp"
#include "chain/profile_sources.hpp"
#include "chain/provider.hpp"
#include "chain/sts.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

class profile_provider final : public provider {
public:
    explicit profile_provider(const chain_settings& settings)
        : settings_(settings), environment_(environment_source(environment_keys::count)),
          container_(container_source()), imds_(imds_source(settings)) {}

    std::string_view name() const noexcept override { return "profile"; }
    sight look(const world& outside) const override;
    task<answer> fetch(world& outside) override;
    std::vector<std::string> warnings() const override { return warnings_; }

private:
    plan_answer plan_in(const world& outside, const profile_set& profiles) const;
    task<answer> first_keys(world& outside, const profile_set& profiles, const profile_plan& plan);
    task<answer> web_identity(world& outside, const profile_set& profiles, const profile_plan& plan);
    task<answer> assume_all(world& outside, const profile_set& profiles, const profile_plan& plan, credentials keys);

    chain_settings settings_;
    // For credential_source. They remember tokens and last answers between fetches.
    std::unique_ptr<provider> environment_;
    std::unique_ptr<provider> container_;
    std::unique_ptr<provider> imds_;
    source_memory memory_;
    std::vector<std::string> warnings_; // of the files, when they were read last
};

// "profile dev (config:3): what is wrong"
failure wrong_in(std::string_view profile, std::string_view where, const failure& what) {
    return failure{fmt::format("profile {} ({}): {}", printable(profile), where, what.detail), what.retryable};
}

// Nobody sits before a service that refreshes its credentials at night.
std::optional<failure> mfa_in(const profile_plan& plan) {
    for (const auto& role : plan.roles) {
        if (!role.mfa_serial.empty()) {
            return wrong_in(
                role.profile,
                role.where,
                failure{"its role wants a code (mfa_serial), which a service cannot ask for: `countersign session` "
                        "makes a profile of keys that a code confirmed; name that one as source_profile and take "
                        "mfa_serial out"}
            );
        }
    }
    return std::nullopt;
}

std::vector<std::string> look_at_files(const world& outside) {
    std::vector<std::string> seen;
    const auto files = profile_files_of(outside);
    for (const auto& file : {files.config, files.credentials_file}) {
        const auto text = outside.read_file(file, longest_ini_file);
        seen.push_back(fmt::format(
            "{}: {}",
            printable(file.native(), 300),
            !text   ? "cannot be read"
            : *text ? "read"
                    : "no such file"
        ));
    }
    return seen;
}

// For whoever mistyped one.
std::string names_in(const profile_set& profiles) {
    constexpr std::size_t most = 10;
    std::string names;
    std::size_t count = 0;
    for (const auto& [name, p] : profiles.profiles) {
        if (++count <= most) {
            names.append(names.empty() ? "" : ", ").append(printable(name));
        }
    }
    return count == 0     ? "there are no profiles"
           : count > most ? fmt::format("profiles there are: {} and {} more", names, count - most)
                          : "profiles there are: " + names;
}

sight profile_provider::look(const world& outside) const {
    const auto [name, named_by, passed_over] = choose_profile(outside, settings_);
    sight s;
    s.seen.push_back(fmt::format("profile {} ({})", printable(name), named_by.empty() ? "the default one" : named_by));
    if (!passed_over.empty())
        s.seen.push_back(fmt::format("{} does not count beside {}", passed_over, named_by));
    const auto add = [&](const std::vector<std::string>& lines) {
        s.seen.insert(s.seen.end(), lines.begin(), lines.end());
    };
    add(look_at_files(outside));
    const auto profiles = read_profiles(outside);
    s.configured = true;
    if (!profiles) {
        return s;
    }
    const auto planned = plan_in(outside, *profiles);
    s.configured = !std::holds_alternative<not_mine>(planned);
    if (!profiles->find(name)) {
        s.seen.push_back(names_in(*profiles));
    }
    if (const auto* plan = std::get_if<profile_plan>(&planned)) {
        add(plan->seen);
        const profile_place place{*profiles, *plan->from, *profiles->find(name), settings_.region};
        if (plan->base == plan_base::sso) {
            add(see_sso(outside, place));
        } else if (plan->base == plan_base::login) {
            add(see_login(outside, place));
        } else if (plan->base == plan_base::command) {
            add(see_command(outside, place));
        }
        if (!plan->roles.empty() || plan->base == plan_base::web_identity) {
            add(look_at_sts(outside, settings_, *profiles));
        }
    }
    add(profiles->warnings);
    return s;
}

plan_answer profile_provider::plan_in(const world& outside, const profile_set& profiles) const {
    return plan_profile(profiles, choose_profile(outside, settings_));
}

task<answer> profile_provider::web_identity(world& outside, const profile_set& profiles, const profile_plan& plan) {
    auto place = co_await find_sts(outside, settings_, profiles);
    if (!place) {
        co_return wrong_in(plan.from->name, plan.where, place.error());
    }
    auto keys = co_await assume_role_with_web_identity(outside, *std::move(place), plan.web_identity);
    if (!keys) {
        co_return wrong_in(plan.from->name, plan.where, keys.error());
    }
    co_return *std::move(keys);
}

// not_mine is no answer here: the profile says that there are keys.
task<answer> profile_provider::first_keys(world& outside, const profile_set& profiles, const profile_plan& plan) {
    const profile_place place{
        profiles, *plan.from, *profiles.find(selected_profile(outside, settings_)), settings_.region};
    provider* named = nullptr;
    answer found = not_mine{};
    switch (plan.base) {
    case plan_base::static_keys:
        co_return plan.keys;
    case plan_base::web_identity:
        co_return co_await web_identity(outside, profiles, plan);
    case plan_base::environment:
        named = environment_.get();
        break;
    case plan_base::container:
        named = container_.get();
        break;
    case plan_base::imds:
        named = imds_.get();
        break;
    case plan_base::sso:
        found = co_await sso_credentials(outside, place, memory_);
        break;
    case plan_base::login:
        found = co_await login_credentials(outside, place, memory_);
        break;
    case plan_base::command:
        found = co_await command_credentials(outside, place);
        break;
    }
    if (named) {
        found = co_await named->fetch(outside);
    }
    const std::string_view source = named ? "credential_source: " : "";
    if (const auto* none = std::get_if<not_mine>(&found)) {
        co_return wrong_in(plan.from->name, plan.where, failure{fmt::format("{}{}", source, none->why)});
    }
    if (const auto* wrong = std::get_if<failure>(&found)) {
        co_return wrong_in(
            plan.from->name, plan.where, failure{fmt::format("{}{}", source, wrong->detail), wrong->retryable}
        );
    }
    co_return found;
}

task<answer>
profile_provider::assume_all(world& outside, const profile_set& profiles, const profile_plan& plan, credentials keys) {
    if (!plan.roles.empty()) {
        const auto place = co_await find_sts(outside, settings_, profiles);
        if (!place) {
            co_return place.error();
        }
        for (const auto& role : plan.roles) {
            auto next = co_await assume_role(outside, *place, role.ask, std::move(keys));
            if (!next) {
                co_return wrong_in(role.profile, role.where, next.error());
            }
            keys = *std::move(next);
        }
    }
    keys.provider = "profile";
    co_return keys;
}

task<answer> profile_provider::fetch(world& outside) {
    const auto profiles = read_profiles(outside);
    if (!profiles) {
        co_return profiles.error();
    }
    warnings_ = profiles->warnings;
    auto planned = plan_in(outside, *profiles);
    if (auto* none = std::get_if<not_mine>(&planned)) {
        co_return std::move(*none);
    }
    if (auto* wrong = std::get_if<failure>(&planned)) {
        co_return std::move(*wrong);
    }
    const auto& plan = std::get<profile_plan>(planned);
    if (auto wrong = mfa_in(plan)) {
        co_return *std::move(wrong);
    }
    answer first = co_await first_keys(outside, *profiles, plan);
    auto* keys = std::get_if<credentials>(&first);
    if (!keys) {
        co_return first;
    }
    co_return co_await assume_all(outside, *profiles, plan, std::move(*keys));
}

} // namespace

std::unique_ptr<provider> profile_source(const chain_settings& settings) {
    return std::make_unique<profile_provider>(settings);
}

} // namespace countersign::chain
