// One attempt: a connection, the signed request on it, and the head of the answer back. What came of it is a value
// (outcome); whether there is another attempt is decided elsewhere (retry.hpp), passing the answer on too (relay.hpp).
#pragma once

#include "proxy/exchange.hpp"
#include "proxy/retry.hpp"
#include "proxy/task.hpp"

#include <string>
#include <string_view>

namespace countersign::proxy {

class worker;

struct outcome {
    errc error = errc::none;   // none: x.reply is an answer
    std::string failure;       // for the log and the client's error: where and why
    std::string_view code;     // the service's error code, when the answer is an error
    std::string_view region;   // … and the region that S3 says the signature should be for
    bool whole = false;        // the answer's body lies in the connection's buffer, all of it
    std::size_t body_size = 0; // … its size there, framing included
};

// REQUIRES: prepare(x). `current` is the connection in use while this waits, for cancelling it. A kept connection that
// turns out to be dead before a byte of an answer costs no attempt: the request goes out once more on a new one.
task<outcome> forward_once(exchange& x, worker& w, upstream_connection*& current);

// The attempt as retry.hpp sees it. `paid` is what the retry before it cost.
attempt describe(const outcome& out, const exchange& x, unsigned paid) noexcept;

// The connection after an attempt whose answer is not passed on: kept when its answer is whole, else closed.
void put_away(exchange& x, const outcome& out);

void count_attempt(exchange& x) noexcept;
void count_retry(exchange& x, retry_reason why) noexcept;
retry_reason reason_of(attempt_result r) noexcept; // REQUIRES: not success

} // namespace countersign::proxy
