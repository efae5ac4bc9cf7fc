// Reading of the chunked transfer coding (RFC 9112 7.1), strict and bounded: 1 to 15 hex digits, CRLF only, extensions
// and trailers within limits. Keeps no bytes: it tells which of the bytes given are content. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace countersign::proxy {

class chunked_decoder {
public:
    static constexpr std::uint64_t longest_extensions = 4096; // of all chunks of a message together
    static constexpr std::uint64_t longest_trailers = 8192;   // all lines together

    enum class step : std::uint8_t {
        more,     // `bytes` is used up, the message goes on
        content,  // `content` is a piece of the body; call again for what follows
        trailer,  // its trailers are next, or the empty line behind them (next_before_trailers, take_trailer)
        complete, // the message ended; what is left in `bytes` is not part of it
        broken,   // not a chunked body; nothing after this can be trusted
    };

    // Takes bytes off the front of `bytes`.
    step next(std::string_view& bytes, std::string_view& content) noexcept;

    // The same, but stops in front of each line behind the last chunk.
    step next_before_trailers(std::string_view& bytes, std::string_view& content) noexcept;
    // Takes such a line with its CRLF, in one piece: `line` is empty and nothing is taken (more) as long as it is not
    // all there. REQUIRES: the step before was `trailer`.
    step take_trailer(std::string_view& bytes, std::string_view& line) noexcept;

private:
    enum class state : std::uint8_t {
        size_first,
        size,
        extension,
        size_lf,
        chunk,
        chunk_cr,
        chunk_lf,
        trailer_start,
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf,
        complete,
        broken,
    };
    step advance(std::string_view& bytes, std::string_view& content, bool to_trailers) noexcept;
    state step_over(char c) noexcept;
    state after_size(char c) noexcept;
    state within_trailer(char c) noexcept;

    std::uint64_t left_ = 0;     // of this chunk
    std::uint64_t overhead_ = 0; // bytes of extensions
    std::uint64_t trailers_ = 0;
    std::uint8_t digits_ = 0;
    state state_ = state::size_first;
};

} // namespace countersign::proxy
