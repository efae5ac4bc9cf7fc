// What the process as a whole asks of the system before it touches a secret or a socket.
#pragma once

namespace countersign::proxy {

// No core dumps and no tracing by other users (keys are in memory), as many descriptors as the hard limit allows,
// SIGPIPE ignored. Call once, before threads.
void harden_process() noexcept;

} // namespace countersign::proxy
