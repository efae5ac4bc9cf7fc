// AWS Signature Version 4 and 4A: one request in, the headers (or the query) that sign it out.
//
// Pure: no I/O, no clock, no environment, and no failure (but see signer/sigv4a.hpp). What cannot be signed is
// refused before it gets here. Nothing is allocated but from the caller's memory resource. Any thread; nothing
// is shared. Standard: "Signing AWS API requests" in the AWS IAM User Guide; rule numbers as in that page's six
// steps.
#pragma once

#include "signer/headers.hpp"
#include "signer/host_scope.hpp"
#include "signer/key.hpp"
#include "signer/request.hpp"
#include "signer/service_traits.hpp"
#include "signer/sigv4a.hpp"

#include <chrono>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

namespace countersign::signer {

inline constexpr std::string_view sigv4_algorithm = "AWS4-HMAC-SHA256";

// Whose name goes into the signature. The secret itself is inside the signing_key.
struct identity {
    std::string_view access_key_id;
    std::string_view session_token; // "" when there is none
};

enum class placement : std::uint8_t { header, query };

// Which headers of the request are signed; the rule itself stands in signer/headers.hpp.
enum class header_rule : std::uint8_t {
    survives_the_hop, // those with is_signed(): the proxy's rule
    all_but_skipped,  // all but those with is_skipped(): what AWS's own signers do
};

// When the session token joins the request (IoT wants it outside the signature). Its place in a query is the same.
enum class token_rule : std::uint8_t { signed_with_the_rest, added_after };

struct options {
    placement where = placement::header;
    path_rule path = path_rule::standard; // traits_of(service).path
    header_rule headers = header_rule::survives_the_hop;
    token_rule token = token_rule::signed_with_the_rest;
    bool content_sha256_header = false; // add x-amz-content-sha256 (header placement only)
    std::chrono::seconds expires{3600}; // query placement only: 1 … 604800; 0 leaves X-Amz-Expires out
    // Exceptions from `headers`, in lower case. Without effect are names in also_sign that !can_be_added(), names
    // in never_sign that !can_be_left_out(); a name in both is not signed.
    std::span<const std::string> also_sign{};
    std::span<const std::string> never_sign{};
};

// What the caller has to do to the request, and how it came about. All views point into the memory resource
// (or to literals).
struct instructions {
    std::span<const header> add; // header placement: append these, in this order
    std::string_view query;      // query placement: the given query with X-Amz-Algorithm … X-Amz-Signature after it
    std::string_view canonical_request;
    std::string_view string_to_sign;
    std::string_view credential_scope;
    std::string_view signed_headers;
    std::string_view signature; // 64 hex digits; SigV4A: at most most_ecdsa_hex
};

// REQUIRES: headers hold exactly one Host and none that is_owned_by_signing (save Date under all_but_skipped:
// it is signed like any other); the query holds no presignature; key was derived for this day and scope. The
// result and its views live as long as `memory` is not released.
instructions sign(
    const request& what,
    const scope& where,
    const identity& who,
    const signing_key& key,
    std::chrono::sys_seconds when,
    const options& how,
    std::pmr::memory_resource& memory
);

// SigV4A: the same, with where.region as the region set ("us-east-1", "us-east-1,eu-*", "*"). It becomes
// X-Amz-Region-Set, signed; the credential scope has no region. Allocates what OpenSSL does, and may throw.
instructions sign(
    const request& what,
    const scope& where,
    const identity& who,
    const ecdsa_key& key,
    std::chrono::sys_seconds when,
    const options& how,
    std::pmr::memory_resource& memory
);

} // namespace countersign::signer
