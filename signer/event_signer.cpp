#include "signer/event_signer.hpp"

#include "signer/date.hpp"
#include "signer/sha256.hpp"

#include <utility>

namespace countersign::signer {
namespace {

std::string hex_of(const digest& value) {
    std::string hex(2 * value.size(), '\0');
    write_hex(value, hex.data());
    return hex;
}

} // namespace

digest sign_event(
    std::string_view previous,
    std::string_view date_header,
    std::string_view payload,
    std::chrono::sys_seconds when,
    const scope& where,
    const signing_key& key
) {
    const date_text date(when);
    std::string text = "AWS4-HMAC-SHA256-PAYLOAD\n";
    text.append(date.date()).append("\n");
    text.append(date.day())
        .append("/")
        .append(where.region)
        .append("/")
        .append(where.service)
        .append("/aws4_request\n");
    text.append(previous).append("\n");
    text.append(hex_of(sha256_of(date_header))).append("\n");
    text.append(hex_of(sha256_of(payload)));
    return key.mac(text);
}

event_signer::event_signer(std::string_view seed, const scope& where, key_lookup keys, const event_limits& limits)
    : previous_(seed), service_(where.service), region_(where.region), keys_(std::move(keys)), limits_(limits) {}

event_fault event_signer::wrap(std::string_view message, std::chrono::sys_seconds when, std::string& out) {
    if (message.size() > limits_.payload) {
        return event_fault::payload_too_long;
    }
    const event_header date{":date", event_time(when)};
    std::string date_header;
    put_event_header(date, date_header);
    const signing_key& key = keys_(date_text(when).day());
    const digest link = sign_event(previous_, date_header, message, when, {service_, region_}, key);
    const std::string_view raw(reinterpret_cast<const char*>(link.data()), link.size());
    event_message frame;
    frame.headers = {date, {":chunk-signature", event_bytes{raw}}};
    frame.payload = message;
    const event_fault fault = encode_event(frame, limits_, out);
    if (fault == event_fault::none) {
        previous_ = hex_of(link);
    }
    return fault;
}

} // namespace countersign::signer
