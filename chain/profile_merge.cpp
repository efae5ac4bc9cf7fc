// Two files made one set of profiles.
#include "chain/ini.hpp"
#include "chain/profile.hpp"
#include "chain/profile_title.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace countersign::chain {

namespace {

// The properties that say who signs: two values of one are no choice that we may make.
constexpr std::array identity_properties{
    std::string_view("aws_access_key_id"),
    std::string_view("aws_secret_access_key"),
    std::string_view("aws_security_token"),
    std::string_view("aws_session_token"),
    std::string_view("credential_process"),
    std::string_view("credential_source"),
    std::string_view("login_session"),
    std::string_view("role_arn"),
    std::string_view("source_profile"),
    std::string_view("sso_account_id"),
    std::string_view("sso_region"),
    std::string_view("sso_role_name"),
    std::string_view("sso_session"),
    std::string_view("sso_start_url"),
    std::string_view("web_identity_token_file")};

constexpr std::array key_properties{
    std::string_view("aws_access_key_id"),
    std::string_view("aws_secret_access_key"),
    std::string_view("aws_security_token"),
    std::string_view("aws_session_token")};

// Sections of the AWS CLI that are no profiles.
constexpr std::array cli_sections{
    std::string_view("plugins"), std::string_view("preview"), std::string_view("toplevel")};

template <class Names>
bool is_one_of(const Names& names, std::string_view name) noexcept {
    return std::find(names.begin(), names.end(), name) != names.end();
}

struct titled {
    section_title title;
    ini_section section;
};

struct parsed_file {
    std::string name; // printable
    file_kind kind = file_kind::config;
    std::vector<titled> sections;

    std::string at(unsigned line) const { return fmt::format("{}:{}", name, line); }
};

// Whose name a section says.
using section_name = std::pair<section_kind, std::string>;

class merging {
public:
    std::optional<failure> add(named_text file, file_kind kind);
    profile_set finish();

private:
    struct gathered {
        profile what;
        std::string title;
    };
    using gathering = std::map<section_name, gathered>; // of one file

    void gather(const parsed_file& file);
    void gather_section(const parsed_file& file, const titled& t, gathering& all);
    void add_properties(const parsed_file& file, const titled& t, profile& to);
    std::string fault_of(const parsed_file& file, const titled& t) const;
    void fault_default(const parsed_file& file, const ini_section& lines, gathering& all);
    void note_left_out(const parsed_file& file, const titled& t);
    void note_faults(const parsed_file& file);
    void note_repetitions(const parsed_file& file);
    void join(file_kind kind, const section_name& name, profile from);
    void keep_keys_of_one_file(profile& in_config, profile& in_credentials_file);

    std::vector<parsed_file> files_;
    std::set<section_name> exact_;
    profile_set set_;
};

std::optional<failure> merging::add(named_text file, file_kind kind) {
    auto sections = parse_ini(file.text, file.name);
    if (!sections) {
        return sections.error();
    }
    parsed_file& parsed = files_.emplace_back();
    parsed.name = printable(file.name, 300);
    parsed.kind = kind;
    for (ini_section& s : *sections) {
        titled t{read_section_title(s.title, kind), std::move(s)};
        if (t.title.is_exact) {
            exact_.insert({t.title.kind, t.title.name});
        }
        parsed.sections.push_back(std::move(t));
    }
    return std::nullopt;
}

std::string shown(const ini_section& section) {
    return printable(std::string_view(section.title).substr(0, section.title.find(']')));
}

void merging::note_faults(const parsed_file& file) {
    for (const auto& [title, section] : file.sections) {
        if (section.fault.what.empty()) {
            continue;
        }
        set_.warnings.push_back(fmt::format("{}: {}", file.at(section.fault.line), section.fault.what));
        if (set_.fault.empty()) {
            set_.fault = set_.warnings.back();
        }
    }
}

void merging::note_repetitions(const parsed_file& file) {
    std::set<std::string_view> titles;
    std::set<std::pair<std::string_view, std::string_view>> properties;
    const auto note = [&](unsigned line, std::string_view what) {
        if (set_.repetition.empty()) {
            set_.repetition = fmt::format("{}: {} stands there twice", file.at(line), what);
        }
    };
    for (const auto& [title, section] : file.sections) {
        if (!section.title.empty() && title.kind != section_kind::defaults && !titles.insert(section.title).second) {
            note(section.line, "section [" + shown(section) + "]");
        }
        for (const auto& p : section.properties) {
            if (!properties.insert({section.title, p.name}).second) {
                note(p.line, printable(p.name));
            }
        }
    }
}

void merging::note_left_out(const parsed_file& file, const titled& t) {
    if (is_one_of(cli_sections, t.section.title)) {
        return;
    }
    const std::string title = shown(t.section);
    const std::string where = file.at(t.section.line);
    std::string_view name = t.section.title;
    const bool has_prefix = name.starts_with("profile ") || name.starts_with("profile\t");
    if (has_prefix) {
        name = trimmed(name.substr(7));
    }
    std::string hint =
        has_prefix ? fmt::format("{} has [{}]: a name with blanks stands in quotes, [profile 'My Mac']", where, title)
                   : fmt::format("{} has [{}]: in this file a profile's title is [profile NAME]", where, title);
    set_.left_out.emplace(name, std::move(hint));
    set_.warnings.push_back(fmt::format(
        "{}: section [{}] is left out{}",
        where,
        title,
        has_prefix ? ": a name with blanks stands in quotes" : ": it is no profile without the word profile"
    ));
}

// What only seems a title leaves the next section's keys to this one, as for botocore. Where botocore would not find
// this section, or refuse the file, that is nobody's wish: the line is taken for a fault.
std::string merging::fault_of(const parsed_file& file, const titled& t) const {
    const ini_section& section = t.section;
    if (!section.fault.what.empty()) {
        return fmt::format("{}: {}", file.at(section.fault.line), section.fault.what);
    }
    if (section.seeming_title != 0 && (!t.title.is_exact || !set_.doubt().empty())) {
        return file.at(section.seeming_title) + ": a title that is indented, or has no `]`, begins no section";
    }
    return {};
}

void merging::add_properties(const parsed_file& file, const titled& t, profile& to) {
    for (const ini_property& p : t.section.properties) {
        std::string where = file.at(p.line);
        if (!is_ini_name(p.name)) {
            set_.warnings.push_back(where + ": a property with an impossible name is left out");
            continue;
        }
        const bool says_who = is_one_of(identity_properties, p.name);
        const auto* before = to.said(p.name);
        if (says_who && to.fault.empty() && !p.nested.empty()) {
            to.fault = fmt::format("{}: {} has a block of lines below it instead of a value", where, p.name);
        }
        if (before && before->value.reveal() != p.value.reveal()) {
            std::string twice =
                fmt::format("{}: {} is said again, with another value than in {}", where, p.name, before->where);
            set_.warnings.push_back(says_who ? twice : twice + ": this one counts");
            if (says_who && to.fault.empty()) {
                to.fault = std::move(twice);
            }
        }
        profile_property property{p.value, std::move(where), {}, file.kind == file_kind::credentials};
        for (const auto& n : p.nested) {
            property.nested[n.name] = n.value;
        }
        to.properties[p.name] = std::move(property);
    }
    if (to.fault.empty()) {
        to.fault = fault_of(file, t);
    }
}

void merging::gather_section(const parsed_file& file, const titled& t, gathering& all) {
    const section_name name{t.title.kind, t.title.name};
    const std::string where = file.at(t.section.line);
    if (!t.title.is_exact && exact_.contains(name)) {
        set_.warnings.push_back(
            fmt::format("{}: section [{}] is left out: another has this very name", where, shown(t.section))
        );
        return;
    }
    if (t.section.has_tail) {
        set_.warnings.push_back(where + ": what stands behind the section's `]` is left out");
    }
    gathered& to = all[name];
    // For botocore these are two sections, and the last one counts. The same title twice it refuses.
    if (t.title.is_exact && !to.title.empty() && to.title != t.section.title) {
        set_.warnings.push_back(fmt::format(
            "{}: [{}] takes the place of [{}]: take one of them out", where, shown(t.section), printable(to.title)
        ));
        to.what = {};
    }
    to.title = t.section.title;
    to.what.name = t.title.name;
    to.what.is_exact = t.title.is_exact;
    add_properties(file, t, to.what);
}

// Lines before any title that say who signs: most likely meant for the default profile, whose keys elsewhere must not
// sign in place of what they name.
void merging::fault_default(const parsed_file& file, const ini_section& lines, gathering& all) {
    for (const ini_property& p : lines.properties) {
        if (!is_one_of(identity_properties, p.name)) {
            continue;
        }
        profile& to = all[section_name{section_kind::profile, "default"}].what;
        to.name = "default";
        if (to.fault.empty()) {
            to.fault = fmt::format("{}: {} stands before any section", file.at(p.line), p.name);
        }
    }
}

void merging::gather(const parsed_file& file) {
    gathering all;
    profile defaults;
    for (const titled& t : file.sections) {
        if (t.title.kind == section_kind::defaults) {
            add_properties(file, t, defaults);
        } else if (t.title.kind != section_kind::ignored) {
            gather_section(file, t, all);
        } else if (!t.section.title.empty()) {
            note_left_out(file, t);
        } else if (&t == &file.sections.front()) {
            fault_default(file, t.section, all);
        }
    }
    for (auto& [name, one] : all) {
        for (const auto& [property, value] : defaults.properties) {
            one.what.properties.emplace(property, value);
        }
        if (one.what.fault.empty()) {
            one.what.fault = defaults.fault;
        }
        join(file.kind, name, std::move(one.what));
    }
}

// Half of a pair in each file would be nobody's.
void merging::keep_keys_of_one_file(profile& in_config, profile& in_credentials_file) {
    const bool in_second = in_credentials_file.said("aws_access_key_id") != nullptr;
    if (!in_second && !in_config.said("aws_access_key_id")) {
        return;
    }
    profile& unused = in_second ? in_config : in_credentials_file;
    for (const auto property : key_properties) {
        const auto found = unused.properties.find(property);
        if (found == unused.properties.end()) {
            continue;
        }
        set_.warnings.push_back(fmt::format(
            "{}: {} is left out: the keys of profile {} are those of the other file",
            found->second.where,
            property,
            printable(in_config.name)
        ));
        unused.properties.erase(found);
    }
}

void merging::join(file_kind kind, const section_name& name, profile from) {
    auto& group = name.first == section_kind::sso_session ? set_.sso_sessions
                  : name.first == section_kind::services  ? set_.services
                                                          : set_.profiles;
    const auto [there, is_new] = group.try_emplace(name.second);
    profile& to = there->second;
    if (is_new) {
        to = std::move(from);
        return;
    }
    if (kind == file_kind::credentials) {
        keep_keys_of_one_file(to, from);
    }
    for (auto& [property, value] : from.properties) {
        to.properties[property] = std::move(value);
    }
    if (to.fault.empty()) {
        to.fault = std::move(from.fault);
    }
}

profile_set merging::finish() {
    for (const parsed_file& file : files_) {
        note_faults(file);
        note_repetitions(file);
    }
    for (const parsed_file& file : files_) {
        gather(file);
        if (!file.name.empty()) {
            set_.files += (set_.files.empty() ? "" : " and ") + file.name;
        }
    }
    return std::move(set_);
}

} // namespace

result<profile_set> merge_profiles(named_text config, named_text credentials_file) {
    merging both;
    if (auto wrong = both.add(config, file_kind::config)) {
        return *std::move(wrong);
    }
    if (auto wrong = both.add(credentials_file, file_kind::credentials)) {
        return *std::move(wrong);
    }
    return both.finish();
}

} // namespace countersign::chain
