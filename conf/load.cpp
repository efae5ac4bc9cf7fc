#include "conf/load.hpp"

#include "conf/check.hpp"
#include "conf/keys.hpp"
#include "conf/nearest.hpp"
#include "conf/parsable.hpp"
#include "conf/value.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace countersign::conf {
namespace {

// A configuration is written by hand; more than this is another file by mistake.
constexpr std::uintmax_t largest_file = 1 << 20;

int line_of(const toml::key& k) {
    return static_cast<int>(k.source().begin.line);
}

// secret_access_key, aws_session_token, SecretAccessKey, secret-key, password …
bool names_a_secret(std::string_view name) {
    std::string folded;
    for (const char c : name) {
        if (c != '_' && c != '-') {
            folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }
    if (folded == "secretaccesskeyfile") {
        return false;
    }
    constexpr std::array<std::string_view, 6> marks{
        "secretaccesskey", "secretkey", "sessiontoken", "securitytoken", "password", "privatekey"};
    return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) {
        return folded.find(mark) != std::string::npos;
    });
}

// 40 characters of base64 are what AWS's secret access keys look like; a path of that length has a dot or a
// dash.
bool looks_like_a_secret(std::string_view text) {
    return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                      c == '+' || c == '=';
           });
}

[[noreturn]] void fail_on_secret(std::string_view file, int line, std::string_view key) {
    fail_at(
        file,
        line,
        fmt::format(
            "{}: credentials do not belong into this file; put them into ~/.aws/credentials under a profile "
            "and name it "
            "with profile in [credentials], or give access_key_id with secret_access_key_file",
            key
        )
    );
}

[[noreturn]] void
fail_on_unknown(std::string_view file, int line, std::string_view key, const std::vector<std::string>& known) {
    if (is_announced(key)) {
        fail_at(file, line, fmt::format("{} is not available in this version", key));
    }
    const std::string_view near = nearest(key, known);
    const std::string advice = near.empty() ? std::string() : fmt::format("; did you mean {}?", near);
    fail_at(file, line, fmt::format("unknown key {}{}", key, advice));
}

// Reads every key of one table through its line in `keys`.
template <class Target>
void read_table(
    std::string_view file,
    std::string_view name,
    std::string_view written_to, // "listen", "route.0": in config::origins
    config& whole,
    const toml::table& table,
    std::span<const key<Target>> keys,
    echo shows,
    Target& into
) {
    for (const auto& [written, node] : table) {
        const std::string_view bare = written.str();
        const std::string full = fmt::format("{}.{}", name, bare);
        const auto found = std::find_if(keys.begin(), keys.end(), [bare](const auto& k) { return k.name == bare; });
        if (found == keys.end() && names_a_secret(bare)) {
            fail_on_secret(file, line_of(written), full);
        }
        if (found == keys.end()) {
            fail_on_unknown(file, line_of(written), full, key_names());
        }
        if (shows == echo::hidden && node.is_string() && looks_like_a_secret(node.as_string()->get())) {
            fail_on_secret(file, line_of(written), full);
        }
        found->read(value(file, full, node, shows), into);
        whole.origins[fmt::format("{}.{}", written_to, bare)] = fmt::format("{}:{}", file, line_of(written));
    }
}

void read_routes(std::string_view file, const toml::key& written, const toml::node& node, config& into) {
    const toml::array* all = node.as_array();
    if (all == nullptr) {
        fail_at(file, line_of(written), "route: routes are written as [[route]], one block each");
    }
    for (const toml::node& element : *all) {
        const toml::table* table = element.as_table();
        if (table == nullptr) {
            fail_at(file, line_of(written), "route: routes are written as [[route]], one block each");
        }
        route& r = into.routes.emplace_back();
        r.line = static_cast<int>(table->source().begin.line);
        if (!table->contains("host")) {
            fail_at(file, r.line, "route.host is missing: every [[route]] says which hosts it is for (\"*\": all)");
        }
        const std::string place = fmt::format("route.{}", into.routes.size() - 1);
        read_table<route>(file, "route", place, into, *table, route_keys(), echo::shown, r);
    }
}

// Letters, digits, '-' and '_': a label of metrics and a word of the access log.
bool is_identity_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

void read_identities(std::string_view file, const toml::key& written, const toml::node& node, config& into) {
    const toml::table* all = node.as_table();
    if (all == nullptr) {
        fail_at(file, line_of(written), "identity: identities are written as [identity.NAME], one block each");
    }
    for (const auto& [name, one] : *all) {
        const toml::table* table = one.as_table();
        if (table == nullptr) {
            fail_at(file, line_of(name), "identity: identities are written as [identity.NAME], one block each");
        }
        if (!is_identity_name(name.str()) || name.str() == "default") {
            fail_at(
                file,
                line_of(name),
                "identity: a name has up to 64 letters, digits, '-' and '_'; \"default\" is that of [credentials]"
            );
        }
        identity& i = into.identities.emplace_back();
        i.name = name.str();
        i.line = line_of(name);
        const std::string full = fmt::format("identity.{}", i.name);
        read_table<identity>(file, "identity.NAME", full, into, *table, identity_keys(), echo::hidden, i);
    }
}

void read_clients(std::string_view file, const toml::key& written, const toml::node& node, config& into) {
    const toml::array* all = node.as_array();
    const bool is_list_of_tables =
        all != nullptr && std::all_of(all->begin(), all->end(), [](const toml::node& one) { return one.is_table(); });
    if (!is_list_of_tables) {
        fail_at(file, line_of(written), "client: clients are written as [[client]], one block each");
    }
    for (const toml::node& element : *all) {
        const toml::table& table = *element.as_table();
        client& c = into.clients.emplace_back();
        c.line = static_cast<int>(table.source().begin.line);
        const std::string place = fmt::format("client.{}", into.clients.size() - 1);
        read_table<client>(file, "client", place, into, table, client_keys(), echo::hidden, c);
    }
    // An empty list would let everybody in where its writer meant nobody.
    if (into.clients.empty()) {
        fail_at(file, line_of(written), "client: an empty list names nobody; leave it out to ask for no signature");
    }
}

std::vector<std::string> table_names() {
    std::vector<std::string> names{"route", "identity", "client"};
    for (const section& s : sections()) {
        names.emplace_back(s.name);
    }
    return names;
}

void read_section(std::string_view file, const toml::key& written, const toml::node& node, config& into) {
    const auto all = sections();
    const auto found = std::find_if(all.begin(), all.end(), [&](const section& s) { return s.name == written.str(); });
    if (found == all.end() && names_a_secret(written.str())) {
        fail_on_secret(file, line_of(written), written.str());
    }
    if (found == all.end()) {
        auto names = table_names();
        const auto keys = key_names();
        names.insert(names.end(), keys.begin(), keys.end());
        fail_on_unknown(file, line_of(written), written.str(), names);
    }
    if (!node.is_table()) {
        fail_at(
            file,
            line_of(written),
            fmt::format("{} is a table: write [{}] and its keys below", found->name, found->name)
        );
    }
    read_table<config>(file, found->name, found->name, into, *node.as_table(), found->keys, found->shows, into);
}

toml::table parsed(std::string_view text, std::string_view name) {
    refuse_unparsable(text, name);
    try {
        return toml::parse(text, name);
    } catch (const toml::parse_error& e) {
        fail_at(name, static_cast<int>(e.source().begin.line), e.description());
    } catch (const std::logic_error&) { // an assertion of the parser, see toml_parser.cpp
        throw error(fmt::format("{}: not a TOML document, and too far from one to say in which line", name));
    }
}

config from_table(const toml::table& root, std::string_view name) {
    config c;
    c.source = name;
    for (const auto& [written, node] : root) {
        if (written.str() == "route") {
            read_routes(name, written, node, c);
        } else if (written.str() == "identity") {
            read_identities(name, written, node, c);
        } else if (written.str() == "client") {
            read_clients(name, written, node, c);
        } else {
            read_section(name, written, node, c);
        }
    }
    for (std::size_t i = 0; i < c.identities.size(); ++i) {
        c.identities[i].number = i + 1;
    }
    bind_identities(c);
    check(c);
    return c;
}

std::optional<std::string> set_in(const environment& env, const std::string& name) {
    auto found = env(name);
    return found && !found->empty() ? found : std::nullopt;
}

// What the AWS tools read from the environment holds here too, where the file says nothing.
void apply_environment(config& c, const toml::table& file, const environment& env) {
    if (const auto mode = set_in(env, "AWS_RETRY_MODE"); mode && !file["retry"]["mode"]) {
        // "legacy" is older than the standard mode and retries the same failures.
        if (*mode != "standard" && *mode != "legacy" && *mode != "adaptive") {
            throw error("AWS_RETRY_MODE: expected \"standard\" or \"adaptive\"; unset it, or say mode in [retry]");
        }
        c.retry.mode = *mode == "adaptive" ? retry_mode::adaptive : retry_mode::standard;
        c.origins["retry.mode"] = "AWS_RETRY_MODE";
    }
    if (const auto attempts = set_in(env, "AWS_MAX_ATTEMPTS"); attempts && !file["retry"]["max_attempts"]) {
        unsigned number = 0;
        const char* last = attempts->data() + attempts->size();
        const auto [end, failure] = std::from_chars(attempts->data(), last, number);
        if (failure != std::errc{} || end != last || number < 1 || number > 100) {
            throw error("AWS_MAX_ATTEMPTS: expected a whole number from 1 to 100");
        }
        c.retry.max_attempts = number;
        c.origins["retry.max_attempts"] = "AWS_MAX_ATTEMPTS";
    }
    if (const auto bundle = set_in(env, "AWS_CA_BUNDLE"); bundle && !file["upstream"]["ca_file"]) {
        c.upstream.ca_file = *bundle;
        c.origins["upstream.ca_file"] = "AWS_CA_BUNDLE";
    }
}

std::string read_file(const std::filesystem::path& path) {
    std::error_code failure;
    if (!std::filesystem::is_regular_file(path, failure)) {
        throw error(fmt::format("{}: there is no such file", path.string()));
    }
    if (std::filesystem::file_size(path, failure) > largest_file || failure) {
        throw error(fmt::format("{}: too large for a configuration (1 MiB at most)", path.string()));
    }
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf() || in.peek() == std::ifstream::traits_type::eof())) {
        throw error(fmt::format("{}: cannot be read", path.string()));
    }
    return std::move(text).str();
}

// The file to read; nothing when none was named and none stands in the usual places.
std::optional<std::filesystem::path>
find_file(const std::optional<std::filesystem::path>& given, const environment& env) {
    if (given) {
        return given;
    }
    if (const auto named = set_in(env, "COUNTERSIGN_CONFIG")) {
        return *named;
    }
    std::vector<std::filesystem::path> usual;
    if (const auto folder = set_in(env, "XDG_CONFIG_HOME")) {
        usual.emplace_back(std::filesystem::path(*folder) / "countersign" / "countersign.toml");
    } else if (const auto home = set_in(env, "HOME")) {
        usual.emplace_back(std::filesystem::path(*home) / ".config" / "countersign" / "countersign.toml");
    }
    usual.emplace_back("/etc/countersign/countersign.toml");
    for (const auto& path : usual) {
        std::error_code ignored;
        if (std::filesystem::exists(path, ignored)) {
            return path;
        }
    }
    return std::nullopt;
}

} // namespace

config load(std::string_view text, std::string_view name) {
    return from_table(parsed(text, name), name);
}

config load_file(const std::optional<std::filesystem::path>& given, const environment& env) {
    const auto path = find_file(given, env);
    const std::string name = path ? path->string() : std::string();
    const toml::table root = path ? parsed(read_file(*path), name) : toml::table();
    config c = from_table(root, name);
    apply_environment(c, root, env);
    return c;
}

} // namespace countersign::conf
