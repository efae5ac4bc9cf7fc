// Which header fields take part in a signature (SignedHeaders). Pure; any thread.
#pragma once

#include <string_view>

namespace countersign::signer {

// True for headers that signing itself sets. The caller removes them from the request before sign():
// Authorization, X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256, X-Amz-Region-Set, Date. Any case.
bool is_owned_by_signing(std::string_view name) noexcept;

// True when `name` (any case) goes into SignedHeaders: host, every x-amz-*, content-type, content-md5, range,
// if-*. Everything else may be changed between here and AWS, and stays out.
bool is_signed(std::string_view name) noexcept;

// True when `name` (any case) is left out even by header_rule::all_but_skipped: the union of what aws-c-auth,
// botocore and smithy-rs leave out.
bool is_skipped(std::string_view name) noexcept;

// The same for a name that is in lower case already.
bool lower_is_signed(std::string_view name) noexcept;
bool lower_is_skipped(std::string_view name) noexcept;

} // namespace countersign::signer
