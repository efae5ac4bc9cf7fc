// Signs what JSON lines on standard input say, one answer a line: the signer's side of the comparison with
// other implementations (differential.py). Not part of countersign. Each product also has to please our own verify(),
// which judges the products of others where the line says "verify".
#include "signer/date.hpp"
#include "signer/sigv4.hpp"
#include "signer/sigv4a.hpp"
#include "signer/target.hpp"
#include "signer/verify.hpp"

#include <boost/json.hpp>

#include <iostream>
#include <memory_resource>
#include <string>
#include <vector>

namespace {

using namespace countersign::signer;
namespace json = boost::json;

std::string_view text(const json::object& from, std::string_view key) {
    return from.at(key).as_string();
}

json::array pairs(std::span<const header> headers) {
    json::array all;
    for (const header& field : headers) {
        all.push_back(json::array{json::string(field.name), json::string(field.value)});
    }
    return all;
}

path_rule rule_of(const json::object& ask) {
    const std::string_view name = text(ask, "path_rule");
    return name == "s3"                ? path_rule::s3
           : name == "normalized_only" ? path_rule::normalized_only
           : name == "encoded_only"    ? path_rule::encoded_only
                                       : path_rule::standard;
}

bool is_sigv4a(const json::object& ask) {
    return ask.contains("sigv4a");
}

std::vector<header> headers_of(const json::object& ask) {
    std::vector<header> headers;
    for (const json::value& field : ask.at("headers").as_array()) {
        headers.push_back({field.at(0).as_string(), field.at(1).as_string()});
    }
    return headers;
}

// What verify() says about a signed request.
verification judged(const json::object& ask, const request& what) {
    expectation expected;
    expected.service = text(ask, "service");
    expected.region = is_sigv4a(ask) ? "" : text(ask, "region"); // a set of regions is no region
    expected.path = rule_of(ask);
    expected.lookup = [&](std::string_view id) {
        return id == text(ask, "access_key_id")
                   ? std::optional<key_entry>({std::string(text(ask, "secret")), std::string(text(ask, "token"))})
                   : std::nullopt;
    };
    return verify(what, text(ask, "body_hash"), expected, *parse_date(text(ask, "time")));
}

// The same about what sign() made, which has to be over the same canonical request.
std::string verdict(const json::object& ask, request what, const instructions& made) {
    if (ask.at("token_after").as_bool()) {
        return ""; // a token outside of the signature is for services that we do not verify for
    }
    std::vector<header> headers(what.headers.begin(), what.headers.end());
    headers.insert(headers.end(), made.add.begin(), made.add.end());
    what.headers = headers;
    what.query = made.query.empty() ? what.query : made.query;
    const verification v = judged(ask, what);
    if (v.what == mismatch::none && v.canonical_request != made.canonical_request) {
        return "accepted, but over another canonical request";
    }
    return v.what == mismatch::none ? "" : v.detail;
}

json::object verify_answer(const json::object& ask) {
    const std::vector<header> headers = headers_of(ask);
    const verification v =
        judged(ask, {text(ask, "method"), text(ask, "path"), text(ask, "query"), headers, text(ask, "payload_hash")});
    return {{"objection", v.what == mismatch::none ? "" : v.detail}, {"canonical_request", v.canonical_request}};
}

instructions signed_with_its_key(
    const json::object& ask, const request& what, const options& how, std::pmr::memory_resource& memory
) {
    const std::chrono::sys_seconds when = *parse_date(text(ask, "time"));
    const scope where{text(ask, "service"), text(ask, "region")};
    const identity who{text(ask, "access_key_id"), text(ask, "token")};
    if (is_sigv4a(ask)) {
        return sign(what, where, who, ecdsa_key::derive(who.access_key_id, text(ask, "secret")), when, how, memory);
    }
    const date_text date(when);
    const signing_key key = signing_key::derive(text(ask, "secret"), date.day(), where.region, where.service);
    return sign(what, where, who, key, when, how, memory);
}

json::array public_key(const json::object& ask) {
    const ecdsa_public_key key = ecdsa_key::derive(text(ask, "access_key_id"), text(ask, "secret")).public_key();
    return {json::string(key.x()), json::string(key.y())};
}

json::object sign_answer(const json::object& ask) {
    std::pmr::monotonic_buffer_resource memory;
    const std::vector<header> headers = headers_of(ask);
    const path_rule rule = rule_of(ask);
    std::string_view path = text(ask, "path");
    std::string_view query = text(ask, "query");
    if (ask.at("rewrite").as_bool()) { // as the proxy does before it signs
        path = wire_path(path, rule, memory);
        query = wire_query(query, memory);
    }
    options how;
    how.where = ask.at("presign").as_bool() ? placement::query : placement::header;
    how.path = rule;
    how.headers = ask.at("sign_all_headers").as_bool() ? header_rule::all_but_skipped : header_rule::survives_the_hop;
    how.content_sha256_header = ask.at("content_sha256_header").as_bool();
    how.token = ask.at("token_after").as_bool() ? token_rule::added_after : token_rule::signed_with_the_rest;
    how.expires = std::chrono::seconds(ask.at("expires").as_int64());

    const request what{text(ask, "method"), path, query, headers, text(ask, "payload_hash")};
    const instructions made = signed_with_its_key(ask, what, how, memory);
    return {
        {"path", path},
        {"query", query},
        {"signature", made.signature},
        {"signed_headers", made.signed_headers},
        {"canonical_request", made.canonical_request},
        {"string_to_sign", made.string_to_sign},
        {"signed_query", made.query},
        {"add", pairs(made.add)},
        {"objection", verdict(ask, what, made)},
        {"public_key", is_sigv4a(ask) ? public_key(ask) : json::array()},
    };
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const json::value ask = json::parse(line);
        const bool verifies = ask.as_object().contains("verify");
        std::cout << json::serialize(verifies ? verify_answer(ask.as_object()) : sign_answer(ask.as_object())) << '\n';
    }
}
