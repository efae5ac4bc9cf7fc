// Signs what JSON lines on standard input say, one answer a line: the signer's side of the comparison with
// other implementations (botocore_test.py). Not part of countersign. Each product also has to please our own
// verify().
#include "signer/date.hpp"
#include "signer/sigv4.hpp"
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

// What verify() says about the signed request.
std::string
verdict(const json::object& ask, request what, const instructions& made, path_rule rule, std::string_view hash) {
    std::vector<header> headers(what.headers.begin(), what.headers.end());
    headers.insert(headers.end(), made.add.begin(), made.add.end());
    what.headers = headers;
    what.query = made.query.empty() ? what.query : made.query;
    expectation expected;
    expected.service = text(ask, "service");
    expected.region = text(ask, "region");
    expected.path = rule;
    expected.lookup = [&](std::string_view id) {
        return id == text(ask, "access_key_id")
                   ? std::optional<key_entry>({std::string(text(ask, "secret")), std::string(text(ask, "token"))})
                   : std::nullopt;
    };
    const verification v = verify(what, hash, expected, *parse_date(text(ask, "time")));
    if (v.what == mismatch::none && v.canonical_request != made.canonical_request) {
        return "accepted, but over another canonical request";
    }
    return v.what == mismatch::none ? "" : v.detail;
}

json::object answer(const json::object& ask) {
    std::pmr::monotonic_buffer_resource memory;
    std::vector<header> headers;
    for (const json::value& field : ask.at("headers").as_array()) {
        headers.push_back({field.at(0).as_string(), field.at(1).as_string()});
    }
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

    const std::chrono::sys_seconds when = *parse_date(text(ask, "time"));
    const date_text date(when);
    const signing_key key =
        signing_key::derive(text(ask, "secret"), date.day(), text(ask, "region"), text(ask, "service"));
    const request what{text(ask, "method"), path, query, headers, text(ask, "payload_hash")};
    const instructions made = sign(
        what,
        {text(ask, "service"), text(ask, "region")},
        {text(ask, "access_key_id"), text(ask, "token")},
        key,
        when,
        how,
        memory
    );
    return {
        {"path", path},
        {"query", query},
        {"signature", made.signature},
        {"signed_headers", made.signed_headers},
        {"canonical_request", made.canonical_request},
        {"string_to_sign", made.string_to_sign},
        {"signed_query", made.query},
        {"add", pairs(made.add)},
        // A token outside of the signature is for services that we do not verify for.
        {"objection", ask.at("token_after").as_bool() ? "" : verdict(ask, what, made, rule, text(ask, "body_hash"))},
    };
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << json::serialize(answer(json::parse(line).as_object())) << '\n';
    }
}
