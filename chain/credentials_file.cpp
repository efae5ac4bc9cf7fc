#include "chain/credentials_file.hpp"

#include "chain/ini.hpp"
#include "chain/profile_plan.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>

namespace countersign::chain {

namespace {

struct key_property {
    std::string_view name;
    std::string_view value; // "": is to be taken out
    bool written = false;
};
using key_properties = std::array<key_property, 4>;

key_properties properties_of(const credentials& keys) {
    return {
        {{"aws_access_key_id", keys.access_key_id},
         {"aws_secret_access_key", keys.secret_access_key.reveal()},
         {"aws_session_token", keys.session_token.reveal()},
         {"aws_account_id", keys.account_id}}};
}

// One line: "a = 1 # x\r\n" → content "a = 1 # x", ending "\r\n".
struct line {
    std::string_view content, ending;
};

line take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto size = end == std::string_view::npos ? text.size() : end + 1;
    line l{text.substr(0, size), {}};
    if (l.content.ends_with('\n')) {
        const std::size_t ending = l.content.ends_with("\r\n") ? 2 : 1;
        l.ending = l.content.substr(size - ending);
        l.content.remove_suffix(ending);
    }
    text.remove_prefix(size);
    return l;
}

// REQUIRES: the text is a credentials file as parse_ini accepts it.
class surgery {
public:
    surgery(std::string_view text, std::string_view profile, key_properties properties)
        : rest_(text), profile_(profile), properties_(properties) {
        const auto first = text.find('\n');
        if (first != std::string_view::npos && first > 0 && text[first - 1] == '\r')
            ending_ = "\r\n";
        std::size_t most = text.size() + profile.size() + 200;
        for (const auto& p : properties_)
            most += p.name.size() + p.value.size();
        out_.reserve(most); // grows nowhere: no copy of a key is left behind
    }
    ~surgery() { OPENSSL_cleanse(out_.data(), out_.size()); }
    surgery(const surgery&) = delete;
    surgery& operator=(const surgery&) = delete;

    secret result();

private:
    void take(const line& l);
    void take_title(const line& l);
    void take_property(const line& l);
    void replace_value(const line& l, std::string_view value);
    void insert_missing(std::size_t place);
    std::string_view missing_end(std::size_t place) const;

    std::string_view rest_;
    std::string_view profile_;
    key_properties properties_;
    std::string_view ending_ = "\n";
    std::string out_;
    bool inside_ = false;   // a section of the profile
    bool removing_ = false; // the lines that continue a value of ours
};

// What ends a line that ends at `place`: the file's last one may lack its end, or the half of it.
std::string_view surgery::missing_end(std::size_t place) const {
    const char last = place == 0 ? '\n' : out_[place - 1];
    return last == '\n' ? "" : last == '\r' ? "\n" : ending_;
}

// Nothing behind a title can take it for a part of itself.
void surgery::insert_missing(std::size_t place) {
    std::string lines;
    lines.reserve(out_.capacity());
    lines += missing_end(place);
    for (const auto& p : properties_)
        if (!p.written && !p.value.empty())
            lines.append(p.name).append(" = ").append(p.value).append(ending_);
    out_.insert(place, lines);
    OPENSSL_cleanse(lines.data(), lines.size());
}

void surgery::take_title(const line& l) {
    const auto end = l.content.find(']');
    inside_ = trimmed(l.content.substr(1, end - 1)) == profile_;
    out_.append(l.content).append(l.ending);
}

// "name=old # why" → "name=new # why". A comment begins behind a blank only.
void surgery::replace_value(const line& l, std::string_view value) {
    const auto name_end = l.content.find('=') + 1;
    auto end = l.content.size();
    for (auto i = name_end; i < l.content.size(); ++i)
        if ((l.content[i] == '#' || l.content[i] == ';') && is_blank(l.content[i - 1])) {
            end = i;
            break;
        }
    const auto old = trimmed(l.content.substr(name_end, end - name_end));
    const auto from = old.empty() ? name_end : static_cast<std::size_t>(old.data() - l.content.data());
    out_.append(l.content.substr(0, from)).append(old.empty() ? " " : "").append(value);
    out_.append(l.content.substr(from + old.size())).append(l.ending);
}

void surgery::take_property(const line& l) {
    std::string name(trimmed(l.content.substr(0, l.content.find('='))));
    std::transform(name.begin(), name.end(), name.begin(), lower);
    const auto ours =
        std::find_if(properties_.begin(), properties_.end(), [&](const key_property& p) { return p.name == name; });
    removing_ = inside_ && ours != properties_.end();
    if (!removing_) {
        out_.append(l.content).append(l.ending);
    } else if (!ours->written && !ours->value.empty()) {
        replace_value(l, ours->value);
        ours->written = true;
    }
}

void surgery::take(const line& l) {
    const auto first = l.content.empty() ? '\0' : l.content.front();
    if (trimmed(l.content).empty() || first == '#' || first == ';') {
        out_.append(l.content).append(l.ending);
    } else if (is_blank(first)) {
        if (!removing_)
            out_.append(l.content).append(l.ending);
    } else if (first == '[') {
        removing_ = false;
        take_title(l);
    } else {
        take_property(l);
    }
}

secret surgery::result() {
    std::optional<std::size_t> title_end; // of the profile's first section: what is missing goes there
    while (!rest_.empty()) {
        take(take_line(rest_));
        if (inside_ && !title_end)
            title_end = out_.size();
    }
    if (!title_end) {
        if (!out_.empty())
            out_.append(missing_end(out_.size())).append(ending_);
        out_.append("[").append(profile_).append("]").append(ending_);
    }
    insert_missing(title_end.value_or(out_.size()));
    return secret(out_);
}

// Keys without a token beside them, in the profile's own properties of one file.
std::optional<failure> long_lived_in(const profile_set& file, std::string_view name) {
    const auto* there = file.find(name);
    const auto* key = there ? there->find("aws_secret_access_key") : nullptr;
    if (!key && there)
        key = there->find("aws_access_key_id");
    if (!key || there->find("aws_session_token"))
        return std::nullopt;
    return failure{fmt::format(
        "profile {} has long-lived keys ({}: no aws_session_token stands beside them), which are never overwritten: "
        "save under another name",
        printable(name),
        key->where
    )};
}

} // namespace

std::optional<failure> trouble_with_saving(named_text config, named_text credentials_file, std::string_view profile) {
    if (!is_ini_name(profile))
        return failure{fmt::format(
            "{} is no name for a profile: letters, digits and _-/.%@:+ only",
            profile.empty() ? "\"\"" : printable(profile)
        )};
    const auto ours = merge_profiles({"", ""}, credentials_file);
    if (!ours)
        return ours.error();
    const auto configured = merge_profiles(config, {"", ""});
    if (!configured)
        return configured.error();
    for (const auto* file : {&*ours, &*configured})
        if (auto wrong = long_lived_in(*file, profile))
            return wrong;

    credentials sample;
    sample.access_key_id = "ASIASAMPLE";
    sample.secret_access_key = secret("sample");
    sample.session_token = secret("sample");
    const secret text = with_profile(credentials_file.text, profile, sample);
    const auto both = merge_profiles(config, {credentials_file.name, text.reveal()});
    if (!both)
        return both.error();
    const auto planned = plan_profile(*both, profile);
    const auto* plan = std::get_if<profile_plan>(&planned);
    if (plan && plan->roles.empty() && plan->base == plan_base::static_keys)
        return std::nullopt;
    return failure{fmt::format(
        "profile {} has more than keys ({}), and they would not be used: save under another name",
        printable(profile),
        plan && !plan->roles.empty() ? "role_arn, " + plan->roles.front().where
        : plan                       ? plan->where
                                     : "what it names is incomplete"
    )};
}

secret with_profile(std::string_view text, std::string_view profile, const credentials& keys) {
    return surgery(text, profile, properties_of(keys)).result();
}

} // namespace countersign::chain
