// A worker's requests without a network: the real client connections, exchanges, pool, retries and bodies over scripted
// sockets and a scripted clock, one thread, nothing that is not decided by a seed. Clients ask for bodies that name
// them, services answer well, badly, late or not at all, and the sockets read short, write short, break and lie.
#pragma once

#include <cstdint>
#include <string>

namespace countersign::tests {

// Plays the scenario of that number to its end. "": all that must hold did hold; else what did not.
std::string simulate(std::uint64_t seed);

} // namespace countersign::tests
