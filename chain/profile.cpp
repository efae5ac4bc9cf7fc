#include "chain/profile.hpp"

#include "chain/path_setting.hpp"
#include "chain/world.hpp"

#include <optional>

namespace countersign::chain {

const profile_property* profile::said(std::string_view property) const noexcept {
    const auto found = properties.find(property);
    return found == properties.end() ? nullptr : &found->second;
}

const profile_property* profile::find(std::string_view property) const noexcept {
    const auto* found = said(property);
    return found && !found->value.empty() ? found : nullptr;
}

std::string_view profile::value(std::string_view property) const noexcept {
    const auto* found = find(property);
    return found ? found->value.reveal() : std::string_view{};
}

const profile* profile_set::find(std::string_view name) const noexcept {
    const auto found = profiles.find(name);
    return found == profiles.end() ? nullptr : &found->second;
}

profile_files profile_files_of(const world& outside) {
    const auto place = [&](std::string_view variable, std::string_view usual) {
        return std::filesystem::path(path_setting(outside, variable, usual).value_or(""));
    };
    return {place("AWS_CONFIG_FILE", "~/.aws/config"), place("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")};
}

result<profile_set> read_profiles(const world& outside) {
    const auto files = profile_files_of(outside);
    const auto config = outside.read_file(files.config, longest_ini_file);
    if (!config) {
        return config.error();
    }
    const auto keys = outside.read_file(files.credentials_file, longest_ini_file);
    if (!keys) {
        return keys.error();
    }
    const auto text = [](const std::optional<secret>& s) { return s ? s->reveal() : std::string_view{}; };
    return merge_profiles({files.config.native(), text(*config)}, {files.credentials_file.native(), text(*keys)});
}

} // namespace countersign::chain
