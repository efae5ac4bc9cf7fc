// The chain of signatures of an event stream from the client (AWS4-HMAC-SHA256-EVENTS): each message is wrapped in a
// signed frame, each signature covers the one before it, an empty frame ends the stream. The request that opens the
// stream has the payload hash STREAMING-AWS4-HMAC-SHA256-EVENTS; its signature is the seed. Pure: times and keys are
// arguments. Any thread, one signer for one stream. Standard: "Signing the event stream" in the Transcribe guide.
#pragma once

#include "signer/event_stream.hpp"
#include "signer/key.hpp"
#include "signer/scope.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace countersign::signer {

// The link after `previous` (hex). `date_header`: the encoded :date header alone; `payload`: the whole wrapped message.
// `key` is that of the day of `when`.
digest sign_event(
    std::string_view previous,
    std::string_view date_header,
    std::string_view payload,
    std::chrono::sys_seconds when,
    const scope& where,
    const signing_key& key
);

class event_signer {
public:
    // The key of a day (YYYYMMDD) for the stream's scope; good until the next call. A stream may outlive its day.
    using key_lookup = std::function<const signing_key&(std::string_view day)>;

    // `seed`: the signature of the request, 64 hex digits.
    event_signer(std::string_view seed, const scope& where, key_lookup keys, const event_limits& limits = {});

    // Appends the signed frame around `message`, an encoded frame itself. A message above the payload limit is a fault:
    // nothing is written and the chain stays where it was. REQUIRES: `when` is not before that of the frame before it,
    // and finish() was not called.
    event_fault wrap(std::string_view message, std::chrono::sys_seconds when, std::string& out);

    // The empty frame that ends the stream.
    event_fault finish(std::chrono::sys_seconds when, std::string& out) { return wrap({}, when, out); }

    std::string_view previous() const noexcept { return previous_; }

private:
    std::string previous_;
    std::string service_, region_;
    key_lookup keys_;
    event_limits limits_;
};

} // namespace countersign::signer
