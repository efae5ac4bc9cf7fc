#include "chain/file_watch.hpp"

#include "chain/profile.hpp"
#include "chain/profile_choice.hpp"
#include "chain/profile_plan.hpp"

#include <string>
#include <utility>
#include <variant>

namespace countersign::chain {

namespace {

// Only of a file that stays: what is read from a pipe (AWS_CONFIG_FILE=<(...)) would be missing to the source.
secret text_of(const std::filesystem::path& file, const world& outside) {
    if (!outside.mark(file)) {
        return {};
    }
    auto text = outside.read_file(file, longest_ini_file);
    return text && *text ? **std::move(text) : secret{};
}

// "" without one.
std::string profile_token_file(const profile_files& shared, const chain_settings& settings, const world& outside) {
    const secret config = text_of(shared.config, outside);
    const secret keys = text_of(shared.credentials_file, outside);
    const auto profiles = merge_profiles({"", config.reveal()}, {"", keys.reveal()});
    if (!profiles) {
        return {};
    }
    const auto planned = plan_profile(*profiles, selected_profile(outside, settings));
    const auto* plan = std::get_if<profile_plan>(&planned);
    return plan && plan->base == plan_base::web_identity ? plan->web_identity.token_file : std::string{};
}

std::vector<std::filesystem::path> files_of(const chain_settings& settings, const world& outside) {
    const auto shared = profile_files_of(outside);
    std::vector<std::filesystem::path> files{shared.config, shared.credentials_file};
    for (const auto* variable : {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}) {
        if (const auto file = outside.setting(variable)) {
            files.emplace_back(*file);
        }
    }
    if (!settings.secret_access_key_file.empty()) {
        files.emplace_back(settings.secret_access_key_file);
    }
    if (const auto token = profile_token_file(shared, settings, outside); !token.empty()) {
        files.emplace_back(token);
    }
    return files;
}

} // namespace

file_watch::file_watch(chain_settings settings) : settings_(std::move(settings)) {}

file_watch::marks file_watch::look(const world& outside) const {
    marks found;
    for (const auto& file : files_) {
        found.push_back(outside.mark(file));
    }
    return found;
}

void file_watch::take(const world& outside) {
    files_ = files_of(settings_, outside);
    taken_ = look(outside);
    seen_ = taken_;
}

bool file_watch::changed(const world& outside) {
    auto now = look(outside);
    const bool settled = now == seen_;
    seen_ = std::move(now);
    return settled && seen_ != taken_;
}

} // namespace countersign::chain
