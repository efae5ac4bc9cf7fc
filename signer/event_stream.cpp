#include "signer/event_stream.hpp"

#include "signer/crc.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>

namespace countersign::signer {
namespace {

constexpr std::size_t checksum_size = 4;
constexpr std::size_t prelude_size = 8 + checksum_size;
constexpr std::size_t frame_overhead = prelude_size + checksum_size;
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_value = 32767;

template <class Number>
void put_number(Number value, std::string& out) {
    const auto bits = static_cast<std::make_unsigned_t<Number>>(value);
    for (int shift = 8 * (static_cast<int>(sizeof bits) - 1); shift >= 0; shift -= 8) {
        out += static_cast<char>(static_cast<unsigned char>(static_cast<std::uint64_t>(bits) >> shift));
    }
}

// REQUIRES: sizeof(Number) bytes at `at`.
template <class Number>
Number number_at(std::string_view bytes, std::size_t at) noexcept {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
        bits = bits << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return static_cast<Number>(bits);
}

void put_text(unsigned char type, std::string_view text, std::string& out) {
    out += static_cast<char>(type);
    put_number(static_cast<std::uint16_t>(text.size()), out);
    out += text;
}

struct value_writer {
    std::string& out;

    void operator()(bool value) const { out += value ? '\x00' : '\x01'; }
    void operator()(std::int8_t value) const { put(2, value); }
    void operator()(std::int16_t value) const { put(3, value); }
    void operator()(std::int32_t value) const { put(4, value); }
    void operator()(std::int64_t value) const { put(5, value); }
    void operator()(event_bytes value) const { put_text(6, value.bytes, out); }
    void operator()(std::string_view value) const { put_text(7, value, out); }
    void operator()(event_time value) const { put(8, std::int64_t(value.time_since_epoch().count())); }
    void operator()(const event_uuid& value) const {
        out += '\x09';
        out.append(value.begin(), value.end());
    }

    template <class Number>
    void put(char type, Number value) const {
        out += type;
        put_number(value, out);
    }
};

std::size_t text_size(const event_value& value) noexcept {
    const auto* const text = std::get_if<std::string_view>(&value);
    const auto* const bytes = std::get_if<event_bytes>(&value);
    return text != nullptr ? text->size() : bytes != nullptr ? bytes->bytes.size() : 0;
}

// Two of one name, and two readers might each believe another one. The later one; "" where there is none.
std::string_view repeated_name(const std::vector<event_header>& headers) {
    std::vector<const event_header*> order;
    order.reserve(headers.size());
    for (const event_header& header : headers) {
        order.push_back(&header);
    }
    std::sort(order.begin(), order.end(), [](const event_header* a, const event_header* b) {
        return a->name != b->name ? a->name < b->name : a < b;
    });
    const auto twice = std::adjacent_find(order.begin(), order.end(), [](const event_header* a, const event_header* b) {
        return a->name == b->name;
    });
    return twice == order.end() ? std::string_view() : (*std::next(twice))->name;
}

// Reads headers one after another; `at_` is where it stands in the frame, and where a fault is.
class header_reader {
public:
    header_reader(std::string_view frame, std::size_t end) : frame_(frame), end_(end) {}

    event_error read_all(std::vector<event_header>& headers) {
        while (at_ < end_) {
            const std::size_t begin = at_;
            event_header header;
            if (const event_fault fault = read(header); fault != event_fault::none) {
                return {fault, fault == event_fault::header_type ? at_ - 1 : begin};
            }
            headers.push_back(header);
        }
        const std::string_view twice = repeated_name(headers);
        if (twice.empty()) {
            return {};
        }
        return {event_fault::header_twice, static_cast<std::size_t>(twice.data() - frame_.data()) - 1};
    }

private:
    event_fault read(event_header& header) {
        const auto name_size = take<std::uint8_t>();
        if (name_size && *name_size == 0) {
            return event_fault::header_name;
        }
        const auto name = name_size ? take_bytes(*name_size) : std::nullopt;
        const auto type = name ? take<std::uint8_t>() : std::nullopt;
        if (!type) {
            return event_fault::header_cut;
        }
        if (*type > 9) {
            return event_fault::header_type;
        }
        const std::optional<event_value> value = take_value(*type);
        if (!value) {
            return event_fault::header_cut;
        }
        header = {*name, *value};
        return event_fault::none;
    }

    std::optional<event_value> take_value(unsigned type) {
        switch (type) {
        case 0:
        case 1:
            return type == 0;
        case 2:
            return take<std::int8_t>();
        case 3:
            return take<std::int16_t>();
        case 4:
            return take<std::int32_t>();
        case 5:
            return take<std::int64_t>();
        case 8: {
            const auto count = take<std::int64_t>();
            return count ? std::optional<event_value>(event_time(std::chrono::milliseconds(*count))) : std::nullopt;
        }
        case 9: {
            const auto bytes = take_bytes(std::tuple_size_v<event_uuid>);
            event_uuid uuid{};
            if (bytes) {
                std::copy(bytes->begin(), bytes->end(), uuid.begin());
            }
            return bytes ? std::optional<event_value>(uuid) : std::nullopt;
        }
        default:
            break;
        }
        const auto size = take<std::uint16_t>();
        const auto bytes = size ? take_bytes(*size) : std::nullopt;
        if (!bytes) {
            return std::nullopt;
        }
        return type == 6 ? event_value(event_bytes{*bytes}) : event_value(*bytes);
    }

    template <class Number>
    std::optional<Number> take() {
        if (end_ - at_ < sizeof(Number)) {
            return std::nullopt;
        }
        at_ += sizeof(Number);
        return number_at<Number>(frame_, at_ - sizeof(Number));
    }

    std::optional<std::string_view> take_bytes(std::size_t size) {
        if (end_ - at_ < size) {
            return std::nullopt;
        }
        at_ += size;
        return frame_.substr(at_ - size, size);
    }

    std::string_view frame_;
    std::size_t end_;
    std::size_t at_ = prelude_size;
};

// The first twelve bytes alone.
event_error check_prelude(std::string_view prelude, const event_limits& limits) {
    if (crc32(prelude.substr(0, 8)) != number_at<std::uint32_t>(prelude, 8)) {
        return {event_fault::prelude_checksum, 8};
    }
    const std::size_t total = number_at<std::uint32_t>(prelude, 0);
    const std::size_t headers = number_at<std::uint32_t>(prelude, 4);
    if (total < frame_overhead) {
        return {event_fault::bad_length, 0};
    }
    if (headers > total - frame_overhead) {
        return {event_fault::bad_length, 4};
    }
    if (headers > limits.headers) {
        return {event_fault::headers_too_long, 4};
    }
    return total - frame_overhead - headers > limits.payload ? event_error{event_fault::payload_too_long, 0}
                                                             : event_error{};
}

} // namespace

std::string_view to_string(event_fault fault) noexcept {
    constexpr std::array<std::string_view, 11> texts{
        "no fault",
        "the lengths of the frame contradict each other",
        "the headers are longer than permitted",
        "the payload is longer than permitted",
        "the prelude's checksum is wrong",
        "the message's checksum is wrong",
        "a header's name is empty or too long",
        "a header's type is unknown",
        "a header runs over the end of the headers",
        "a header's value is too long",
        "a header stands twice"};
    return texts[static_cast<std::size_t>(fault)];
}

void put_event_header(const event_header& header, std::string& out) {
    out += static_cast<char>(static_cast<unsigned char>(header.name.size()));
    out += header.name;
    std::visit(value_writer{out}, header.value);
}

event_fault encode_event(const event_message& message, const event_limits& limits, std::string& out) {
    std::string headers;
    for (const event_header& header : message.headers) {
        if (header.name.empty() || header.name.size() > longest_name) {
            return event_fault::header_name;
        }
        if (text_size(header.value) > longest_value) {
            return event_fault::header_value;
        }
        put_event_header(header, headers);
    }
    if (!repeated_name(message.headers).empty()) {
        return event_fault::header_twice;
    }
    if (headers.size() > limits.headers) {
        return event_fault::headers_too_long;
    }
    // However high the limit: the total has four bytes.
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    if (message.payload.size() > std::min(limits.payload, most - frame_overhead - headers.size())) {
        return event_fault::payload_too_long;
    }
    const std::size_t begin = out.size();
    out.reserve(begin + frame_overhead + headers.size() + message.payload.size());
    put_number(static_cast<std::uint32_t>(frame_overhead + headers.size() + message.payload.size()), out);
    put_number(static_cast<std::uint32_t>(headers.size()), out);
    put_number(crc32(std::string_view(out).substr(begin)), out);
    out += headers;
    out += message.payload;
    put_number(crc32(std::string_view(out).substr(begin)), out);
    return event_fault::none;
}

event_error decode_event(std::string_view frame, const event_limits& limits, event_message& message) {
    message = {};
    if (frame.size() < frame_overhead) {
        return {event_fault::bad_length, frame.size()};
    }
    if (const event_error bad = check_prelude(frame.substr(0, prelude_size), limits); bad.what != event_fault::none) {
        return bad;
    }
    if (number_at<std::uint32_t>(frame, 0) != frame.size()) {
        return {event_fault::bad_length, 0};
    }
    const std::size_t end = frame.size() - checksum_size;
    if (crc32(frame.substr(0, end)) != number_at<std::uint32_t>(frame, end)) {
        return {event_fault::message_checksum, end};
    }
    const std::size_t headers_end = prelude_size + number_at<std::uint32_t>(frame, 4);
    message.payload = frame.substr(headers_end, end - headers_end);
    return header_reader(frame, headers_end).read_all(message.headers);
}

std::size_t event_decoder::wanted() const noexcept {
    return frame_.size() < prelude_size ? prelude_size : number_at<std::uint32_t>(frame_, 0);
}

event_decoder::state event_decoder::fail(const event_error& error) {
    error_ = {error.what, begin_ + error.position};
    message_ = {};
    frame_ = {};
    return state::broken;
}

event_decoder::state event_decoder::feed(std::string_view& input) {
    if (error_.what != event_fault::none) {
        return state::broken;
    }
    if (is_delivered_) {
        begin_ += frame_.size();
        frame_.clear();
        message_ = {};
        is_delivered_ = false;
    }
    while (frame_.size() < wanted()) {
        const std::string_view part = input.substr(0, wanted() - frame_.size());
        if (part.empty()) {
            return state::more;
        }
        const bool was_short = frame_.size() < prelude_size;
        frame_ += part;
        input.remove_prefix(part.size());
        if (was_short && frame_.size() == prelude_size) {
            if (const event_error bad = check_prelude(frame_, limits_); bad.what != event_fault::none) {
                return fail(bad);
            }
        }
    }
    if (const event_error bad = decode_event(frame_, limits_, message_); bad.what != event_fault::none) {
        return fail(bad);
    }
    is_delivered_ = true;
    return state::message;
}

} // namespace countersign::signer
