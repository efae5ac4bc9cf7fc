// What a request says about its own signature, read leniently, and everything that is wrong with it: the counterpart of
// claim.hpp for people, who want all faults at once. Knows no secret, so it never says that a signature is right.
// Its texts hold no signature and no token; other bytes of the request may stand in them as they came, so whoever
// prints them makes them printable. Pure; any thread; not made for speed.
#pragma once

#include "signer/inspected.hpp"

#include <chrono>

namespace countersign::signer {

inspection inspect(const inspected_request& seen, std::chrono::sys_seconds now);

} // namespace countersign::signer
