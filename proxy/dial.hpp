// A new upstream connection: the name looked up, whichever address answers first, TLS where the plan says so. Runs on
// the worker's thread.
#pragma once

#include "proxy/net/task.hpp"
#include "proxy/upstream_connection.hpp"
#include "proxy/worker_state.hpp"

#include <string>

namespace countersign::proxy {

// Within the configured time-outs, and by `deadline`. `failure` then says where and why. io_error::none,
// resolve_failed, address_refused, connect_failed (or as good as that: worth another attempt), tls_failed, timed_out,
// cancelled.
task<io_error>
dial(worker_state& w, destination& d, upstream_connection& c, steady_time deadline, std::string& failure);

} // namespace countersign::proxy
