// An error answer before it is passed on: its body is short and says what kind of error it is, so it is read first. A
// 200 of S3's that may hold an error (rules/hidden_error.hpp) is held back until that is known. On the worker's thread.
#pragma once

#include "proxy/net/task.hpp"
#include "proxy/stages.hpp"

#include <memory_resource>

namespace countersign::proxy {

// Is there something in this answer's body that decides what is done next?
bool is_worth_reading(const answer& a, const plan& where) noexcept;

// Reads the body of out.reply as far as it fits into the connection's buffer and comes within `deadline`, and fills
// out.code, out.region, out.endpoint, out.is_whole, out.body_size and out.body_end. What has not come by then is passed
// on as it comes. A body that breaks off becomes out.error. `is_head`: the answer to a HEAD. REQUIRES:
// is_worth_reading; the connection's bytes begin with the head.
task<> read_error(outcome& out, bool is_head, steady_time deadline, std::pmr::memory_resource& memory);

// Reads on until the body of out.reply is known to be an error or none, at most until `deadline`: then, and beyond
// 64 KiB, it is passed on as it comes. Of an error it reads all and fills what read_error fills, and
// out.is_error_inside. A body that breaks off becomes out.error. `room` is that of the head, which is parsed anew when
// its bytes have to move. REQUIRES: may_hide_error; the connection's bytes begin with the head.
task<> read_hidden_error(outcome& out, field_array& room, steady_time deadline, std::pmr::memory_resource& memory);

} // namespace countersign::proxy
