#include "signer/event_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace countersign::signer {
namespace event_stream_test {

using testing::ElementsAre;
using testing::IsEmpty;

std::string bytes_of(std::initializer_list<unsigned char> bytes) {
    return {bytes.begin(), bytes.end()};
}

// The published vectors of AWS's event-stream libraries (aws-c-event-stream, aws-sdk-js).
const std::string empty_frame = bytes_of({0, 0, 0, 16, 0, 0, 0, 0, 5, 194, 72, 235, 125, 152, 200, 255});
const std::string payload_frame = bytes_of({0,   0,   0,  29, 0,  0,  0,  0,   253, 82,  140, 90,  123, 39, 102,
                                            111, 111, 39, 58, 39, 98, 97, 114, 39,  125, 195, 101, 57,  54});
const std::string number_frame =
    bytes_of({0, 0, 0, 45,  0,  0,   0,  16,  65,  196, 36, 184, 10, 101, 118, 101, 110, 116, 45, 116, 121, 112, 101,
              4, 0, 0, 160, 12, 123, 39, 102, 111, 111, 39, 58,  39, 98,  97,  114, 39,  125, 54, 244, 128, 160});
const std::string string_frame =
    bytes_of({0,   0,   0,   61,  0,   0,   0,   32, 7,   253, 131, 150, 12,  99, 111, 110, 116, 101, 110, 116, 45,
              116, 121, 112, 101, 7,   0,   16,  97, 112, 112, 108, 105, 99,  97, 116, 105, 111, 110, 47,  106, 115,
              111, 110, 123, 39,  102, 111, 111, 39, 58,  39,  98,  97,  114, 39, 125, 141, 156, 8,   177});
constexpr std::string_view body = "{'foo':'bar'}";

event_message decoded(const std::string& frame) {
    event_message message;
    const event_error error = decode_event(frame, {}, message);
    EXPECT_EQ(error.what, event_fault::none) << to_string(error.what) << " at " << error.position;
    return message;
}

std::string encoded(const event_message& message, const event_limits& limits = {}) {
    std::string frame;
    EXPECT_EQ(encode_event(message, limits, frame), event_fault::none);
    return frame;
}

TEST(EventStream, DecodesThePublishedFrames) {
    EXPECT_THAT(decoded(empty_frame).headers, IsEmpty());
    EXPECT_EQ(decoded(empty_frame).payload, "");
    EXPECT_EQ(decoded(payload_frame).payload, body);
    EXPECT_THAT(decoded(number_frame).headers, ElementsAre(event_header{"event-type", std::int32_t(0xa00c)}));
    EXPECT_EQ(decoded(number_frame).payload, body);
    EXPECT_THAT(
        decoded(string_frame).headers, ElementsAre(event_header{"content-type", std::string_view("application/json")})
    );
}

TEST(EventStream, EncodesThePublishedFrames) {
    EXPECT_EQ(encoded({}), empty_frame);
    EXPECT_EQ(encoded({{}, body}), payload_frame);
    EXPECT_EQ(encoded({{{"event-type", std::int32_t(0xa00c)}}, body}), number_frame);
    EXPECT_EQ(encoded({{{"content-type", std::string_view("application/json")}}, body}), string_frame);
}

TEST(EventStream, RefusesThePublishedBrokenFrames) {
    const auto fault = [](std::string frame, std::size_t at, unsigned char byte) {
        frame[at] = static_cast<char>(byte);
        event_message message;
        return decode_event(frame, {}, message);
    };
    EXPECT_EQ(fault(string_frame, 19, '+').what, event_fault::message_checksum);  // corrupted_headers
    EXPECT_EQ(fault(string_frame, 6, 1).what, event_fault::prelude_checksum);     // corrupted_header_len
    EXPECT_EQ(fault(payload_frame, 0, 1).what, event_fault::prelude_checksum);    // corrupted_length
    EXPECT_EQ(fault(payload_frame, 24, 141).what, event_fault::message_checksum); // corrupted_payload
    EXPECT_EQ(fault(payload_frame, 24, 141).position, 25u);
}

TEST(EventStream, CarriesEachTypeOfHeader) {
    event_uuid uuid{};
    for (unsigned char i = 0; i < uuid.size(); ++i) {
        uuid[i] = i;
    }
    event_message message;
    message.headers = {
        {"true", true},
        {"false", false},
        {"byte", std::int8_t(-1)},
        {"short", std::int16_t(-2)},
        {"int", std::int32_t(-3)},
        {"long", std::int64_t(8675309)},
        {"bytes", event_bytes{std::string_view("\0\xff", 2)}},
        {"string", std::string_view("utf-8: \xc3\xa4")},
        {"time", event_time(std::chrono::milliseconds(8675309))},
        {"uuid", uuid},
    };
    message.payload = body;
    const std::string frame = encoded(message);
    EXPECT_THAT(decoded(frame).headers, testing::ElementsAreArray(message.headers));
    EXPECT_EQ(decoded(frame).payload, body);
}

// :date of 123456789 s, from the standard's own description: name, type 8, milliseconds.
TEST(EventStream, WritesOneHeaderAsItStandsInAFrame) {
    std::string header;
    put_event_header({":date", event_time(std::chrono::seconds(123456789))}, header);
    EXPECT_EQ(header, bytes_of({5, ':', 'd', 'a', 't', 'e', 8, 0, 0, 0, 0x1c, 0xbe, 0x99, 0x1a, 0x08}));
}

TEST(EventStream, EncodesOnlyWhatReadersTake) {
    std::string frame = "kept";
    const auto fault = [&](const event_message& message, const event_limits& limits = {}) {
        return encode_event(message, limits, frame);
    };
    const std::string long_name(256, 'n'), long_value(32768, 'v');
    EXPECT_EQ(fault({{{"", true}}, ""}), event_fault::header_name);
    EXPECT_EQ(fault({{{long_name, true}}, ""}), event_fault::header_name);
    EXPECT_EQ(fault({{{"a", std::string_view(long_value)}}, ""}), event_fault::header_value);
    EXPECT_EQ(fault({{{"a", event_bytes{long_value}}}, ""}), event_fault::header_value);
    EXPECT_EQ(fault({{{"a", true}, {"b", true}, {"a", true}}, ""}), event_fault::header_twice);
    EXPECT_EQ(fault({{{"ab", true}}, ""}, {3, 10}), event_fault::headers_too_long);
    EXPECT_EQ(fault({{{"a", true}}, "12345678901"}, {3, 10}), event_fault::payload_too_long);
    EXPECT_EQ(frame, "kept");
    EXPECT_EQ(fault({{{"a", true}}, "1234567890"}, {3, 10}), event_fault::none);
}

// A frame with true checksums around any headers.
std::string framed(const std::string& headers) {
    // The payload of an honest frame is moved into the headers: same bytes, another length, new checksums.
    const std::string honest = encoded({{}, headers});
    std::string frame = honest;
    const auto put = [&](std::size_t at, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i) {
            frame[at + i] = static_cast<char>(value >> (24 - 8 * i));
        }
    };
    const auto checksum = [](std::string_view bytes) { // bit by bit, unlike the one under test
        std::uint32_t state = 0xffffffffu;
        for (const char c : bytes) {
            state ^= static_cast<unsigned char>(c);
            for (int bit = 0; bit < 8; ++bit) {
                state = (state & 1) != 0 ? state >> 1 ^ 0xedb88320u : state >> 1;
            }
        }
        return ~state;
    };
    put(4, static_cast<std::uint32_t>(headers.size()));
    put(8, checksum(std::string_view(frame).substr(0, 8)));
    put(frame.size() - 4, checksum(std::string_view(frame).substr(0, frame.size() - 4)));
    return frame;
}

TEST(EventStream, SaysWhichByteIsAtFault) {
    struct row {
        std::string headers;
        event_fault what;
        std::uint64_t position;
    };
    using std::string_literals::operator""s;
    for (const row& r : {
             row{"\0"s, event_fault::header_name, 12},
             {"\1a\0\0"s, event_fault::header_name, 15},
             {"\1a\x0a"s, event_fault::header_type, 14},
             {"\1a\xff"s, event_fault::header_type, 14},
             {"\1a\0\1b"s, event_fault::header_cut, 15},
             {"\5a\0"s, event_fault::header_cut, 12},
             {"\1a\2"s, event_fault::header_cut, 12},
             {"\1a\3\0"s, event_fault::header_cut, 12},
             {"\1a\4\0\0\0"s, event_fault::header_cut, 12},
             {"\1a\5\0\0\0\0\0\0\0"s, event_fault::header_cut, 12},
             {"\1a\6\0\2x"s, event_fault::header_cut, 12},
             {"\1a\7\xff\xff"s, event_fault::header_cut, 12},
             {"\1a\x08\0\0\0\0\0\0\0"s, event_fault::header_cut, 12},
             {"\1a\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s, event_fault::header_cut, 12},
             {"\1a\0\1b\0\1a\1"s, event_fault::header_twice, 18},
         }) {
        event_message message;
        const event_error error = decode_event(framed(r.headers), {}, message);
        EXPECT_EQ(error.what, r.what) << to_string(error.what);
        EXPECT_EQ(error.position, r.position) << to_string(r.what);
    }
    event_message message;
    EXPECT_EQ(decode_event("", {}, message).what, event_fault::bad_length);
    EXPECT_EQ(decode_event(payload_frame + "x", {}, message).what, event_fault::bad_length);
    EXPECT_EQ(decode_event(number_frame, {15, 100}, message).what, event_fault::headers_too_long);
    EXPECT_EQ(decode_event(number_frame, {16, 12}, message).what, event_fault::payload_too_long);
    EXPECT_EQ(decode_event(number_frame, {16, 13}, message).what, event_fault::none);
}

TEST(EventDecoder, TakesFramesApartHoweverTheyArrive) {
    const std::string stream = number_frame + empty_frame + string_frame + payload_frame;
    for (const std::size_t step : {std::size_t(1), std::size_t(3), std::size_t(17), stream.size()}) {
        event_decoder decoder;
        std::vector<std::string> frames;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            std::string_view input = std::string_view(stream).substr(at, step);
            while (decoder.feed(input) == event_decoder::state::message) {
                frames.emplace_back(decoder.frame());
                EXPECT_TRUE(decoder.is_between_frames());
            }
            EXPECT_TRUE(input.empty());
        }
        EXPECT_THAT(frames, ElementsAre(number_frame, empty_frame, string_frame, payload_frame));
        EXPECT_TRUE(decoder.is_between_frames());
    }
}

TEST(EventDecoder, KnowsAStreamThatWasCutOff) {
    event_decoder decoder;
    EXPECT_TRUE(decoder.is_between_frames());
    std::string_view input = std::string_view(payload_frame).substr(0, 20);
    EXPECT_EQ(decoder.feed(input), event_decoder::state::more);
    EXPECT_FALSE(decoder.is_between_frames());
}

TEST(EventDecoder, CountsPositionsFromTheBeginningOfTheStream) {
    std::string stream = number_frame + payload_frame;
    stream[number_frame.size() + 8] ^= 1;
    event_decoder decoder;
    std::string_view input = stream;
    EXPECT_EQ(decoder.feed(input), event_decoder::state::message);
    EXPECT_EQ(decoder.feed(input), event_decoder::state::broken);
    EXPECT_EQ(decoder.error().what, event_fault::prelude_checksum);
    EXPECT_EQ(decoder.error().position, number_frame.size() + 8);
    std::string_view more = payload_frame;
    EXPECT_EQ(decoder.feed(more), event_decoder::state::broken);
}

TEST(EventDecoder, RefusesATooLongFrameByItsPreludeAlone) {
    const std::string frame = encoded({{}, std::string(1000, 'x')});
    event_decoder decoder({128, 999});
    std::string_view input = std::string_view(frame).substr(0, 12);
    EXPECT_EQ(decoder.feed(input), event_decoder::state::broken);
    EXPECT_EQ(decoder.error().what, event_fault::payload_too_long);
    EXPECT_EQ(decoder.error().position, 0u);
}

} // namespace event_stream_test
} // namespace countersign::signer
