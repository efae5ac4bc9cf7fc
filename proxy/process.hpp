// What the process as a whole asks of the system before it touches a secret or a socket, and how many descriptors it
// has.
#pragma once

#include "conf/config.hpp"

#include <cstdint>

namespace countersign::proxy {

// No core dumps and no tracing by other users: keys are in memory, which is locked where that is allowed. The first
// thing in every command that has keys.
void forbid_core_dumps() noexcept;

// The same and, for a server, as many descriptors as the hard limit allows, SIGPIPE and SIGXFSZ ignored. Call once,
// before threads.
void harden_process() noexcept;

// The limit that is in force; the greatest number when there is none.
std::uint64_t most_descriptors() noexcept;

// How many clients may be connected at once so that each finds a descriptor for its connection upstream. At least 1.
unsigned clients_that_fit(std::uint64_t descriptors, unsigned workers, unsigned listeners) noexcept;

// The same for these listeners, with a warning where that is fewer than max_connections.
unsigned limit_clients(const conf::listen_settings& listen, unsigned workers);

// One descriptor that is kept for the moment when there is none: given up, it lets a client be accepted and told so.
// One thread. Where none could be had, nobody is turned away.
class spare_descriptor {
public:
    spare_descriptor() noexcept;
    ~spare_descriptor();
    spare_descriptor(const spare_descriptor&) = delete;
    spare_descriptor& operator=(const spare_descriptor&) = delete;

    // Answers 503 to the first in the queue of this listening socket, without waiting. False: there was nobody.
    bool turn_one_away(int listener) noexcept;

private:
    int number_ = -1;
};

} // namespace countersign::proxy
