// Whether this process can sign for whoever asks, as /readyz tells it. A plain value.
#pragma once

#include <cstdint>
#include <string>

namespace countersign::proxy {

enum class readiness_state : std::uint8_t { ready, draining, no_credentials, expired_credentials };

struct readiness {
    readiness_state state = readiness_state::ready;
    std::string error; // of the last load of credentials, "" when it succeeded; one line, no secret
};

} // namespace countersign::proxy
