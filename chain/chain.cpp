#include "chain/chain.hpp"

#include "chain/imds_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace countersign::chain {

namespace {

failure nothing_found(const std::vector<attempt>& tried) {
    std::string text = "no credentials found";
    for (const auto& a : tried) {
        text += fmt::format("{} {}: {}", &a == tried.data() ? " -" : ";", a.source, a.why);
    }
    return {std::move(text), true};
}

// What was passed over before is said too: the broken source may not be the one that the user had in mind.
std::string before_it(const std::vector<attempt>& tried) {
    std::string skipped;
    for (const auto& a : tried) {
        if (a.outcome == finding::skipped) {
            skipped += fmt::format("{}{}: {}", skipped.empty() ? " (before it, " : "; ", a.source, a.why);
        }
    }
    return skipped.empty() ? skipped : skipped + ")";
}

failure broken_source(const std::vector<attempt>& tried, const failure& reason) {
    const auto broken =
        std::find_if(tried.begin(), tried.end(), [](const attempt& a) { return a.outcome == finding::broken; });
    return {fmt::format("{}: {}{}", broken->source, reason.detail, before_it(tried)), reason.retryable};
}

} // namespace

provider_list make_chain(const chain_settings& settings) {
    const auto keys = settings.profile_is_explicit ? environment_keys::overruled : environment_keys::count;
    provider_list sources;
    sources.push_back(command_line_source(settings));
    sources.push_back(environment_source(keys, settings));
    sources.push_back(profile_source(settings));
    sources.push_back(web_identity_source(keys, settings));
    sources.push_back(container_source());
    sources.push_back(imds_source(settings));
    return sources;
}

task<result<credentials>>
resolve(const provider_list& sources, world& outside, std::vector<attempt>& tried, std::string_view faithful_to) {
    tried.clear();
    for (const auto& source : sources) {
        tried.push_back({source->name(), finding::not_reached, {}});
    }
    for (std::size_t i = 0; i < sources.size(); ++i) {
        answer reply = co_await sources[i]->fetch(outside);
        if (auto* found = std::get_if<credentials>(&reply)) {
            tried[i].outcome = finding::used;
            tried[i].is_temporary = found->expiration.has_value();
            co_return std::move(*found);
        }
        if (const auto* broken = std::get_if<failure>(&reply)) {
            tried[i].outcome = finding::broken;
            tried[i].why = broken->detail;
            co_return broken_source(tried, *broken);
        }
        tried[i].why = std::get<not_mine>(reply).why;
        if (sources[i]->name() == faithful_to) {
            tried[i].outcome = finding::broken;
            const failure gone{fmt::format("gave credentials before and none now: {}", tried[i].why), true};
            co_return broken_source(tried, gone);
        }
        tried[i].outcome = finding::skipped;
    }
    co_return nothing_found(tried);
}

failure cut_off_load(const std::vector<attempt>& tried) {
    const auto asked = std::find_if(tried.begin(), tried.end(), [](const attempt& a) {
        return a.outcome == finding::used || a.outcome == finding::not_reached;
    });
    const auto late = fmt::format("no answer within {} s", longest_load.count());
    if (asked == tried.end()) {
        return {late, true};
    }
    const auto step = asked->outcome == finding::used ? " has keys, the role to be assumed with them" : "";
    return {fmt::format("{}{}: {}{}", asked->source, step, late, before_it(tried)), true};
}

std::string hidden_role(const std::vector<attempt>& tried, const world& outside) {
    const auto used =
        std::find_if(tried.begin(), tried.end(), [](const attempt& a) { return a.outcome == finding::used; });
    if (used == tried.end() || used->source == "container" || used->source == "imds") {
        return {};
    }
    // A profile that names a role means it, and may have come by the container's keys itself.
    if (used->source == "profile" && used->is_temporary) {
        return {};
    }
    const bool environment = used->source == "environment";
    const auto keys = environment                      ? "the keys in the environment (AWS_ACCESS_KEY_ID)"
                      : used->source == "profile"      ? "the keys of the profile"
                      : used->source == "web_identity" ? "the web identity (AWS_WEB_IDENTITY_TOKEN_FILE)"
                                                       : "the keys of the command line";
    if (container_source()->look(outside).configured) {
        return fmt::format(
            "{} {} the container's role: its endpoint is configured and is not asked",
            keys,
            used->source == "web_identity" ? "hides" : "hide"
        );
    }
    // Nobody is asked here, so an instance's role is only a possibility. The environment is where keys are
    // forgotten.
    if (!environment || imds_is_disabled(outside)) {
        return {};
    }
    return fmt::format("{} hide the instance's role: if this machine has one, it is not used", keys);
}

} // namespace countersign::chain
