// What the process as a whole asks of the system before it touches a secret or a socket.
#pragma once

namespace countersign::proxy {

// No core dumps and no tracing by other users: keys are in memory, which is locked where that is allowed. The first thing
// in every command that has keys.
void forbid_core_dumps() noexcept;

// The same and, for a server, as many descriptors as the hard limit allows, SIGPIPE ignored. Call once, before threads.
void harden_process() noexcept;

} // namespace countersign::proxy
