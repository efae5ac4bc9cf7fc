// One attempt: a connection, the signed request on it, and the head of the answer back. What came of it is a value
// (outcome); whether there is another attempt is decided elsewhere (rules/retry.hpp), passing the answer on too
// (relay.hpp). On the worker's thread.
#pragma once

#include "proxy/net/task.hpp"
#include "proxy/rules/retry.hpp"
#include "proxy/stages.hpp"
#include "proxy/worker_state.hpp"

namespace countersign::proxy {

// What the attempts of a request have in common.
struct attempts_of {
    const received& in;
    worker_state& w;
    exchange_memory& memory;
    exchange_limits until;
    upstream_connection* current = nullptr; // the one in use while an attempt waits, for cancelling it
};

// From now on the time of the upstream counts.
exchange_limits limits_of(const received& r, const admitted& a, const prepared& p, const worker_state& w) noexcept;

// A kept connection that turns out to be dead before a byte of an answer costs no attempt: the request goes out once
// more on a new one, unless the service could have acted on it and may_repeat_blindly says no. Ends by give_up.
// REQUIRES: credentials that are not expired, where the plan says to sign.
task<outcome> try_once(attempts_of& all, const admitted& a, const prepared& p);

// The attempt as rules/retry.hpp sees it. `number` is 1 for the first; `paid` is what the retry before it cost.
attempt describe(
    const outcome& out,
    const received& r,
    const admitted& a,
    const prepared& p,
    const worker_state& w,
    unsigned number,
    unsigned paid
);

// The connection after an attempt whose answer is not passed on: kept when its answer is whole, else closed.
void put_away(outcome& out);

} // namespace countersign::proxy
