#include "conf/keys.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace countersign::conf {
namespace {

using std::string_view;

constexpr std::size_t longest_policy = 2048; // AssumeRole's own limit

std::string role_arn(const value& v) {
    std::string arn = v.printable_text();
    if (!arn.starts_with("arn:") || arn.find(":role/") == std::string::npos) {
        v.fail("expected the ARN of a role, as in \"arn:aws:iam::123456789012:role/audit\"");
    }
    return arn;
}

// JSON without the white space between its tokens. A parser's own rendering would drop repeated names, which are for
// AWS to refuse.
std::string compact(string_view json) {
    std::string out;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string && c == '\\') {
            out += c;
            out += json[++i];
            continue;
        }
        in_string = in_string != (c == '"');
        if (in_string || string_view(" \t\r\n").find(c) == string_view::npos) {
            out += c;
        }
    }
    return out;
}

// A policy document on one line: what STS counts is its text, not how the file sets it out.
std::string session_policy(const value& v) {
    const std::string text = v.text();
    boost::json::error_code wrong;
    const boost::json::value read = boost::json::parse(text, wrong);
    if (wrong) {
        v.fail(fmt::format("expected a policy in JSON: {}", wrong.message()));
    }
    if (!read.is_object() || !read.get_object().contains("Statement")) {
        v.fail("expected a policy: a JSON object with a Statement");
    }
    std::string policy = compact(text);
    const auto is_odd = [](char c) { return c < ' ' || c > '~'; };
    if (policy.size() > longest_policy || std::any_of(policy.begin(), policy.end(), is_odd)) {
        v.fail("a session policy has at most 2048 characters, all of them ASCII");
    }
    return policy;
}

std::string role_session_name(const value& v) {
    std::string name = v.printable_text();
    const auto is_of_name = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               string_view("_+=,.@-").find(c) != string_view::npos;
    };
    if (name.size() < 2 || name.size() > 64 || !std::all_of(name.begin(), name.end(), is_of_name)) {
        v.fail("expected 2 to 64 letters, digits or _+=,.@-");
    }
    return name;
}

// At most 50, and as long, as STS takes them.
std::vector<std::pair<std::string, std::string>> session_tags(const value& v) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [name, text] : v.members()) {
        if (name.empty() || name.size() > 128 || text.line_text().size() > 256) {
            text.fail("the name of a tag has at most 128 characters, its value 256");
        }
        all.emplace_back(name, text.line_text());
    }
    if (all.size() > 50) {
        v.fail("more than 50 tags");
    }
    return all;
}

constexpr std::array all_identity_keys{
    key<identity>{"profile", [](const value& v, identity& i) { i.profile = v.line_text(); }},
    key<identity>{"role_arn", [](const value& v, identity& i) { i.role_arn = role_arn(v); }},
    key<identity>{"external_id", [](const value& v, identity& i) { i.external_id = v.line_text(); }},
    key<identity>{"role_session_name", [](const value& v, identity& i) { i.role_session_name = role_session_name(v); }},
    key<identity>{
        "duration_seconds",
        [](const value& v, identity& i) { i.duration_seconds = static_cast<unsigned>(v.number(900, 43200)); }},
    key<identity>{"session_policy", [](const value& v, identity& i) { i.session_policy = session_policy(v); }},
    key<identity>{"tags", [](const value& v, identity& i) { i.tags = session_tags(v); }},
};

std::string client_key_id(const value& v) {
    std::string id = v.printable_text();
    const auto is_of_id = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (id.size() < 16 || id.size() > 128 || !std::all_of(id.begin(), id.end(), is_of_id)) {
        v.fail("expected 16 to 128 letters, digits or '_', as AWS's own have, as in \"AKIADUMMYTENANTONE00\"");
    }
    return id;
}

constexpr std::array all_client_keys{
    key<client>{"access_key_id", [](const value& v, client& c) { c.access_key_id = client_key_id(v); }},
    key<client>{"secret_access_key_file", [](const value& v, client& c) { c.secret_access_key_file = v.line_text(); }},
    key<client>{"identity", [](const value& v, client& c) { c.identity = v.printable_text(); }},
};

} // namespace

std::span<const key<identity>> identity_keys() noexcept {
    return all_identity_keys;
}

std::span<const key<client>> client_keys() noexcept {
    return all_client_keys;
}

} // namespace countersign::conf
