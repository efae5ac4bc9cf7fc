// Which bytes of an answer's body go to the client, framed as it is told (RFC 9112 6.3, 7.1). Pure: bytes in, pieces
// out.
#pragma once

#include "proxy/http/answer_head.hpp"
#include "proxy/http/chunked.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace countersign::proxy {

class body_relay {
public:
    enum class state : std::uint8_t { more, complete, broken };

    struct piece {
        std::string_view before, content, after; // to be written, in this order
        std::size_t consumed = 0;                // of the bytes given
        state then = state::more;
    };

    body_relay(answer_framing from, std::uint64_t length, client_framing to) noexcept
        : from_(from), to_(to), left_(length) {}

    // What can be passed on of `bytes`, the next ones of the body. The views point into `bytes` and into *this.
    piece next(std::string_view bytes) noexcept;
    // The upstream's connection ended in an orderly way.
    piece end() noexcept;

private:
    bool goes_on(std::string_view line) const noexcept;
    piece next_chunked(std::string_view bytes) noexcept;
    piece next_dechunked(std::string_view bytes) noexcept;
    piece next_until_close(std::string_view bytes) noexcept;

    answer_framing from_;
    client_framing to_;
    std::uint64_t left_;
    chunked_decoder decoder_;
    char size_line_[20];
};

} // namespace countersign::proxy
