#include "proxy/sandbox_gate.hpp"

#include "signer/sha256.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace countersign::proxy::sandbox {

namespace {

using signer::mismatch;
using signer::wire_protocol;

struct wording {
    unsigned status;
    const char* code;
    const char* message;
};

// S3's error codes ("Error responses" in the S3 API reference).
wording rest_wording(mismatch what) noexcept {
    switch (what) {
    case mismatch::missing_signature:
        return {403, "AccessDenied", "Access Denied"};
    case mismatch::ambiguous_signature:
        return {400, "InvalidArgument", "Only one auth mechanism allowed"};
    case mismatch::malformed_signature:
    case mismatch::wrong_scope:
        return {400, "AuthorizationHeaderMalformed", "The authorization that you provided is malformed"};
    case mismatch::unknown_access_key:
        return {403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."};
    case mismatch::wrong_token:
        return {400, "InvalidToken", "The provided token is malformed or otherwise invalid."};
    case mismatch::expired:
        return {403, "AccessDenied", "Request has expired"};
    case mismatch::clock_skew:
        return {
            403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."};
    case mismatch::header_not_signed:
        return {403, "AccessDenied", "There were headers present in the request which were not signed"};
    case mismatch::wrong_payload_hash:
        return {
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed."};
    case mismatch::wrong_signature:
    case mismatch::none:
        break;
    }
    return {
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing "
        "method."};
}

// "Common errors" of the query APIs.
wording query_wording(mismatch what) noexcept {
    switch (what) {
    case mismatch::missing_signature:
        return {403, "MissingAuthenticationToken", "Request is missing Authentication Token"};
    case mismatch::ambiguous_signature:
    case mismatch::malformed_signature:
        return {400, "IncompleteSignature", "The request signature does not conform to AWS standards."};
    case mismatch::unknown_access_key:
    case mismatch::wrong_token:
        return {403, "InvalidClientTokenId", "The security token included in the request is invalid."};
    case mismatch::clock_skew:
    case mismatch::expired:
        return {400, "RequestExpired", "Signature expired, or not yet current."};
    default:
        return {
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."};
    }
}

// "Common errors" of the JSON APIs (DynamoDB's among them).
wording json_wording(mismatch what) noexcept {
    switch (what) {
    case mismatch::missing_signature:
        return {400, "MissingAuthenticationTokenException", "Missing Authentication Token"};
    case mismatch::ambiguous_signature:
    case mismatch::malformed_signature:
        return {400, "IncompleteSignatureException", "The request signature does not conform to AWS standards."};
    case mismatch::unknown_access_key:
    case mismatch::wrong_token:
        return {400, "UnrecognizedClientException", "The security token included in the request is invalid."};
    case mismatch::clock_skew:
    case mismatch::expired:
        return {400, "InvalidSignatureException", "Signature expired, or not yet current."};
    default:
        return {
            400,
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided."};
    }
}

wording wording_of(mismatch what, wire_protocol protocol) noexcept {
    switch (protocol) {
    case wire_protocol::rest_xml:
        return rest_wording(what);
    case wire_protocol::json:
        return json_wording(what);
    default:
        return query_wording(what);
    }
}

service_error expired_token(wire_protocol protocol) {
    if (protocol == wire_protocol::json)
        return {400, "ExpiredTokenException", "The security token included in the request is expired"};
    if (protocol == wire_protocol::rest_xml)
        return {400, "ExpiredToken", "The provided token has expired."};
    return {403, "ExpiredToken", "The security token included in the request is expired"};
}

// The token belongs to whoever signed; a proxy's client, who reads this answer, must not learn it.
std::string masked(std::string text, const std::string& token) {
    if (token.empty())
        return text;
    std::string encoded = percent_encode(token);
    for (std::size_t at = 0; (at = encoded.find('/', at)) != std::string::npos; at += 3)
        encoded.replace(at, 1, "%2F");
    for (const std::string& secret : {token, encoded})
        for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;)
            text.replace(at, secret.size(), "(hidden)");
    return text;
}

} // namespace

std::string_view verdict::name() const noexcept {
    if (expired_token)
        return "expired_token";
    switch (found.what) {
    case mismatch::none:
        return "verified";
    case mismatch::missing_signature:
        return "missing_signature";
    case mismatch::ambiguous_signature:
        return "ambiguous_signature";
    case mismatch::malformed_signature:
        return "malformed_signature";
    case mismatch::unknown_access_key:
        return "unknown_access_key";
    case mismatch::wrong_token:
        return "wrong_token";
    case mismatch::wrong_scope:
        return "wrong_scope";
    case mismatch::expired:
        return "expired";
    case mismatch::clock_skew:
        return "clock_skew";
    case mismatch::header_not_signed:
        return "header_not_signed";
    case mismatch::wrong_payload_hash:
        return "wrong_payload_hash";
    case mismatch::wrong_signature:
        break;
    }
    return "wrong_signature";
}

verdict judge(
    const request& ask, const std::optional<signer::scope>& expected, const key_ring& keys, std::chrono::sys_seconds now
) {
    std::vector<signer::header> headers;
    for (const field& f : ask.headers)
        headers.push_back({f.name, f.value});
    const signer::request message{ask.method, ask.path, ask.query, headers, {}};
    std::string body_hash(64, '0');
    signer::write_hex(signer::sha256_of(ask.body), body_hash.data());

    signer::expectation how;
    how.lookup = [&](std::string_view id) -> std::optional<signer::key_entry> {
        const identity* known = keys.find(id);
        if (!known)
            return std::nullopt;
        return signer::key_entry{known->secret_access_key, known->session_token};
    };
    if (expected) {
        how.service = expected->service;
        how.region = expected->region;
        how.path = signer::traits_of(expected->service).path;
    }
    verdict v;
    v.found = signer::verify(message, body_hash, how, now);
    // The host told nothing about the service; the scope, read by now, tells which path rule to use.
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
    if (v.expired_token)
        return expired_token(protocol);
    const wording w = wording_of(v.found.what, protocol);
    service_error e{w.status, w.code, w.message};
    if (!v.found.detail.empty())
        e.message += fmt::format(" (sandbox: {})", v.found.detail);
    if (v.found.what != mismatch::wrong_signature)
        return e;
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
