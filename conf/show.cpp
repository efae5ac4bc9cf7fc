#include "conf/show.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <span>

namespace countersign::conf {
namespace {

using std::string_view;

std::string in_quotes(string_view text) {
    std::string out{'"'};
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out += c;
        }
    }
    return out + '"';
}

// "" (no value) stays "".
std::string optional_text(string_view text) {
    return text.empty() ? std::string() : in_quotes(text);
}

std::string shown(bool value) {
    return value ? "true" : "false";
}

std::string shown(const endpoint& e) {
    const bool is_ipv6 = e.host.find(':') != std::string::npos;
    return in_quotes(is_ipv6 ? fmt::format("[{}]:{}", e.host, e.port) : fmt::format("{}:{}", e.host, e.port));
}

// 5000 ms → "5s"
std::string shown(milliseconds time) {
    const auto n = time.count();
    return n % 1000 == 0 ? fmt::format("\"{}s\"", n / 1000) : fmt::format("\"{}ms\"", n);
}

std::string shown(unsigned n) {
    return fmt::format("{}", n);
}

std::string shown(std::uint64_t n) {
    return fmt::format("{}", n);
}

std::string shown(const std::string& text) {
    return in_quotes(text);
}

std::string shown(const rate& r) {
    return fmt::format("\"{}/{}\"", r.count, r.per == seconds(1) ? "s" : r.per == seconds(60) ? "m" : "h");
}

std::string shown(scheme s) {
    return s == scheme::https ? "\"https\"" : "\"http\"";
}

std::string shown(retry_mode m) {
    return m == retry_mode::standard ? "\"standard\"" : m == retry_mode::adaptive ? "\"adaptive\"" : "\"off\"";
}

std::string shown(const std::pair<std::string, std::string>& tag) {
    return in_quotes(tag.first) + " = " + in_quotes(tag.second);
}

std::string shown(const header_line& h) {
    return in_quotes(h.name) + " = " + in_quotes(h.value);
}

template <class All>
std::string joined(const All& all) {
    std::string out;
    for (const auto& one : all) {
        out += (out.empty() ? "" : ", ") + shown(one);
    }
    return out;
}

template <class Value>
std::string shown(const std::vector<Value>& all) {
    return "[" + joined(all) + "]";
}

template <class Value>
std::string shown(const std::optional<Value>& value) {
    return value ? shown(*value) : std::string();
}

std::string shown(const rule& r) {
    const std::string action = r.action_service.empty() ? r.action : r.action_service + ":" + r.action;
    if (r.service.empty() && r.region.empty() && action.empty() && r.method.empty()) {
        return in_quotes(r.host);
    }
    std::string out;
    const auto add = [&](string_view name, const std::string& value) {
        if (!value.empty()) {
            out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", name, value);
        }
    };
    add("host", optional_text(r.host));
    add("service", optional_text(r.service));
    add("region", optional_text(r.region));
    add("action", optional_text(action));
    add("method", r.method.empty() ? std::string() : shown(r.method));
    return "{" + out + "}";
}

std::string shown(const std::vector<rule>& rules) {
    std::string out;
    for (const rule& r : rules) {
        out += (out.empty() ? "" : ", ") + shown(r);
    }
    return "[" + out + "]";
}

template <class Choice, std::size_t Count>
std::string named(Choice value, const std::array<string_view, Count>& names) {
    return in_quotes(names.at(static_cast<std::size_t>(value)));
}

template <class From>
struct line {
    string_view key;
    std::string (*value)(const From& from); // "": none
};
template <class From>
using lines = std::span<const line<From>>;

constexpr line<config> listen_lines[]{
    {"address", [](const config& c) { return shown(c.listen.address); }},
    {"allow_remote", [](const config& c) { return shown(c.listen.allow_remote); }},
    {"workers", [](const config& c) { return shown(c.listen.workers); }},
    {"max_connections", [](const config& c) { return shown(c.listen.max_connections); }},
    {"header_timeout", [](const config& c) { return shown(c.listen.header_timeout); }},
    {"body_timeout", [](const config& c) { return shown(c.listen.body_timeout); }},
    {"idle_timeout", [](const config& c) { return shown(c.listen.idle_timeout); }},
    {"drain_timeout", [](const config& c) { return shown(c.listen.drain_timeout); }},
    {"allow_origin", [](const config& c) { return shown(c.listen.allow_origin); }},
};
constexpr line<config> admin_lines[]{
    {"address", [](const config& c) { return c.admin.address ? shown(*c.admin.address) : in_quotes("off"); }},
};
constexpr line<config> credential_lines[]{
    {"profile", [](const config& c) { return optional_text(c.credentials.profile); }},
    {"region", [](const config& c) { return optional_text(c.credentials.region); }},
    {"access_key_id", [](const config& c) { return optional_text(c.credentials.access_key_id); }},
    {"secret_access_key_file", [](const config& c) { return optional_text(c.credentials.secret_access_key_file); }},
};
constexpr line<config> upstream_lines[]{
    {"ca_file", [](const config& c) { return optional_text(c.upstream.ca_file); }},
    {"connect_timeout", [](const config& c) { return shown(c.upstream.connect_timeout); }},
    {"tls_timeout", [](const config& c) { return shown(c.upstream.tls_timeout); }},
    {"request_timeout", [](const config& c) { return shown(c.upstream.request_timeout); }},
    {"response_timeout", [](const config& c) { return shown(c.upstream.response_timeout); }},
    {"idle_timeout", [](const config& c) { return shown(c.upstream.idle_timeout); }},
    {"max_idle_per_host", [](const config& c) { return shown(c.upstream.max_idle_per_host); }},
};
constexpr line<config> payload_lines[]{
    {"memory_limit", [](const config& c) { return shown(c.payload.memory_limit); }},
    {"replay_limit", [](const config& c) { return shown(c.payload.replay_limit); }},
    {"memory_total", [](const config& c) { return shown(c.payload.memory_total); }},
    {"spill_limit", [](const config& c) { return shown(c.payload.spill_limit); }},
    {"spill_directory", [](const config& c) { return in_quotes(c.payload.spill_directory); }},
};
constexpr line<config> retry_lines[]{
    {"mode", [](const config& c) { return shown(c.retry.mode); }},
    {"max_attempts", [](const config& c) { return shown(c.retry.max_attempts); }},
    {"max_elapsed", [](const config& c) { return shown(c.retry.max_elapsed); }},
    {"unknown_outcome",
     [](const config& c) {
         return named(c.retry.unknown_outcome, std::array<string_view, 3>{"safe", "all", "never"});
     }},
};
constexpr line<config> policy_lines[]{
    {"other_hosts",
     [](const config& c) {
         return named(c.policy.other, std::array<string_view, 2>{"deny", "pass"});
     }},
    {"allow", [](const config& c) { return c.policy.allow.empty() ? std::string() : shown(c.policy.allow); }},
    {"deny", [](const config& c) { return shown(c.policy.deny); }},
    {"dry_run", [](const config& c) { return shown(c.policy.dry_run); }},
};
constexpr std::array<string_view, 5> level_names{"debug", "info", "warn", "error", "off"};
constexpr line<config> log_lines[]{
    {"level", [](const config& c) { return named(c.log.level, level_names); }},
    {"format",
     [](const config& c) {
         return named(c.log.format, std::array<string_view, 2>{"text", "json"});
     }},
    {"access", [](const config& c) { return shown(c.log.access); }},
};

struct table {
    string_view name;
    lines<config> keys;
};
constexpr table tables[]{
    {"listen", listen_lines},
    {"admin", admin_lines},
    {"credentials", credential_lines},
    {"upstream", upstream_lines},
    {"payload", payload_lines},
    {"retry", retry_lines},
    {"policy", policy_lines},
    {"log", log_lines},
};

std::string url_of_upstream(const route& r) {
    if (!r.upstream) {
        return {};
    }
    const string_view name = r.upstream_scheme == scheme::http ? "http" : "https";
    return fmt::format("\"{}://{}", name, shown(*r.upstream).substr(1));
}

constexpr line<route> route_lines[]{
    {"name", [](const route& r) { return optional_text(r.name); }},
    {"host", [](const route& r) { return in_quotes(r.host); }},
    {"path", [](const route& r) { return optional_text(r.path); }},
    {"method", [](const route& r) { return r.method.empty() ? std::string() : shown(r.method); }},
    {"upstream", url_of_upstream},
    {"connect", [](const route& r) { return shown(r.connect); }},
    {"scheme", [](const route& r) { return shown(r.scheme); }},
    {"service", [](const route& r) { return optional_text(r.service); }},
    {"region", [](const route& r) { return optional_text(r.region); }},
    {"identity", [](const route& r) { return optional_text(r.identity); }},
    {"sign",
     [](const route& r) {
         return named(r.sign, std::array<string_view, 3>{"header", "query", "none"});
     }},
    {"payload",
     [](const route& r) {
         return named(r.payload, std::array<string_view, 4>{"auto", "signed", "streaming", "unsigned"});
     }},
    {"max_attempts", [](const route& r) { return shown(r.max_attempts); }},
    {"retry_mode", [](const route& r) { return shown(r.retry_mode); }},
    {"connect_timeout", [](const route& r) { return shown(r.connect_timeout); }},
    {"request_timeout", [](const route& r) { return shown(r.request_timeout); }},
    {"response_timeout", [](const route& r) { return shown(r.response_timeout); }},
    {"idle_timeout", [](const route& r) { return shown(r.idle_timeout); }},
    {"rate_limit", [](const route& r) { return shown(r.rate_limit); }},
    {"rate_limit_wait", [](const route& r) { return shown(r.rate_limit_wait); }},
    {"add_headers",
     [](const route& r) { return r.add_headers.empty() ? std::string() : "{" + joined(r.add_headers) + "}"; }},
    {"sign_headers", [](const route& r) { return r.sign_headers.empty() ? std::string() : shown(r.sign_headers); }},
    {"unsigned_headers",
     [](const route& r) { return r.unsigned_headers.empty() ? std::string() : shown(r.unsigned_headers); }},
    {"remove_headers",
     [](const route& r) { return r.remove_headers.empty() ? std::string() : shown(r.remove_headers); }},
};

constexpr line<client> client_lines[]{
    {"access_key_id", [](const client& c) { return in_quotes(c.access_key_id); }},
    {"secret_access_key_file", [](const client& c) { return in_quotes(c.secret_access_key_file); }},
    {"identity", [](const client& c) { return optional_text(c.identity); }},
};

constexpr line<identity> identity_lines[]{
    {"profile", [](const identity& i) { return optional_text(i.profile); }},
    {"role_arn", [](const identity& i) { return optional_text(i.role_arn); }},
    {"external_id", [](const identity& i) { return optional_text(i.external_id); }},
    {"role_session_name", [](const identity& i) { return optional_text(i.role_session_name); }},
    {"duration_seconds", [](const identity& i) { return shown(i.duration_seconds); }},
    {"session_policy", [](const identity& i) { return optional_text(i.session_policy); }},
    {"tags", [](const identity& i) { return i.tags.empty() ? std::string() : "{" + joined(i.tags) + "}"; }},
};

std::string origin_of(const config& c, const std::string& full_name) {
    const auto found = c.origins.find(full_name);
    return found == c.origins.end() ? "default" : found->second;
}

// An origin is a path and stands in a comment: no control byte may end that.
std::string one_line(std::string text) {
    for (char& c : text) {
        c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
    return text;
}

// What is set in one block, a line each; `written_to` as in config::origins.
template <class From>
std::string set_lines(const config& c, const std::string& written_to, lines<From> all, const From& from) {
    std::string out;
    for (const auto& [key, value_of] : all) {
        const std::string value = value_of(from);
        if (!value.empty()) {
            const std::string origin = one_line(origin_of(c, fmt::format("{}.{}", written_to, key)));
            out += fmt::format("{} = {}  # {}\n", key, value, origin);
        }
    }
    return out;
}

} // namespace

std::string show(const config& c) {
    std::string out;
    const auto to = std::back_inserter(out);
    fmt::format_to(to, "# {}\n", c.source.empty() ? "No configuration file." : one_line(c.source));
    for (const table& t : tables) {
        fmt::format_to(to, "\n[{}]\n", t.name);
        for (const auto& [key, value_of] : t.keys) {
            const std::string value = value_of(c);
            if (value.empty()) {
                fmt::format_to(to, "# {} is not set\n", key);
            } else {
                const std::string origin = one_line(origin_of(c, fmt::format("{}.{}", t.name, key)));
                fmt::format_to(to, "{} = {}  # {}\n", key, value, origin);
            }
        }
    }
    for (const identity& i : c.identities) {
        const std::string table = "identity." + i.name;
        out += "\n[" + table + "]\n" + set_lines<identity>(c, table, identity_lines, i);
    }
    for (std::size_t i = 0; i < c.routes.size(); ++i) {
        out += "\n[[route]]\n" + set_lines<route>(c, fmt::format("route.{}", i), route_lines, c.routes[i]);
    }
    for (std::size_t i = 0; i < c.clients.size(); ++i) {
        out += "\n[[client]]\n" + set_lines<client>(c, fmt::format("client.{}", i), client_lines, c.clients[i]);
    }
    return out;
}

} // namespace countersign::conf
