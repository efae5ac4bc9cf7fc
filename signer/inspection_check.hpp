// The second half of inspect(): what the parts of a signature, each read well, say against each other, the request, the
// host and the time. Adds to the faults and notes. Pure; any thread.
#pragma once

#include "signer/inspected.hpp"

namespace countersign::signer {

// REQUIRES: found.is_signed.
void check_inspection(const inspected_request& seen, std::chrono::sys_seconds now, inspection& found);

} // namespace countersign::signer
