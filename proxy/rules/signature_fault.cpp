#include "proxy/rules/signature_fault.hpp"

namespace countersign::proxy {

namespace {

using signer::mismatch;
using signer::wire_protocol;

// S3's error codes ("Error responses" in the S3 API reference).
fault_wording rest_wording(mismatch what) noexcept {
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
fault_wording query_wording(mismatch what) noexcept {
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
fault_wording json_wording(mismatch what) noexcept {
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

} // namespace

fault_wording wording_of(mismatch what, wire_protocol protocol) noexcept {
    switch (protocol) {
    case wire_protocol::rest_xml:
        return rest_wording(what);
    case wire_protocol::json:
        return json_wording(what);
    default:
        return query_wording(what);
    }
}

std::string_view name_of(mismatch what) noexcept {
    switch (what) {
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

} // namespace countersign::proxy
