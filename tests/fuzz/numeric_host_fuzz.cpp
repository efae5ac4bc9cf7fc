// Whatever the C library takes for an address without asking a name server, is_numeric_host knows.
#include "proxy/net/address.hpp"

#include <arpa/inet.h>
#include <cstdint>
#include <cstdlib>
#include <netdb.h>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string host(reinterpret_cast<const char*>(bytes), size);
    const bool numeric = countersign::proxy::is_numeric_host(host);
    // A C string ends at NUL, and inet_aton stops at a blank: neither can be part of a host.
    if (host.empty() || host.find_first_of(std::string_view("\0 \t\n\v\f\r", 7)) != std::string::npos)
        return 0;
    in_addr v4{};
    if (inet_aton(host.c_str(), &v4) != 0 && !numeric)
        std::abort();
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &found) == 0) {
        freeaddrinfo(found);
        if (!numeric)
            std::abort();
    }
    return 0;
}
