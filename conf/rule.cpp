#include "conf/rule.hpp"

#include "conf/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace countersign::conf {
namespace {

using std::string_view;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

bool consists_of(string_view text, string_view marks) {
    return std::all_of(text.begin(), text.end(), [marks](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != string_view::npos;
    });
}

std::string scope_glob(const value& v) {
    std::string glob = lower(v.printable_text());
    if (!consists_of(glob, "-_.*?")) {
        v.fail("expected a name with * and ? as wildcards, as in \"dynamodb\" or \"eu-*\"");
    }
    return glob;
}

// "sqs:Delete*" → sqs, delete*; "Delete*": of any service
void read_action(const value& v, rule& into) {
    const std::string glob = lower(v.printable_text());
    const auto colon = glob.find(':');
    into.action_service = colon == std::string::npos ? std::string() : glob.substr(0, colon);
    into.action = colon == std::string::npos ? glob : glob.substr(colon + 1);
    const bool names_service = colon == std::string::npos || !into.action_service.empty();
    if (into.action.empty() || !names_service || !consists_of(into.action_service, "-_.*?") ||
        !consists_of(into.action, "*?")) {
        v.fail("expected SERVICE:ACTION with * and ? as wildcards, as in \"dynamodb:DeleteTable\" or \"sqs:Delete*\"");
    }
}

struct condition {
    string_view name;
    void (*read)(const value& from, rule& into);
};

constexpr std::array conditions{
    condition{"host", [](const value& v, rule& r) { r.host = host_glob(v); }},
    condition{"service", [](const value& v, rule& r) { r.service = scope_glob(v); }},
    condition{"region", [](const value& v, rule& r) { r.region = scope_glob(v); }},
    condition{"action", read_action},
    condition{"method", [](const value& v, rule& r) { r.method = methods(v); }},
};

[[noreturn]] void fail_on_unknown(const value& v, string_view name) {
    std::vector<std::string> known;
    for (const condition& c : conditions) {
        known.emplace_back(c.name);
    }
    const string_view near = nearest(name, known);
    v.fail(
        near.empty() ? "unknown; an entry may name host, service, region, action and method"
                     : fmt::format("unknown; did you mean {}?", near)
    );
}

rule read_rule(const value& v) {
    rule r;
    r.line = v.line();
    if (!v.is_table()) {
        r.host = host_glob(v);
        return r;
    }
    const auto members = v.members();
    if (members.empty()) {
        v.fail("an entry without a condition would hold for everything; write \"*\" if that is meant");
    }
    for (const auto& [name, condition_value] : members) {
        const string_view bare = name;
        const auto found =
            std::find_if(conditions.begin(), conditions.end(), [bare](const condition& c) { return c.name == bare; });
        if (found == conditions.end()) {
            fail_on_unknown(condition_value, name);
        }
        found->read(condition_value, r);
    }
    return r;
}

} // namespace

std::vector<rule> read_rules(const value& v) {
    std::vector<rule> all;
    for (const value& one : v.list()) {
        all.push_back(read_rule(one));
    }
    return all;
}

std::string host_glob(const value& v) {
    std::string glob = lower(v.printable_text());
    if (!consists_of(glob, "-._*?") || glob.size() > 253 || glob.back() == '.') {
        v.fail("expected a host name with * and ? as wildcards; no scheme, port, path or final dot");
    }
    return glob;
}

std::vector<std::string> methods(const value& v) {
    std::vector<std::string> all;
    for (const value& one : v.list()) {
        std::string name = one.printable_text();
        const bool is_method = std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        });
        if (!is_method) {
            one.fail("expected a method in capitals, as in \"GET\" or [\"GET\", \"HEAD\"]");
        }
        all.push_back(std::move(name));
    }
    if (all.empty()) {
        v.fail("names no method; leave the key out for all of them");
    }
    return all;
}

} // namespace countersign::conf
