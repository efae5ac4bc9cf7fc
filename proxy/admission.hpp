// What may not go, or not now, though it is well formed: who asks, where to, policy, rate limit, dry run. Nothing here
// waits. REQUIRES: the worker's thread.
#pragma once

#include "proxy/http/refusal.hpp"
#include "proxy/stages.hpp"
#include "proxy/worker_state.hpp"
#include "signer/chunk_signer.hpp"

#include <optional>
#include <variant>

namespace countersign::proxy {

// Finds the destination.
std::variant<admitted, refusal> admit(const received& r, worker_state& w);

// Where clients have to sign: whom the request's signature names, for `a`. Known before the body is asked for, believed
// only after verify_tenant.
std::optional<refusal> find_tenant(const received& r, const worker_state& w, admitted& a);

// Before the client is asked for a body: policy, dry run, rate (a.turn), and whether such a request can be signed at
// all.
std::optional<refusal> check_before_body(const received& r, admitted& a, bool is_local, worker_state& w);

// Where AWS itself is signed for, a header that the signature covers must be ASCII. S3 and others read other bytes as
// Latin-1 and check the signature over the UTF-8 form of that, so the client would be told SignatureDoesNotMatch.
// Servers that a route names decide for themselves. Also: a path that leaves the bucket that it has to be sent with.
std::optional<refusal> check_text(const received& r, const admitted& a);

// How the body is taken and sent, or that it cannot be.
std::variant<body::payload_choice, refusal> choose_body(const received& r, const admitted& a, const worker_state& w);

// Does a tenant's signature say something of its body that can be checked only when that is there?
bool vouches_by_body(const received& r) noexcept;

// Is the request signed by its tenant, who says of the body that it has this hash? If so its rate is asked for, too.
// REQUIRES: a.tenant.
std::optional<refusal> verify_tenant(const received& r, admitted& a, std::string_view body_hash, worker_state& w);

// For the chunks of a tenant's body, each signed: REQUIRES: verify_tenant found nothing.
signer::chunk_verifier chunk_verifier_of(const admitted& a, worker_state& w);

// What the policy says of the action that the whole request asks for.
std::optional<refusal> check_action(const received& r, const admitted& a, const prepared& p);

} // namespace countersign::proxy
