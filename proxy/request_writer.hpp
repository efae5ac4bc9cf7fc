// The request as it goes out: prepared once, its signed head written once for each attempt. The bytes of the client's
// head are never copied over; a new head is written from what was understood of it. On the worker's thread.
#pragma once

#include "proxy/stages.hpp"
#include "proxy/worker_state.hpp"

#include <memory_resource>
#include <string_view>

namespace countersign::proxy {

// Path and query in their wire spelling, the fields that go on, the payload's hash; earlier signatures are taken off,
// those in a form's body where it lies. The result points into `memory`, `hash` and what it is made from.
prepared prepare(
    const received& r,
    const admitted& a,
    std::string_view body,
    body::body_hash& hash,
    std::pmr::memory_resource& memory
);

// The head, signed as of now with the worker's present credentials. The bytes lie in `memory`; `with` says what it was
// signed with. REQUIRES: credentials that are not expired, where the plan says to sign.
std::string_view write_request_head(
    const received& r,
    const admitted& a,
    const prepared& p,
    worker_state& w,
    std::pmr::memory_resource& memory,
    signed_as& with
);

} // namespace countersign::proxy
