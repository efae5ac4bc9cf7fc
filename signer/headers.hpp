// Which header fields take part in a signature (SignedHeaders). Pure; any thread.
#pragma once

#include <string_view>

namespace countersign::signer {

// True for headers that signing itself sets. The caller removes them from the request before sign():
// Authorization, X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256, X-Amz-Region-Set, Date. Any case.
bool is_owned_by_signing(std::string_view name) noexcept;

// The rule header_rule::survives_the_hop: true when `name` (any case) goes into SignedHeaders.
//  - Signed: host and every x-amz-* (AWS demands both), content-type (demanded where present), content-md5, range
//    and if-*: each decides what is read, written or compared, and no hop may change it.
//  - Not signed: what a hop may rewrite. The framing (content-length, transfer-encoding, te, trailer), the
//    content's coding (content-encoding, accept-encoding: RFC 9110 7.7 lets a hop recode), the route (via,
//    forwarded, x-forwarded-*), user-agent and tracing.
//  - Not signed either, for AWS does not ask for it and TLS guards it: what only describes the content or is stored
//    with it (content-range, content-language, content-disposition, cache-control, expires) and all that is unknown.
// Exceptions: options::also_sign and never_sign (route.sign_headers and unsigned_headers in the configuration).
bool is_signed(std::string_view name) noexcept;

// True when `name` (any case) is left out even by header_rule::all_but_skipped: the union of what aws-c-auth,
// botocore and smithy-rs leave out.
bool is_skipped(std::string_view name) noexcept;

// May options::also_sign name it? No for what is skipped always (hop-by-hop fields among them) and for what signing
// sets itself, save Date. REQUIRES: lower case.
bool can_be_added(std::string_view name) noexcept;

// May options::never_sign name it? No for host and x-amz-*. REQUIRES: lower case.
bool can_be_left_out(std::string_view name) noexcept;

// is_signed() and is_skipped() for a name that is in lower case already.
bool lower_is_signed(std::string_view name) noexcept;
bool lower_is_skipped(std::string_view name) noexcept;

} // namespace countersign::signer
