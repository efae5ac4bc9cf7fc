// An error answer before it is passed on: its body is short and says what kind of error it is, so it is read first.
#pragma once

#include "proxy/attempt.hpp"

namespace countersign::proxy {

// Is there something in this answer's body that decides what is done next?
bool is_worth_reading(const exchange& x) noexcept;

// Reads the body of x.reply as far as it fits into the connection's buffer and comes within `deadline`, and fills
// out.code, out.region, out.endpoint, out.whole and out.body_size. What has not come by then is passed on as it comes.
// A body that breaks off becomes out.error. REQUIRES: is_worth_reading(x), x.connection holds the head.
task<> read_error(exchange& x, steady_time deadline, outcome& out);

} // namespace countersign::proxy
