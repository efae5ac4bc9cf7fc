#include "chain/profile.hpp"

#include "chain/ini.hpp"
#include "chain/text.hpp"
#include "chain/world.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

enum class file_kind : std::uint8_t { config, credentials };
enum class section_kind : std::uint8_t { ignored, plain_default, profile, sso_session, services };

struct titled {
    section_kind kind = section_kind::ignored;
    std::string_view name;
};

// "profile  dev" → {profile, "dev"}; "default" → {plain_default, "default"}; "dev" is a profile in the
// credentials file only.
titled read_title(std::string_view title, file_kind file) noexcept {
    const auto gap = title.find_first_of(" \t");
    const auto prefix = title.substr(0, gap);
    const auto name = gap == std::string_view::npos ? std::string_view{} : trimmed(title.substr(gap));
    titled out;
    if (file == file_kind::credentials)
        out = {section_kind::profile, title};
    else if (title == "default")
        out = {section_kind::plain_default, title};
    else if (prefix == "profile")
        out = {section_kind::profile, name};
    else if (prefix == "sso-session")
        out = {section_kind::sso_session, name};
    else if (prefix == "services")
        out = {section_kind::services, name};
    if (!is_ini_name(out.name))
        out.kind = section_kind::ignored;
    return out;
}

void add_properties(const ini_section& section, std::string_view file, profile& to, profile_set& set) {
    for (const auto& p : section.properties) {
        std::string where = fmt::format("{}:{}", printable(file, 300), p.line);
        if (!is_ini_name(p.name)) {
            set.warnings.push_back(where + ": a property with an impossible name is left out");
            continue;
        }
        profile_property property{p.value, std::move(where), {}};
        for (const auto& n : p.nested)
            property.nested[n.name] = n.value;
        to.properties[p.name] = std::move(property);
    }
}

std::optional<failure> add_file(named_text file, file_kind kind, profile_set& set) {
    const auto sections = parse_ini(file.text, file.name);
    if (!sections)
        return sections.error();
    bool prefixed_default = false;
    for (const auto& s : *sections) {
        const auto t = read_title(s.title, kind);
        prefixed_default |= kind == file_kind::config && t.kind == section_kind::profile && t.name == "default";
    }
    for (const auto& s : *sections) {
        const auto t = read_title(s.title, kind);
        if (t.kind == section_kind::ignored || (t.kind == section_kind::plain_default && prefixed_default)) {
            set.warnings.push_back(
                fmt::format("{}:{}: section [{}] is left out", printable(file.name, 300), s.line, printable(s.title))
            );
            continue;
        }
        auto& group = t.kind == section_kind::sso_session ? set.sso_sessions
                      : t.kind == section_kind::services  ? set.services
                                                          : set.profiles;
        profile& to = group[std::string(t.name)];
        to.name = t.name;
        add_properties(s, file.name, to, set);
    }
    return std::nullopt;
}

} // namespace

const profile_property* profile::find(std::string_view property) const noexcept {
    const auto found = properties.find(property);
    return found == properties.end() || found->second.value.empty() ? nullptr : &found->second;
}

std::string_view profile::value(std::string_view property) const noexcept {
    const auto* found = find(property);
    return found ? found->value.reveal() : std::string_view{};
}

const profile* profile_set::find(std::string_view name) const noexcept {
    const auto found = profiles.find(name);
    return found == profiles.end() ? nullptr : &found->second;
}

result<profile_set> merge_profiles(named_text config, named_text credentials_file) {
    profile_set set;
    if (auto wrong = add_file(config, file_kind::config, set))
        return *std::move(wrong);
    if (auto wrong = add_file(credentials_file, file_kind::credentials, set))
        return *std::move(wrong);
    return set;
}

profile_files profile_files_of(const world& outside) {
    const auto home = outside.setting("HOME");
    const auto place = [&](std::string_view variable, std::string_view usual) {
        std::string path = outside.setting(variable).value_or(std::string(usual));
        if (path == "~" || path.starts_with("~/"))
            path = home ? *home + path.substr(1) : std::string{};
        return std::filesystem::path(path);
    };
    return {place("AWS_CONFIG_FILE", "~/.aws/config"), place("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")};
}

result<profile_set> read_profiles(const world& outside) {
    const auto files = profile_files_of(outside);
    const auto config = outside.read_file(files.config, longest_ini_file);
    if (!config)
        return config.error();
    const auto keys = outside.read_file(files.credentials_file, longest_ini_file);
    if (!keys)
        return keys.error();
    const auto text = [](const std::optional<secret>& s) { return s ? s->reveal() : std::string_view{}; };
    return merge_profiles({files.config.native(), text(*config)}, {files.credentials_file.native(), text(*keys)});
}

std::string selected_profile(const world& outside, const chain_settings& settings) {
    if (!settings.profile.empty())
        return settings.profile;
    for (const auto* variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"})
        if (const auto named = outside.setting(variable))
            return std::string(trimmed(*named));
    return "default";
}

} // namespace countersign::chain
