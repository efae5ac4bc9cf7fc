// How a listening socket is closed without losing a client that was connected before.
#pragma once

namespace countersign::proxy {

// From here on the listening socket drops what would begin a handshake (SYN without ACK), as if it had been lost on the
// way: its client repeats it after a second, and is refused then or finds our successor. Handshakes that have begun
// come to their end. False where the kernel has no such filters: then nothing has changed. Any thread.
bool ignore_new_handshakes(int listener) noexcept;

} // namespace countersign::proxy
