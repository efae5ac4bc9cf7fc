// Encodes, decodes and signs event-stream frames as JSON lines on standard input say, one answer a line: our side of
// the comparison with AWS's SDK for JavaScript (smithy_events_test.py). Not part of countersign. Bytes are in hex,
// numbers are texts, for JSON's numbers do not hold 64 bits.
#include "signer/date.hpp"
#include "signer/event_signer.hpp"
#include "signer/event_stream.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <deque>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>

namespace {

using namespace countersign::signer;
namespace json = boost::json;

std::string_view text(const json::value& from) {
    return from.as_string();
}

std::string hex(std::string_view bytes) {
    std::string digits(2 * bytes.size(), '\0');
    write_hex(std::span(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), digits.data());
    return digits;
}

template <class Number>
Number number(std::string_view digits, int base = 10) {
    Number value{};
    const auto end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, value, base).ptr != end) {
        throw std::runtime_error("no number of this size: " + std::string(digits));
    }
    return value;
}

std::string bytes(std::string_view digits) {
    std::string all;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        all += static_cast<char>(number<unsigned char>(digits.substr(i, 2), 16));
    }
    return all;
}

event_uuid uuid(std::string_view written) {
    std::string digits(written);
    digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
    event_uuid value{};
    std::ranges::copy(bytes(digits), value.begin());
    return value;
}

// `kept` holds the bytes that values are views of.
event_value value_of(std::string_view type, std::string_view said, std::deque<std::string>& kept) {
    if (type == "boolean") {
        return said == "true";
    }
    if (type == "byte") {
        return number<std::int8_t>(said);
    }
    if (type == "short") {
        return number<std::int16_t>(said);
    }
    if (type == "integer") {
        return number<std::int32_t>(said);
    }
    if (type == "long") {
        return number<std::int64_t>(said);
    }
    if (type == "timestamp") {
        return event_time(std::chrono::milliseconds(number<std::int64_t>(said)));
    }
    if (type == "uuid") {
        return uuid(said);
    }
    if (type == "binary") {
        return event_bytes{kept.emplace_back(bytes(said))};
    }
    return said;
}

// Type and value as a question has them.
struct teller {
    json::array operator()(bool v) const { return {"boolean", v ? "true" : "false"}; }
    json::array operator()(std::int8_t v) const { return {"byte", std::to_string(v)}; }
    json::array operator()(std::int16_t v) const { return {"short", std::to_string(v)}; }
    json::array operator()(std::int32_t v) const { return {"integer", std::to_string(v)}; }
    json::array operator()(std::int64_t v) const { return {"long", std::to_string(v)}; }
    json::array operator()(event_bytes v) const { return {"binary", hex(v.bytes)}; }
    json::array operator()(std::string_view v) const { return {"string", json::string(v)}; }
    json::array operator()(event_time v) const { return {"timestamp", std::to_string(v.time_since_epoch().count())}; }
    json::array operator()(const event_uuid& v) const {
        std::string digits = hex(std::string_view(reinterpret_cast<const char*>(v.data()), v.size()));
        for (const std::size_t at : {20u, 16u, 12u, 8u}) {
            digits.insert(at, "-");
        }
        return {"uuid", json::string(digits)};
    }
};

json::object encode(const json::object& ask) {
    std::deque<std::string> kept;
    event_message message;
    for (const json::value& h : ask.at("headers").as_array()) {
        message.headers.push_back({text(h.at(0)), value_of(text(h.at(1)), text(h.at(2)), kept)});
    }
    message.payload = kept.emplace_back(bytes(text(ask.at("payload"))));
    std::string frame;
    const event_fault fault = encode_event(message, {}, frame);
    return {{"frame", hex(frame)}, {"fault", to_string(fault)}};
}

// The stream arrives in pieces of the size that is asked for.
json::object decode(const json::object& ask) {
    const std::string stream = bytes(text(ask.at("stream")));
    const auto piece = static_cast<std::size_t>(ask.at("piece").as_int64());
    event_decoder decoder;
    json::array messages;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        std::string_view input = std::string_view(stream).substr(at, piece);
        while (decoder.feed(input) == event_decoder::state::message) {
            json::array headers;
            for (const event_header& h : decoder.message().headers) {
                json::array told = std::visit(teller(), h.value);
                told.insert(told.begin(), json::string(h.name));
                headers.push_back(std::move(told));
            }
            messages.push_back(json::object{{"headers", headers}, {"payload", hex(decoder.message().payload)}});
        }
    }
    return {{"messages", messages}, {"whole", decoder.is_between_frames()}, {"fault", to_string(decoder.error().what)}};
}

json::object wrap(const json::object& ask) {
    const scope where{text(ask.at("service")), text(ask.at("region"))};
    key_cache keys;
    const auto key_of = [&](std::string_view day) -> const signing_key& {
        return keys.find(text(ask.at("access_key_id")), text(ask.at("secret")), day, where.region, where.service);
    };
    event_signer signer(text(ask.at("seed")), where, key_of);
    json::array frames;
    for (const json::value& frame : ask.at("frames").as_array()) {
        std::string made;
        signer.wrap(bytes(text(frame.at("payload"))), *parse_date(text(frame.at("time"))), made);
        frames.push_back(json::string(hex(made)));
    }
    return {{"frames", frames}};
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const json::value ask = json::parse(line);
        const std::string_view what = text(ask.at("what"));
        const auto answer = what == "encode" ? encode : what == "decode" ? decode : wrap;
        std::cout << json::serialize(answer(ask.as_object())) << '\n';
    }
}
