// What can be wrong with a request's signature. Any thread.
#pragma once

#include <cstdint>

namespace countersign::signer {

enum class mismatch : std::uint8_t {
    none,
    missing_signature,   // neither Authorization nor X-Amz-Signature
    ambiguous_signature, // both, or one of them twice
    malformed_signature, // not of the form that the standard describes; detail says which part
    unknown_access_key,
    wrong_token,        // session token missing, superfluous or not that of the access key
    wrong_scope,        // day, region (SigV4A: region set), service or terminator
    expired,            // presigned and past its X-Amz-Expires
    clock_skew,         // X-Amz-Date more than the tolerance away
    header_not_signed,  // Host or an x-amz-* header that is not in SignedHeaders, or a signed one that is
                        // missing
    wrong_payload_hash, // x-amz-content-sha256 is not the hash of the body
    wrong_signature,
};

} // namespace countersign::signer
