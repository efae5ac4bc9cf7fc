// Is a signed request authentic? The counterpart of sigv4.hpp for SigV4 and SigV4A, for the sandbox, the tests
// and users' own servers. Pure: keys, time and expectations are arguments. Any thread. Not made for speed; it
// explains. A SigV4A key is derived anew for each request, from the secret that was looked up.
#pragma once

#include "signer/claim.hpp"
#include "signer/key.hpp"
#include "signer/mismatch.hpp"
#include "signer/request.hpp"
#include "signer/service_traits.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::signer {

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

// The second half of verify(); read_claim() is the first. REQUIRES: it took `c` from this request.
verification verify_claim(
    const request& what,
    const claim& c,
    std::string_view body_hash,
    const expectation& expected,
    std::chrono::sys_seconds now
);

} // namespace countersign::signer
