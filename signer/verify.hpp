// Is a signed request authentic? The counterpart of sigv4.hpp for SigV4 and SigV4A, for the sandbox, the tests
// and users' own servers. Pure: keys, time and expectations are arguments. Any thread. Not made for speed; it
// explains. A SigV4A key is derived anew for each request, from the secret that was looked up.
#pragma once

#include "signer/sigv4.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

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

struct key_entry {
    std::string secret_access_key;
    std::string session_token; // "" for long-lived keys
    ~key_entry();              // wipes both
};

struct expectation {
    std::string_view service; // "" = any
    std::string_view region;  // "" = any; SigV4A: the region set must cover it, or each pattern of a set
    path_rule path = path_rule::standard;
    std::chrono::seconds tolerance{900};
    std::function<std::optional<key_entry>(std::string_view access_key_id)> lookup;
    key_cache* keys = nullptr; // where derived SigV4 keys are kept; null: each is derived anew
};

struct verification {
    mismatch what = mismatch::none;
    std::string detail; // names the part that differs, never a secret
    std::string access_key_id;
    std::string service, region;                   // of the credential scope; SigV4A: the region set
    std::string canonical_request, string_to_sign; // as computed here
};

// `what.headers` is the message's header section as received, the signature's own fields included; what.query
// as received. `what.payload_hash` is not read: `body_hash` is H(body), 64 hex digits, computed by the
// caller.
verification
verify(const request& what, std::string_view body_hash, const expectation& expected, std::chrono::sys_seconds now);

} // namespace countersign::signer
