// The answer on its way to the client: head written anew, body bytes untouched, in constant memory; the client's pace
// is the upstream's. An answer that breaks off upstream breaks off visibly for the client. On the worker's thread.
#pragma once

#include "proxy/client.hpp"
#include "proxy/http/refusal.hpp"
#include "proxy/net/task.hpp"
#include "proxy/stages.hpp"
#include "proxy/worker_state.hpp"

namespace countersign::proxy {

// Passes out.reply on. Afterwards the connection is back in its pool or closed, and `record` says what the client got.
// REQUIRES: out.error is none.
task<> relay(
    client& c,
    const received& r,
    outcome& out,
    const exchange_limits& until,
    worker_state& w,
    exchange_memory& memory,
    exchange_record& record
);

// What the client is told instead, where there is no answer.
refusal refuse_outcome(const outcome& out);

} // namespace countersign::proxy
