#include "chain/credentials_file.hpp"

#include "chain/ini.hpp"
#include "chain/ini_text.hpp"
#include "chain/profile_plan.hpp"
#include "chain/profile_title.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace countersign::chain {

namespace {

struct key_property {
    std::string_view name;
    std::string_view value; // "": is to be taken out
    bool is_there = false;
    bool written = false;
};
using key_properties = std::array<key_property, 5>;

key_properties properties_of(const credentials& keys) {
    return {
        {{"aws_access_key_id", keys.access_key_id},
         {"aws_secret_access_key", keys.secret_access_key.reveal()},
         {"aws_session_token", keys.session_token.reveal()},
         {"aws_security_token", ""}, // the old name, which botocore would read first
         {"aws_account_id", keys.account_id}}};
}

// The sections whose properties are the profile's.
std::vector<ini_section> sections_of(std::string_view text, std::string_view profile) {
    auto all = parse_ini(text, "");
    if (!all) {
        return {};
    }
    const auto title_of = [](const ini_section& s) { return read_section_title(s.title, file_kind::credentials); };
    const bool has_exact = std::any_of(all->begin(), all->end(), [&](const ini_section& s) {
        const auto title = title_of(s);
        return title.is_exact && title.name == profile;
    });
    std::erase_if(*all, [&](const ini_section& s) {
        const auto title = title_of(s);
        return title.kind != section_kind::profile || title.name != profile || (has_exact && !title.is_exact);
    });
    return *std::move(all);
}

// REQUIRES: a text that parse_ini accepts.
class surgery {
public:
    surgery(std::string_view text, std::string_view profile, key_properties properties);
    ~surgery() { OPENSSL_cleanse(out_.data(), out_.size()); }
    surgery(const surgery&) = delete;
    surgery& operator=(const surgery&) = delete;

    secret result();

private:
    key_property* ours(std::string_view name);
    void copy_to(std::size_t place);
    void take_property(const ini_property& p);
    void add_profile();
    void add_missing();
    std::string_view indentation_behind(std::size_t place) const;
    void end_line();

    std::string_view text_;
    std::string_view profile_;
    key_properties properties_;
    std::vector<ini_section> sections_;
    std::string_view indentation_; // of what is put behind the title
    std::string_view ending_ = "\n";
    std::size_t done_ = 0; // what of the text is in out_, or left out
    std::string out_;
};

surgery::surgery(std::string_view text, std::string_view profile, key_properties properties)
    : text_(text), profile_(profile), properties_(properties), sections_(sections_of(text, profile)) {
    if (!sections_.empty()) {
        indentation_ = indentation_behind(sections_.front().at.end);
    }
    for (const auto& section : sections_) {
        for (const auto& p : section.properties) {
            if (auto* mine = ours(p.name)) {
                mine->is_there = true;
            }
        }
    }
    const auto first = text.find('\n');
    if (first != std::string_view::npos && first > 0 && text[first - 1] == '\r') {
        ending_ = "\r\n";
    }
    std::size_t most = text.size() + profile.size() + 200;
    for (const auto& p : properties_) {
        most += p.name.size() + p.value.size() + indentation_.size();
    }
    out_.reserve(most); // grows nowhere: no copy of a key is left behind
}

key_property* surgery::ours(std::string_view name) {
    const auto found =
        std::find_if(properties_.begin(), properties_.end(), [&](const key_property& p) { return p.name == name; });
    return found == properties_.end() ? nullptr : &*found;
}

void surgery::copy_to(std::size_t place) {
    out_.append(text_.substr(done_, place - done_));
    done_ = place;
}

// The file's last line may lack its end, or the half of it.
void surgery::end_line() {
    const char last = out_.empty() ? '\n' : out_.back();
    out_.append(last == '\n' ? "" : last == '\r' ? "\n" : ending_);
}

// Of the next line that counts. What is put before it must not be less deep: the line would continue it.
std::string_view surgery::indentation_behind(std::size_t place) const {
    for (auto rest = text_.substr(place); !rest.empty();) {
        const auto line = take_line(rest);
        const auto content = stripped_front(line);
        if (!content.empty() && content.front() != '#' && content.front() != ';') {
            return line.substr(0, line.size() - content.size());
        }
    }
    return {};
}

void surgery::add_missing() {
    end_line();
    for (const auto& p : properties_) {
        if (!p.is_there && !p.value.empty()) {
            out_.append(indentation_).append(p.name).append(" = ").append(p.value).append(ending_);
        }
    }
}

// "name=old # why" → "name=new # why". Repetitions, and lines that continue a value, are taken out.
void surgery::take_property(const ini_property& p) {
    auto* mine = ours(p.name);
    if (!mine) {
        return;
    }
    copy_to(p.at.begin);
    if (mine->written || mine->value.empty()) {
        done_ = p.at.end;
    } else {
        copy_to(p.value_at.begin);
        out_.append(p.value.empty() ? " " : "").append(mine->value);
        done_ = p.value_at.end;
        mine->written = true;
    }
    for (const auto& line : p.continued) {
        copy_to(line.begin);
        done_ = line.end;
    }
}

void surgery::add_profile() {
    copy_to(text_.size());
    if (!out_.empty()) {
        end_line();
        out_.append(ending_);
    }
    out_.append("[").append(profile_).append("]").append(ending_);
    add_missing();
}

secret surgery::result() {
    if (sections_.empty()) {
        add_profile();
    }
    for (const auto& section : sections_) {
        copy_to(section.at.end);
        if (&section == &sections_.front()) {
            add_missing();
        }
        for (const auto& p : section.properties) {
            take_property(p);
        }
    }
    copy_to(text_.size());
    return secret(out_);
}

// Keys without a token beside them, in the profile's own properties of one file.
std::optional<failure> long_lived_in(const profile_set& file, std::string_view name) {
    const auto* there = file.find(name);
    const auto* key = there ? there->find("aws_secret_access_key") : nullptr;
    if (!key && there) {
        key = there->find("aws_access_key_id");
    }
    if (!key || there->find("aws_session_token") || there->find("aws_security_token")) {
        return std::nullopt;
    }
    return failure{fmt::format(
        "profile {} has long-lived keys ({}: no aws_session_token stands beside them), which are never overwritten: "
        "save under another name",
        printable(name),
        key->where
    )};
}

// botocore prefers keys of the credentials file to these, the other SDKs do not.
const profile_property* stronger_for_others(const profile& p) {
    const auto* command = p.find("credential_process");
    return command ? command : p.find("login_session");
}

} // namespace

std::optional<failure> trouble_with_saving(named_text config, named_text credentials_file, std::string_view profile) {
    if (!is_ini_name(profile)) {
        return failure{fmt::format(
            "{} is no name for a profile: letters, digits and _-/.%@:+ only",
            profile.empty() ? "\"\"" : printable(profile)
        )};
    }
    const auto ours = merge_profiles({"", ""}, credentials_file);
    if (!ours) {
        return ours.error();
    }
    const auto configured = merge_profiles(config, {"", ""});
    if (!configured) {
        return configured.error();
    }
    for (const auto* file : {&*ours, &*configured}) {
        if (!file->fault.empty()) {
            return failure{file->fault}; // botocore reads nothing of it
        }
        if (auto wrong = long_lived_in(*file, profile)) {
            return wrong;
        }
    }

    credentials sample;
    sample.access_key_id = "ASIASAMPLE";
    sample.secret_access_key = secret("sample");
    sample.session_token = secret("sample");
    const secret text = with_profile(credentials_file.text, profile, sample);
    const auto both = merge_profiles(config, {credentials_file.name, text.reveal()});
    if (!both) {
        return both.error();
    }
    const auto planned = plan_profile(*both, profile);
    const auto* plan = std::get_if<profile_plan>(&planned);
    const bool has_keys = plan && plan->roles.empty() && plan->base == plan_base::static_keys;
    const auto* const saved = both->find(profile);
    if (!saved) {
        return failure{
            fmt::format("{} is no profile's name: what stands there holds for every profile", printable(profile))};
    }
    const auto* stronger = stronger_for_others(*saved);
    if (has_keys && !stronger) {
        return std::nullopt;
    }
    return failure{fmt::format(
        "profile {} has more than keys ({}), and they would not be used: save under another name",
        printable(profile),
        plan && !plan->roles.empty() ? "role_arn, " + plan->roles.front().where
        : has_keys                   ? stronger->where
        : plan                       ? plan->where
                                     : "what it names is incomplete"
    )};
}

secret with_profile(std::string_view text, std::string_view profile, const credentials& keys) {
    return surgery(text, profile, properties_of(keys)).result();
}

} // namespace countersign::chain
