// The request as it goes out: prepared once, its signed head written once for each attempt. The bytes of the client's
// head are never copied over; a new head is written from what was understood of it. On the worker's thread.
#pragma once

#include "proxy/stages.hpp"
#include "proxy/worker_state.hpp"
#include "signer/chunk_encoder.hpp"

#include <memory_resource>
#include <optional>
#include <string_view>

namespace countersign::proxy {

// Path and query in their wire spelling, the fields that go on, the payload's hash; earlier signatures are taken off,
// those in a form's body where it lies, and with them the client's aws-chunked coding: trailers of a body that is kept
// become fields. The result points into `memory`, `hash` and what it is made from. REQUIRES: `hash` knows that of a
// body in a temporary file.
prepared prepare(
    const received& r,
    const admitted& a,
    const request_content& body,
    body::body_hash& hash,
    std::pmr::memory_resource& memory
);

struct written_head {
    std::string_view text;
    std::optional<signer::chunk_encoder> chunks; // for the body, where prepared::form says so
};

// The head, signed as of now, by the service's clock as far as it is known, with the worker's present credentials. The
// bytes lie in `memory`; `with` says what it was signed with. REQUIRES: credentials that are not expired, where the
// plan says to sign.
written_head write_request_head(
    const received& r,
    const admitted& a,
    const prepared& p,
    worker_state& w,
    std::pmr::memory_resource& memory,
    signed_as& with
);

} // namespace countersign::proxy
