// AWS's event-stream frames (application/vnd.amazon.eventstream), as Transcribe, Lex, S3 Select and Bedrock speak them:
//     total length, headers length, CRC-32 of these eight bytes | headers | payload | CRC-32 of all before it
// each number four bytes, big-endian. Says where in the stream a fault is. Must never hold more than one frame of the
// permitted size. Pure; any thread, one decoder for one stream. Standard: "Event stream encoding" in the Transcribe
// guide and smithy.io's "Amazon Event Stream" specification.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::signer {

struct event_bytes {
    std::string_view bytes;
    friend bool operator==(const event_bytes&, const event_bytes&) = default;
};
using event_time = std::chrono::sys_time<std::chrono::milliseconds>;
using event_uuid = std::array<unsigned char, 16>;

// Types 0 and 1 (true, false), 2 byte, 3 short, 4 integer, 5 long, 6 byte array, 7 string, 8 timestamp, 9 UUID.
using event_value = std::variant<
    bool,
    std::int8_t,
    std::int16_t,
    std::int32_t,
    std::int64_t,
    event_bytes,
    std::string_view,
    event_time,
    event_uuid>;

struct event_header {
    std::string_view name;
    event_value value;
    friend bool operator==(const event_header&, const event_header&) = default;
};

struct event_message {
    std::vector<event_header> headers;
    std::string_view payload;
};

struct event_limits {
    std::size_t headers = 128 * 1024;
    std::size_t payload = 24 * 1024 * 1024;
};

enum class event_fault : std::uint8_t {
    none,
    bad_length,       // a total below 16, or headers that do not fit into it
    headers_too_long, // above the limit
    payload_too_long, // above the limit
    prelude_checksum,
    message_checksum,
    header_name,  // empty; when encoding also above 255 bytes
    header_type,  // above 9
    header_cut,   // a header runs over the end of the headers
    header_value, // encoding only: a string or byte array above 32767 bytes
    header_twice,
};
std::string_view to_string(event_fault fault) noexcept;

struct event_error {
    event_fault what = event_fault::none;
    std::uint64_t position = 0; // of the first byte that is at fault, from the beginning of the stream (or frame)
};

// Appends the frame to `out`; on a fault `out` stays as it was.
event_fault encode_event(const event_message& message, const event_limits& limits, std::string& out);

// One header as it stands in a frame. REQUIRES: a name of 1 to 255 bytes, a value that fits.
void put_event_header(const event_header& header, std::string& out);

// `frame` is one whole frame, nothing more. The message's views point into it.
event_error decode_event(std::string_view frame, const event_limits& limits, event_message& message);

// Takes a stream apart as it arrives. Its memory grows with the bytes that came, never ahead of them.
class event_decoder {
public:
    enum class state : std::uint8_t { more, message, broken };

    explicit event_decoder(const event_limits& limits = {}) : limits_(limits) {}

    // Takes bytes off the front of `input`. more: all were taken. message: message() and frame() are good until the
    // next call; `input` holds what follows. broken: for good, see error().
    state feed(std::string_view& input);

    const event_message& message() const noexcept { return message_; }
    std::string_view frame() const noexcept { return frame_; }
    const event_error& error() const noexcept { return error_; }

    // A stream may end here; anywhere else it was cut off.
    bool is_between_frames() const noexcept { return frame_.empty() || is_delivered_; }

private:
    state fail(const event_error& error);
    std::size_t wanted() const noexcept;

    event_limits limits_;
    std::string frame_;
    bool is_delivered_ = false;
    std::uint64_t begin_ = 0; // of the frame, in the stream
    event_message message_;
    event_error error_;
};

} // namespace countersign::signer
