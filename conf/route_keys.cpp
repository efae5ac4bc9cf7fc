#include "conf/route_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace countersign::conf {
namespace {

using std::string_view;

constexpr std::size_t most_headers = 32;

// RFC 9110 7.6.1 and 7.8, what the proxy writes anew, what signing sets, and what decides how a service reads a
// request (its operation, its body's coding), which policy.allow and policy.deny have to rely on.
constexpr std::array<string_view, 25> reserved{
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "smithy-protocol",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-region-set",
    "x-amz-security-token",
    "x-amz-target",
    "x-amz-trailer",
    "x-amzn-query-mode",
    "x-http-method-override",
};

// What never can be in a signature: fields that end at a hop, are written anew by this proxy, or are changed by load
// balancers; and what signing itself sets.
constexpr std::array<string_view, 23> never_signable{
    "authorization",
    "connection",
    "content-length",
    "date",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-region-set",
    "x-amz-security-token",
    "x-amzn-trace-id",
};

bool is_token(string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               string_view("!#$%&'*+-.^_`|~").find(c) != string_view::npos;
    });
}

// In lower case.
std::string field_name(const value& v, std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (!is_token(name) || name.size() > 128) {
        v.fail("expected the name of a header field, as in \"x-tenant\"");
    }
    return name;
}

std::string changeable_name(const value& v, std::string text) {
    std::string name = field_name(v, std::move(text));
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end() || name.starts_with("proxy-") ||
        name.starts_with("x-countersign-")) {
        v.fail(fmt::format("{} is set by signing, by the proxy itself, or by who means the request; leave it", name));
    }
    return name;
}

} // namespace

std::string route_name(const value& v) {
    std::string name = v.printable_text();
    if (name.size() > 64) {
        v.fail("longer than 64 characters");
    }
    return name;
}

std::string path_prefix(const value& v) {
    std::string path = v.printable_text();
    if (path.front() != '/' || path.find_first_of("?#%\\") != std::string::npos) {
        v.fail("expected the begin of a path, as in \"/v1/\"; decoded, without '?', '#', '%' and '\\'");
    }
    if (path == "/") {
        v.fail("every path begins with \"/\"; leave the key out");
    }
    for (std::size_t begin = 1; begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const string_view segment = string_view(path).substr(begin, end - begin);
        if (segment.empty() || segment == "." || segment == "..") {
            v.fail("empty segments, \".\" and \"..\" have no one meaning in a path");
        }
        begin = end + 1;
    }
    return path;
}

std::vector<header_line> added_headers(const value& v) {
    std::vector<header_line> all;
    std::vector<std::string> names;
    for (const auto& [name, text] : v.members()) {
        std::string lower = changeable_name(text, name);
        if (std::find(names.begin(), names.end(), lower) != names.end()) {
            text.fail("this name is there already; names of header fields have no case");
        }
        names.push_back(std::move(lower));
        all.push_back({name, text.line_text()});
    }
    if (all.size() > most_headers) {
        v.fail(fmt::format("more than {} header fields", most_headers));
    }
    return all;
}

std::vector<std::string> removed_headers(const value& v) {
    std::vector<std::string> all;
    for (const value& one : v.list()) {
        all.push_back(changeable_name(one, one.printable_text()));
    }
    if (all.size() > most_headers) {
        v.fail(fmt::format("more than {} header fields", most_headers));
    }
    return all;
}

std::vector<std::string> signable_names(const value& v) {
    std::vector<std::string> all;
    for (const value& one : v.list()) {
        all.push_back(field_name(one, one.printable_text()));
        if (std::find(never_signable.begin(), never_signable.end(), all.back()) != never_signable.end()) {
            v.fail(fmt::format("{} cannot be signed: it ends at a hop or is written anew on the way", all.back()));
        }
    }
    return all;
}

// AWS demands the signature of these two.
std::vector<std::string> omissible_names(const value& v) {
    std::vector<std::string> all;
    for (const value& one : v.list()) {
        all.push_back(field_name(one, one.printable_text()));
        if (all.back() == "host" || all.back().starts_with("x-amz-")) {
            v.fail(fmt::format("{} must be signed: AWS refuses requests where host or x-amz-* is not", all.back()));
        }
    }
    return all;
}

} // namespace countersign::conf
