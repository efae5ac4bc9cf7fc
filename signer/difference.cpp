#include "signer/difference.hpp"

#include "signer/canonical.hpp"
#include "signer/claim.hpp"
#include "signer/difference_cause.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace countersign::signer {
namespace {

struct named {
    std::string_view name;
    std::string_view value;
    friend bool operator==(const named&, const named&) = default;
};

struct canonical_lines {
    std::string_view method, path, query, signed_headers, payload_hash;
    std::vector<named> headers;
};

std::string_view without_line_ends(std::string_view text) {
    while (text.ends_with('\n') || text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    text = without_line_ends(text);
    while (true) {
        const std::size_t end = text.find('\n');
        lines.push_back(without_line_ends(text.substr(0, end)));
        if (end == std::string_view::npos) {
            return lines;
        }
        text.remove_prefix(end + 1);
    }
}

// METHOD, path, query, headers, an empty line, signed headers, payload hash.
bool read_canonical(std::string_view text, canonical_lines& c) {
    const auto lines = lines_of(text);
    const std::size_t n = lines.size();
    if (n < 6 || !lines[n - 3].empty()) {
        return false;
    }
    c.method = lines[0];
    c.path = lines[1];
    c.query = lines[2];
    c.signed_headers = lines[n - 2];
    c.payload_hash = lines[n - 1];
    for (std::size_t i = 3; i < n - 3; ++i) {
        const std::size_t colon = lines[i].find(':');
        if (colon == std::string_view::npos) {
            return false;
        }
        c.headers.push_back({lines[i].substr(0, colon), lines[i].substr(colon + 1)});
    }
    return true;
}

std::vector<named> parameters_of_line(std::string_view query) {
    std::vector<named> all;
    for_each_pair(query, [&](std::string_view name, std::string_view value, bool) { all.push_back({name, value}); });
    return all;
}

// Tokens, signatures, cookies and customers' keys.
bool is_secret(std::string_view name) {
    const std::string small = lower(name);
    constexpr std::array<std::string_view, 8> names{
        "authorization",
        "cookie",
        "x-amz-security-token",
        "x-amz-s3session-token",
        "x-amz-signature",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-copy-source-server-side-encryption-customer-key",
        "x-amz-chunk-signature"};
    return std::find(names.begin(), names.end(), small) != names.end();
}

std::string shown(std::string_view name, std::string_view value) {
    return is_secret(name) ? joined({"(", std::to_string(value.size()), " bytes, not shown)"}) : std::string(value);
}

std::size_t first_apart(std::string_view ours, std::string_view theirs) {
    const auto parted = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
    return static_cast<std::size_t>(parted.first - ours.begin()) + 1;
}

difference
apart(signed_line line, std::string_view name, std::string_view ours, std::string_view theirs, std::string cause) {
    difference d;
    d.line = line;
    d.name = name;
    d.ours = shown(name, ours);
    d.theirs = shown(name, theirs);
    d.column = first_apart(ours, theirs);
    d.cause = std::move(cause);
    return d;
}

// What stands on one side only.
difference alone(signed_line line, const named& one, bool is_ours, std::string cause) {
    difference d;
    d.line = line;
    d.name = one.name;
    (is_ours ? d.ours : d.theirs) = shown(one.name, one.value);
    d.cause = std::move(cause);
    return d;
}

bool holds(const std::vector<named>& all, std::string_view name) {
    return std::any_of(all.begin(), all.end(), [&](const named& one) { return one.name == name; });
}

difference compare_pair(signed_line line, const named& mine, const named& server) {
    const std::string cause = line == signed_line::header ? cause_of_header(mine.name, mine.value, server.value)
                                                          : cause_of_parameter(mine.value, server.value);
    return apart(line, mine.name, mine.value, server.value, cause);
}

std::optional<difference>
compare_named(signed_line line, const std::vector<named>& ours, const std::vector<named>& theirs) {
    const bool is_query = line == signed_line::query;
    const auto parted = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
    const auto mine = parted.first; // no structured binding: clang 14 does not capture one
    const auto server = parted.second;
    if (mine == ours.end() && server == theirs.end()) {
        return std::nullopt;
    }
    const auto ours_first = [&] {
        return alone(
            line,
            *mine,
            true,
            is_query ? "the parameter was dropped on the way, or signed and not sent"
                     : "the header was dropped on the way, or signed and not sent"
        );
    };
    const auto theirs_first = [&] {
        return alone(
            line,
            *server,
            false,
            is_query ? "the parameter was added on the way, or sent and not signed"
                     : "the header is in the list that was sent, but was not signed"
        );
    };
    if (mine == ours.end()) {
        return theirs_first();
    }
    if (server == theirs.end()) {
        return ours_first();
    }
    if (mine->name == server->name) {
        return compare_pair(line, *mine, *server);
    }
    if (!holds(theirs, mine->name) && holds(ours, server->name)) {
        return ours_first();
    }
    if (!holds(ours, server->name) && holds(theirs, mine->name)) {
        return theirs_first();
    }
    if (std::is_permutation(ours.begin(), ours.end(), theirs.begin(), theirs.end())) {
        return apart(
            line, "", mine->name, server->name, "the same ones in another order: they are sorted by name, bytewise"
        );
    }
    return apart(line, "", mine->name, server->name, cause_of_parameter(mine->name, server->name));
}

std::optional<difference> compare_query(std::string_view ours, std::string_view theirs) {
    if (auto d = compare_named(signed_line::query, parameters_of_line(ours), parameters_of_line(theirs))) {
        return d;
    }
    if (ours == theirs) {
        return std::nullopt;
    }
    return apart(
        signed_line::query,
        "",
        "(the same parameters)",
        "(the same parameters)",
        "only '=' or '&' differ: a name without a value is signed with '=', and no '&' stands at the end"
    );
}

difference not_of_the_form(bool is_ours, std::string_view what) {
    difference d;
    d.cause = joined({is_ours ? "ours" : "the server's", " is not ", what});
    return d;
}

} // namespace

std::string_view to_string(signed_line line) noexcept {
    constexpr std::array<std::string_view, 11> names{
        "form",
        "method",
        "path",
        "query",
        "header",
        "signed headers",
        "payload hash",
        "algorithm",
        "date",
        "scope",
        "hash of the canonical request"};
    return names[static_cast<std::size_t>(line)];
}

std::optional<difference> compare_canonical_requests(std::string_view ours, std::string_view theirs) {
    constexpr std::string_view form =
        "a canonical request: METHOD, path, query, headers, an empty line, their names, a hash";
    canonical_lines mine, server;
    if (!read_canonical(ours, mine)) {
        return not_of_the_form(true, form);
    }
    if (!read_canonical(theirs, server)) {
        return not_of_the_form(false, form);
    }
    if (mine.method != server.method) {
        return apart(signed_line::method, "", mine.method, server.method, cause_of_method(mine.method, server.method));
    }
    if (mine.path != server.path) {
        return apart(signed_line::path, "", mine.path, server.path, cause_of_path(mine.path, server.path));
    }
    if (auto d = compare_query(mine.query, server.query)) {
        return d;
    }
    if (auto d = compare_named(signed_line::header, mine.headers, server.headers)) {
        return d;
    }
    if (mine.signed_headers != server.signed_headers) {
        return apart(
            signed_line::signed_headers,
            "",
            mine.signed_headers,
            server.signed_headers,
            cause_of_signed_headers(mine.signed_headers, server.signed_headers)
        );
    }
    if (mine.payload_hash != server.payload_hash) {
        return apart(
            signed_line::payload_hash,
            "",
            mine.payload_hash,
            server.payload_hash,
            cause_of_payload_hash(mine.payload_hash, server.payload_hash)
        );
    }
    return std::nullopt;
}

std::optional<difference> compare_strings_to_sign(std::string_view ours, std::string_view theirs) {
    constexpr std::string_view form = "a string to sign: algorithm, date, scope, hash";
    const auto mine = lines_of(ours);
    const auto server = lines_of(theirs);
    if (mine.size() != 4) {
        return not_of_the_form(true, form);
    }
    if (server.size() != 4) {
        return not_of_the_form(false, form);
    }
    constexpr std::array<signed_line, 4> lines{
        signed_line::algorithm, signed_line::date, signed_line::scope, signed_line::request_hash};
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (mine[i] == server[i]) {
            continue;
        }
        std::string cause;
        switch (lines[i]) {
        case signed_line::algorithm:
            cause = "SigV4 on one side, SigV4A on the other";
            break;
        case signed_line::date:
            cause = "the server took another date: X-Amz-Date and Date disagree, or one was changed on the way";
            break;
        case signed_line::scope:
            cause = cause_of_scope(mine[i], server[i]);
            break;
        default:
            cause = "the canonical requests differ, in bytes that cannot be seen here (line ends, control characters)";
        }
        return apart(lines[i], "", mine[i], server[i], std::move(cause));
    }
    return std::nullopt;
}

} // namespace countersign::signer
