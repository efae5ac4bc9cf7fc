#include "signer/verify.hpp"

#include "signer/canonical.hpp"
#include "signer/date.hpp"
#include "signer/sha256.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <memory_resource>
#include <vector>

namespace countersign::signer {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// Payload hash lines that stand for something else than a hash.
constexpr std::array<std::string_view, 7> payload_literals{
    "UNSIGNED-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-EVENTS",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
};
constexpr std::string_view streaming = "STREAMING-AWS4-";

// '*' matches any run of characters, also none. Never more than |pattern| · |text| steps.
bool matches(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t after_star = pattern.npos; // where to go on when the last '*' takes one character more
    std::size_t taken = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            after_star = ++p;
            taken = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (after_star != pattern.npos) {
            p = after_star;
            t = ++taken;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == pattern.npos;
}

// Does f hold for one of a region set's patterns: us-east-1,eu-*?
template <class F>
bool any_pattern(std::string_view set, F f) {
    while (true) {
        const std::size_t end = set.find(',');
        if (f(set.substr(0, end))) {
            return true;
        }
        if (end == set.npos) {
            return false;
        }
        set.remove_prefix(end + 1);
    }
}

// us-east-1,eu-* covers eu-west-1, and the set eu-west-*,us-east-1.
bool covers(std::string_view region_set, std::string_view wanted) {
    const auto is_left_out = [&](std::string_view region) {
        return !any_pattern(region_set, [&](std::string_view pattern) { return matches(pattern, region); });
    };
    return !any_pattern(wanted, is_left_out);
}

bool same_bytes(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

verdict check_scope(const claim& c, const expectation& expected) {
    const auto differs = [](std::string_view part, std::string_view is, std::string_view should) {
        return objection{mismatch::wrong_scope, joined({"the scope's ", part, " is ", is, ", not ", should})};
    };
    if (c.terminator != "aws4_request") {
        return differs("end", c.terminator, "aws4_request");
    }
    if (!expected.service.empty() && c.service != expected.service) {
        return differs("service", c.service, expected.service);
    }
    if (c.asymmetric && !expected.region.empty() && !covers(c.region, expected.region)) {
        return objection{
            mismatch::wrong_scope,
            joined({"X-Amz-Region-Set is ", c.region, ", which does not cover ", expected.region})};
    }
    if (!c.asymmetric && !expected.region.empty() && c.region != expected.region) {
        return differs("region", c.region, expected.region);
    }
    const std::string_view day = std::string_view(c.date).substr(0, 8);
    return c.day == day ? std::nullopt : verdict(differs("day", c.day, joined({"that of X-Amz-Date, ", day})));
}

verdict check_time(const claim& c, seconds tolerance, sys_seconds now) {
    const auto date = parse_date(c.date);
    if (!date) {
        return malformed("X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ");
    }
    const date_text now_text(now);
    const auto away = [&](std::string_view how) { return joined({"X-Amz-Date ", c.date, how, now_text.date()}); };
    if (*date > now + tolerance) {
        return objection{mismatch::clock_skew, away(" is too far ahead of ")};
    }
    if (c.where == placement::query) {
        return now > *date + c.expires ? verdict({mismatch::expired, away(" and X-Amz-Expires ended before ")})
                                       : std::nullopt;
    }
    return *date < now - tolerance ? verdict({mismatch::clock_skew, away(" is too far behind ")}) : std::nullopt;
}

verdict check_token(const claim& c, const key_entry& key) {
    if (c.token.value_or("") == "" && key.session_token.empty()) {
        return std::nullopt;
    }
    if (!c.token) {
        return objection{mismatch::wrong_token, "X-Amz-Security-Token is missing"};
    }
    if (key.session_token.empty()) {
        return objection{mismatch::wrong_token, "X-Amz-Security-Token is given, but the access key has none"};
    }
    return same_bytes(*c.token, key.session_token)
               ? std::nullopt
               : verdict({mismatch::wrong_token, "X-Amz-Security-Token is not that of the access key"});
}

verdict check_signed_headers(const request& what, const claim& c) {
    constexpr std::string_view amz = "x-amz-";
    const auto is_listed = [&](const std::string& name) {
        return std::binary_search(c.signed_headers.begin(), c.signed_headers.end(), name);
    };
    if (!is_listed("host")) {
        return objection{mismatch::header_not_signed, "host is not in SignedHeaders"};
    }
    for (const header& field : what.headers) {
        if (!equals_ignoring_case(field.name.substr(0, amz.size()), amz)) {
            continue;
        }
        const std::string name = lower(field.name);
        if (!is_listed(name)) {
            return objection{mismatch::header_not_signed, joined({name, " is not in SignedHeaders"})};
        }
    }
    for (const std::string& name : c.signed_headers) {
        if (count_of(what.headers, name) == 0) {
            return objection{
                mismatch::header_not_signed, joined({name, " is in SignedHeaders but not in the request"})};
        }
    }
    return std::nullopt;
}

// Finds the last line of the canonical request. A presigned S3 request does not vouch for its body.
verdict choose_payload_hash(
    const request& what, const claim& c, path_rule rule, std::string_view body_hash, std::string& line
) {
    std::optional<std::string> said;
    if (const auto values = values_of(what.headers, "x-amz-content-sha256"); !values.empty()) {
        said = values.front();
    } else if (c.where == placement::query) {
        const auto parameters = parameters_of(what.query, "X-Amz-Content-Sha256");
        if (parameters.size() > 1) {
            return objection{mismatch::ambiguous_signature, "X-Amz-Content-Sha256 stands twice"};
        }
        said = !parameters.empty()     ? std::optional(parameters.front())
               : rule == path_rule::s3 ? std::optional<std::string>(payload_literals.front())
                                       : std::nullopt;
    }
    line = said.value_or(std::string(body_hash));
    const bool is_literal = std::find(payload_literals.begin(), payload_literals.end(), line) != payload_literals.end();
    if (is_literal && line.starts_with(streaming)) {
        const std::string_view prefix = std::string_view(line).substr(streaming.size());
        if (prefix.starts_with("ECDSA") != c.asymmetric) {
            return objection{
                mismatch::wrong_payload_hash,
                joined({"x-amz-content-sha256 is ", line, ", but the request is signed with the other algorithm"})};
        }
    }
    if (is_literal || line == body_hash) {
        return std::nullopt;
    }
    return objection{
        mismatch::wrong_payload_hash,
        is_lower_hex_hash(line) ? "x-amz-content-sha256 is not the hash of the body"
                                : "x-amz-content-sha256 is neither 64 lower-case hex digits nor a known literal"};
}

std::string without_signature(std::string_view query) {
    std::string rest;
    for_each_pair(query, [&](std::string_view name, std::string_view value, bool has_equals) {
        if (name != "X-Amz-Signature") {
            rest.append(rest.empty() ? "" : "&").append(name).append(has_equals ? "=" : "").append(value);
        }
    });
    return rest;
}

void compute_texts(
    const request& what, const claim& c, path_rule rule, std::string_view payload_hash, verification& v
) {
    std::pmr::monotonic_buffer_resource memory;
    const std::string query = c.where == placement::query ? without_signature(what.query) : std::string(what.query);
    std::vector<char> query_room(query_text_bound(query) + 1);
    std::vector<query_pair> pairs(query_pairs_bound(query));
    pen query_pen(query_room.data());
    pairs.resize(read_query(query, pairs.data(), query_pen));
    sort_query(pairs);

    std::vector<header> headers; // in the order of SignedHeaders, which is sorted
    for (const std::string& name : c.signed_headers) {
        for (const std::string_view value : values_of(what.headers, name)) {
            headers.push_back({name, value});
        }
    }
    const canonical_parts parts{what.method, what.path, rule, pairs, headers, payload_hash};
    std::vector<char> room(canonical_request_bound(parts));
    pen out(room.data());
    v.canonical_request = put_canonical_request(parts, out).request;

    std::array<char, 64> hash;
    write_hex(sha256_of(v.canonical_request), hash.data());
    v.string_to_sign = joined(
        {c.asymmetric ? sigv4a_algorithm : sigv4_algorithm,
         "\n",
         c.date,
         "\n",
         scope_text(c),
         "\n",
         {hash.data(), hash.size()}}
    );
}

digest sigv4_mac(const claim& c, const key_entry& key, std::string_view string_to_sign, key_cache* keys) {
    if (keys != nullptr) {
        return keys->find(c.access_key_id, key.secret_access_key, c.day, c.region, c.service).mac(string_to_sign);
    }
    return signing_key::derive(key.secret_access_key, c.day, c.region, c.service).mac(string_to_sign);
}

bool is_signature_of(const claim& c, const key_entry& key, std::string_view string_to_sign, key_cache* keys) {
    if (c.asymmetric) {
        return ecdsa_key::derive(c.access_key_id, key.secret_access_key)
            .public_key()
            .verify(string_to_sign, c.signature);
    }
    std::array<char, 64> right;
    write_hex(sigv4_mac(c, key, string_to_sign, keys), right.data());
    return same_bytes(c.signature, {right.data(), right.size()});
}

verdict check_signature(const claim& c, const key_entry& key, const verification& v, key_cache* keys) {
    if (is_signature_of(c, key, v.string_to_sign, keys)) {
        return std::nullopt;
    }
    return objection{
        mismatch::wrong_signature,
        "the signature does not belong to this canonical request and string to sign, or was made with "
        "another secret"};
}

verdict check(
    const request& what,
    const claim& c,
    std::string_view body_hash,
    const expectation& expected,
    sys_seconds now,
    verification& v
) {
    const std::optional<key_entry> key = expected.lookup ? expected.lookup(c.access_key_id) : std::nullopt;
    if (!key) {
        return objection{mismatch::unknown_access_key, "the access key id is not known"};
    }
    verdict bad = check_time(c, expected.tolerance, now);
    bad = bad ? bad : check_scope(c, expected);
    bad = bad ? bad : check_token(c, *key);
    bad = bad ? bad : check_signed_headers(what, c);
    if (bad) {
        return bad;
    }
    std::string payload_hash;
    bad = choose_payload_hash(what, c, expected.path, body_hash, payload_hash);
    if (!bad) {
        compute_texts(what, c, expected.path, payload_hash, v);
        bad = check_signature(c, *key, v, expected.keys);
    }
    return bad;
}

} // namespace

key_entry::~key_entry() {
    OPENSSL_cleanse(secret_access_key.data(), secret_access_key.size());
    OPENSSL_cleanse(session_token.data(), session_token.size());
}

verification verify_claim(
    const request& what,
    const claim& c,
    std::string_view body_hash,
    const expectation& expected,
    std::chrono::sys_seconds now
) {
    verification v;
    v.access_key_id = c.access_key_id;
    v.service = c.service;
    v.region = c.region;
    if (verdict bad = check(what, c, body_hash, expected, now, v)) {
        v.what = bad->what;
        v.detail = std::move(bad->detail);
    }
    return v;
}

verification
verify(const request& what, std::string_view body_hash, const expectation& expected, std::chrono::sys_seconds now) {
    claim c;
    if (verdict bad = read_claim(what, c)) {
        verification v;
        v.what = bad->what;
        v.detail = std::move(bad->detail);
        return v;
    }
    return verify_claim(what, c, body_hash, expected, now);
}

} // namespace countersign::signer
