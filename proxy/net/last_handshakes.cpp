#include "proxy/net/last_handshakes.hpp"

#include <array>
#include <cstdint>
#include <linux/filter.h>
#include <sys/socket.h>

namespace countersign::proxy {

bool ignore_new_handshakes(int listener) noexcept {
    constexpr unsigned flags_at = 13; // RFC 9293 3.1
    constexpr unsigned syn = 0x02;
    constexpr unsigned ack = 0x10;
    std::array<sock_filter, 5> program{{
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, flags_at},
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, syn | ack},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, syn},
        {BPF_RET | BPF_K, 0, 0, 0},                // none of it
        {BPF_RET | BPF_K, 0, 0, std::uint32_t(-1)} // all of it
    }};
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

} // namespace countersign::proxy
