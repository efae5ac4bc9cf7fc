// Event-stream frames come from strangers. What is decoded in pieces must be what is decoded at once, and what was
// decoded must encode to the same bytes.
#include "signer/event_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace countersign::signer;

namespace {

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

// Mutations seldom hit a checksum: put right ones in, so that what is behind them is reached too.
std::string with_checksums(std::string frame) {
    const auto put = [&](std::size_t at, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i) {
            frame[at + i] = static_cast<char>(value >> (24 - 8 * i));
        }
    };
    const auto checksum = [](std::string_view bytes) {
        std::uint32_t state = 0xffffffffu;
        for (const char c : bytes) {
            state ^= static_cast<unsigned char>(c);
            for (int bit = 0; bit < 8; ++bit) {
                state = (state & 1) != 0 ? state >> 1 ^ 0xedb88320u : state >> 1;
            }
        }
        return ~state;
    };
    if (frame.size() >= 16) {
        put(0, static_cast<std::uint32_t>(frame.size()));
        put(8, checksum(std::string_view(frame).substr(0, 8)));
        put(frame.size() - 4, checksum(std::string_view(frame).substr(0, frame.size() - 4)));
    }
    return frame;
}

void check_frame(std::string_view frame, const event_message& message) {
    std::string again;
    const event_fault fault = encode_event(message, {}, again);
    require(fault == event_fault::none ? again == frame : fault == event_fault::header_value);
}

void decode_stream(const std::string& stream, std::size_t step) {
    event_decoder whole, pieces;
    std::string_view all = stream;
    std::size_t at = 0;
    std::string_view piece;
    while (true) {
        const auto state = whole.feed(all);
        auto other = pieces.feed(piece);
        while (other == event_decoder::state::more && at < stream.size()) {
            piece = std::string_view(stream).substr(at, step);
            at += piece.size();
            other = pieces.feed(piece);
        }
        require(state == other && whole.error().what == pieces.error().what);
        require(whole.error().position == pieces.error().position && whole.frame() == pieces.frame());
        if (state != event_decoder::state::message) {
            require(state == event_decoder::state::more || whole.error().position <= stream.size());
            return;
        }
        check_frame(whole.frame(), whole.message());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(bytes), size);
    const std::size_t step = size == 0 ? 1 : bytes[0] % 19 + 1u;
    decode_stream(text, step);
    const std::string frame = with_checksums(text);
    decode_stream(frame + frame + text, step);
    event_message message;
    const event_error error = decode_event(frame, {}, message);
    require(error.position <= frame.size());
    if (error.what == event_fault::none) {
        check_frame(frame, message);
    }
    return 0;
}
