#include "proxy/sandbox/gate.hpp"

#include "proxy/rules/signature_fault.hpp"
#include "signer/sha256.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace countersign::proxy::sandbox {

namespace {

using signer::mismatch;
using signer::wire_protocol;

service_error expired_token(wire_protocol protocol) {
    if (protocol == wire_protocol::json) {
        return {400, "ExpiredTokenException", "The security token included in the request is expired"};
    }
    if (protocol == wire_protocol::rest_xml) {
        return {400, "ExpiredToken", "The provided token has expired."};
    }
    return {403, "ExpiredToken", "The security token included in the request is expired"};
}

// The token belongs to whoever signed; a proxy's client, who reads this answer, must not learn it.
std::string masked(std::string text, const std::string& token) {
    if (token.empty()) {
        return text;
    }
    std::string encoded = percent_encode(token);
    for (std::size_t at = 0; (at = encoded.find('/', at)) != std::string::npos; at += 3) {
        encoded.replace(at, 1, "%2F");
    }
    for (const std::string& secret : {token, encoded}) {
        for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
            text.replace(at, secret.size(), "(hidden)");
        }
    }
    return text;
}

} // namespace

std::string_view verdict::name() const noexcept {
    if (expired_token) {
        return "expired_token";
    }
    return name_of(found.what);
}

verdict judge(
    const request& ask, const std::optional<signer::scope>& expected, const key_ring& keys, std::chrono::sys_seconds now
) {
    std::vector<signer::header> headers;
    for (const field& f : ask.headers) {
        headers.push_back({f.name, f.value});
    }
    const signer::request message{ask.method, ask.path, ask.query, headers, {}};
    std::string body_hash(64, '0');
    signer::write_hex(signer::sha256_of(ask.body), body_hash.data());

    signer::expectation how;
    how.lookup = [&](std::string_view id) -> std::optional<signer::key_entry> {
        const identity* known = keys.find(id);
        if (!known) {
            return std::nullopt;
        }
        return signer::key_entry{known->secret_access_key, known->session_token};
    };
    if (expected) {
        how.service = expected->service;
        how.region = expected->region;
        how.path = signer::traits_of(expected->service).path;
    }
    verdict v;
    v.found = signer::verify(message, body_hash, how, now);
    // The host says nothing about the service; the scope, read by now, tells which path rule to use.
    if (!expected && signer::traits_of(v.found.service).path != how.path) {
        how.path = signer::traits_of(v.found.service).path;
        v.found = signer::verify(message, body_hash, how, now);
    }
    if (v.found.what == mismatch::none) {
        v.who = keys.find(v.found.access_key_id);
        v.expired_token = v.who && v.who->expires && *v.who->expires <= now;
    } else if (const identity* claimed = keys.find(v.found.access_key_id)) {
        v.session_token = claimed->session_token;
    }
    return v;
}

service_error refuse(const verdict& v, wire_protocol protocol) {
    if (v.expired_token) {
        return expired_token(protocol);
    }
    const fault_wording w = wording_of(v.found.what, protocol);
    service_error e{w.status, w.code, w.message};
    if (!v.found.detail.empty()) {
        e.message += fmt::format(" (sandbox: {})", v.found.detail);
    }
    if (v.found.what != mismatch::wrong_signature) {
        return e;
    }
    const std::string canonical_request = masked(v.found.canonical_request, v.session_token);
    const std::string string_to_sign = masked(v.found.string_to_sign, v.session_token);
    if (protocol == wire_protocol::rest_xml) {
        e.details.push_back({"AWSAccessKeyId", v.found.access_key_id});
        e.details.push_back({"StringToSign", string_to_sign});
        e.details.push_back({"CanonicalRequest", canonical_request});
    } else {
        e.message += fmt::format(
            "\n\nThe Canonical String for this request should have been\n'{}'\n\nThe String-to-Sign should "
            "have been\n'{}'",
            canonical_request,
            string_to_sign
        );
    }
    return e;
}

} // namespace countersign::proxy::sandbox
