// What the proxy answers itself: a status, a code for x-countersign-error, and what to do, in the wire protocol that
// the caller's client library understands. Texts are fixed or made from validated parts: never a secret, no header of
// the request, no control byte.
#pragma once

#include "signer/scope.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy {

// throttled: the body's code is the one by which SDKs slow down, whatever the status.
enum class refusal_kind : std::uint8_t { of_status, throttled };

struct refusal {
    unsigned status = 500;
    std::string_view code;                    // x-countersign-error; a literal: "bad-framing", "unknown-host", …
    std::string message;                      // one or two sentences: what happened, what to do
    std::optional<unsigned> retry_after = {}; // seconds
    refusal_kind kind = refusal_kind::of_status;
    std::string_view aws_code = {}; // a literal that stands in the body instead of the status's
};

// "Forbidden" for 403 …; "Unknown" for a status we never use.
std::string_view reason_phrase(unsigned status) noexcept;

// The whole answer, head and body: Content-Type by protocol, Content-Length, x-countersign-error, Retry-After,
// "Connection: close" when `close`, Cache-Control: no-store. A HEAD request gets the head only.
// S3 and other REST-XML: <Error><Code>…; Query: <ErrorResponse>…; EC2: <Response><Errors>…;
// JSON: {"__type":…,"message":…} with x-amzn-errortype; text: the message. The Code in the body is
// what SDKs know for the status (AccessDenied, ServiceUnavailable, RequestTimeout, InternalError, InvalidRequest,
// EntityTooLarge …).
std::string render(const refusal& r, signer::wire_protocol protocol, bool head_request, bool close);

} // namespace countersign::proxy
