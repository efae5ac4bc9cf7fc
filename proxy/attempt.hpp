// One attempt: a connection, the signed request on it, and the head of the answer back. What came of it is a value
// (outcome); whether there is another attempt is decided elsewhere (retry.hpp), passing the answer on too (relay.hpp).
#pragma once

#include "proxy/exchange.hpp"
#include "proxy/net/task.hpp"
#include "proxy/rules/retry.hpp"

#include <string>
#include <string_view>

namespace countersign::proxy {

class worker;

struct outcome {
    io_error error = io_error::none; // none: x.reply is an answer
    std::string failure;             // for the log and the client's error: where and why
    std::string_view code;           // the service's error code, when the answer is an error
    std::string_view region;         // … and the region that S3 says the signature should be for, or the bucket is in
    std::string_view endpoint;       // … and the host that S3's redirect names in its body
    bool whole = false;              // the answer's body lies in the connection's buffer, all of it
    std::size_t body_size = 0;       // … its size there, framing included
    bool is_unknown = false;         // an error, but the service may have carried the request out (RFC 9110 9.2.2)
    bool held_back = false;          // … and therefore it is not sent again, though time and attempts are left
};

// REQUIRES: prepare(x). `current` is the connection in use while this waits, for cancelling it. A kept connection that
// turns out to be dead before a byte of an answer costs no attempt: the request goes out once more on a new one, unless
// the service could have acted on it and may_repeat_blindly says no. Ends by x.give_up.
task<outcome> forward_once(exchange& x, worker& w, upstream_connection*& current);

// The attempt as retry.hpp sees it. `paid` is what the retry before it cost.
attempt describe(const outcome& out, const exchange& x, const worker& w, unsigned paid);

// retry.unknown_outcome of this request: may it go out again where nobody knows what came of it?
bool may_repeat_blindly(const exchange& x, const worker& w);

// Fills x.answer_limit and x.give_up: from now on the time of the upstream counts. REQUIRES: prepare(x).
void begin_time(exchange& x, const worker& w) noexcept;

// The connection after an attempt whose answer is not passed on: kept when its answer is whole, else closed.
void put_away(exchange& x, const outcome& out);

void count_attempt(exchange& x) noexcept;
void count_retry(exchange& x, retry_reason why) noexcept;
retry_reason reason_of(attempt_result r) noexcept; // REQUIRES: not success

} // namespace countersign::proxy
