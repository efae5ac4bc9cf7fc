// `countersign sign`: one request message in, the signed one out, as AWS's own signers would sign it. Unlike
// the proxy it signs exactly what it is given: every header that is not skipped, path and query as they
// stand.
#include "proxy/commands/sign.hpp"

#include "proxy/commands/find_credentials.hpp"
#include "proxy/commands/sign_message.hpp"
#include "proxy/process.hpp"
#include "signer/date.hpp"
#include "signer/earlier_signature.hpp"
#include "signer/encode.hpp"
#include "signer/sha256.hpp"
#include "signer/sigv4.hpp"

#include <boost/json.hpp>

#include <iostream>
#include <iterator>
#include <memory_resource>
#include <stdexcept>

namespace countersign::proxy {
namespace {

void check(const sign_arguments& a) {
    if (a.service.empty() || a.region.empty()) {
        throw wrong_usage("--service and --region are needed");
    }
    if (a.sigv4a && a.region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-*,") != std::string::npos) {
        throw wrong_usage("--region is not a set of regions, as in us-east-1,eu-* or *");
    }
    if (!a.time.empty() && !signer::parse_date(a.time)) {
        throw wrong_usage("--time is not of the form YYYYMMDDTHHMMSSZ");
    }
    if (a.output != "request" && a.output != "json") {
        throw wrong_usage("--output is either request or json");
    }
    if (a.expires > 604800) {
        throw wrong_usage("--expires is a number of seconds from 0 to 604800");
    }
}

signer::path_rule path_rule_of(const sign_arguments& a) {
    if (signer::traits_of(a.service).path == signer::path_rule::s3) {
        return signer::path_rule::s3;
    }
    if (a.normalize_path) {
        return a.double_encode ? signer::path_rule::standard : signer::path_rule::normalized_only;
    }
    return a.double_encode ? signer::path_rule::encoded_only : signer::path_rule::s3;
}

signer::options options_of(const sign_arguments& a, const message& m) {
    signer::options how;
    how.where = a.query ? signer::placement::query : signer::placement::header;
    how.path = path_rule_of(a);
    how.headers = signer::header_rule::all_but_skipped;
    how.token = a.session_token_after ? signer::token_rule::added_after : signer::token_rule::signed_with_the_rest;
    how.content_sha256_header =
        !a.query && (a.content_sha256_header || signer::traits_of(a.service).content_sha256_header ||
                     m.find("x-amz-content-sha256").has_value());
    how.expires = std::chrono::seconds(a.expires);
    return how;
}

// The time that --time or the message's own X-Amz-Date says; else now.
std::chrono::sys_seconds time_of(const sign_arguments& a, const message& m, std::chrono::sys_seconds now) {
    if (!a.time.empty()) {
        return *signer::parse_date(a.time);
    }
    if (const auto said = m.find("x-amz-date")) {
        const auto when = signer::parse_date(*said);
        if (!when) {
            throw std::runtime_error("the message's X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ");
        }
        return *when;
    }
    return now;
}

// The last line of the canonical request ("Create a signed AWS API request", HashedPayload).
std::string payload_hash_of(const sign_arguments& a, const message& m) {
    if (a.unsigned_payload) {
        return "UNSIGNED-PAYLOAD";
    }
    if (const auto said = m.find("x-amz-content-sha256");
        said && (*said == "UNSIGNED-PAYLOAD" || said->starts_with("STREAMING-"))) {
        return std::string(*said);
    }
    if (a.query && signer::traits_of(a.service).path == signer::path_rule::s3) {
        return "UNSIGNED-PAYLOAD"; // whoever opens a presigned S3 URL brings their own body
    }
    std::string hex(64, '\0');
    signer::write_hex(signer::sha256_of(m.body), hex.data());
    return hex;
}

// Length of the UTF-8 sequence at the beginning (RFC 3629 section 4); 0 where there is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto is_next = [&](std::size_t i, unsigned least, unsigned most) {
        return byte(i) >= least && byte(i) <= most;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80; // no longer form of a shorter one
    const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;  // no surrogates, none above U+10FFFF
    bool is_whole = length > 0 && is_next(1, least, most);
    for (std::size_t i = 2; i < length; ++i) {
        is_whole = is_whole && is_next(i, 0x80, 0xbf);
    }
    return is_whole ? length : 0;
}

// JSON must be UTF-8, messages need not be. Every byte that is not becomes U+FFFD.
std::string for_json(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        shown += length > 0 ? text.substr(0, length) : std::string_view("\xEF\xBF\xBD");
        text.remove_prefix(length > 0 ? length : 1);
    }
    return shown;
}

// Here Date is a header like any other: AWS's signers sign it beside X-Amz-Date.
bool is_replaced(std::string_view name) {
    const bool is_date = name.size() == 4;
    return (signer::is_owned_by_signing(name) && !is_date) ||
           signer::equals_ignoring_case(name, "x-amzn-authorization");
}

signer::instructions sign_as_asked(
    const sign_arguments& a,
    const signer::request& what,
    const chain::credentials& who,
    std::chrono::sys_seconds when,
    const signer::options& how,
    std::pmr::memory_resource& memory
) {
    const signer::scope where{a.service, a.region};
    const signer::identity identity{who.access_key_id, who.session_token.reveal()};
    const std::string_view secret = who.secret_access_key.reveal();
    if (a.sigv4a) {
        const auto key = signer::ecdsa_key::derive(who.access_key_id, secret);
        return signer::sign(what, where, identity, key, when, how, memory);
    }
    const auto key = signer::signing_key::derive(secret, signer::date_text(when).day(), a.region, a.service);
    return signer::sign(what, where, identity, key, when, how, memory);
}

void run(const sign_arguments& a) {
    check(a);
    const chain::credentials who = find_command_credentials(a.profile);
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const std::string made = signed_text(a, text, who, now);
    std::cout.write(made.data(), static_cast<std::streamsize>(made.size())).flush();
    if (!std::cout) {
        throw std::runtime_error("standard output cannot be written");
    }
}

} // namespace

std::string signed_text(
    const sign_arguments& a, std::string_view message_text, const chain::credentials& who, std::chrono::sys_seconds now
) {
    check(a);
    message m = message::parse(message_text);
    const signer::options how = options_of(a, m);
    const std::chrono::sys_seconds when = time_of(a, m, now);
    const std::string payload_hash = payload_hash_of(a, m);
    std::erase_if(m.headers, [](const signer::header& field) { return is_replaced(field.name); });

    std::pmr::monotonic_buffer_resource memory;
    m.query = signer::without_signature(m.query, memory);
    const signer::instructions made =
        sign_as_asked(a, {m.method, m.path, m.query, m.headers, payload_hash}, who, when, how, memory);
    m.headers.insert(m.headers.end(), made.add.begin(), made.add.end());
    if (a.query) {
        m.query = made.query;
    }
    const std::string signed_request = m.text();
    if (a.output == "request") {
        return signed_request;
    }
    const boost::json::object explained{
        {"canonical_request", for_json(made.canonical_request)},
        {"string_to_sign", for_json(made.string_to_sign)},
        {"signature", made.signature},
        {"signed_headers", for_json(made.signed_headers)},
        {"credential_scope", for_json(made.credential_scope)},
        {"request", for_json(signed_request)},
    };
    return boost::json::serialize(explained) + "\n";
}

int run_sign(const sign_arguments& a) {
    forbid_core_dumps();
    return exit_status_of("sign", [&] {
        run(a);
        return 0;
    });
}

} // namespace countersign::proxy
