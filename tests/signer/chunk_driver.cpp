// Writes and reads aws-chunked bodies as JSON lines on standard input say, one answer a line: our side of the
// comparison with others (smithy_chunks_test.py). Not part of countersign. Bytes are in hex.
#include "signer/chunk_decoder.hpp"
#include "signer/chunk_encoder.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace countersign::signer;
namespace json = boost::json;

std::string_view text(const json::object& from, std::string_view key) {
    return from.at(key).as_string();
}

std::string hex(std::string_view bytes) {
    std::string digits(2 * bytes.size(), '\0');
    write_hex(std::span(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), digits.data());
    return digits;
}

std::string bytes(std::string_view digits) {
    std::string all;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        unsigned char byte = 0;
        std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
        all += static_cast<char>(byte);
    }
    return all;
}

std::vector<trailer> trailers(const json::object& ask) {
    std::vector<trailer> all;
    for (const json::value& field : ask.at("trailers").as_array()) {
        all.push_back({field.at(0).as_string(), field.at(1).as_string()});
    }
    return all;
}

// The content is added in pieces of the size that is asked for.
std::string encoded(const json::object& ask, chunk_encoder& encoder) {
    const std::string content = bytes(text(ask, "content"));
    const auto piece = static_cast<std::size_t>(ask.at("piece").as_int64());
    std::string wire;
    for (std::size_t at = 0; at < content.size();) {
        const std::size_t begin = at;
        while (at < content.size() && encoder.room() > 0) {
            const auto next = std::min({piece, content.size() - at, static_cast<std::size_t>(encoder.room())});
            encoder.add(std::string_view(content).substr(at, next));
            at += next;
        }
        const chunk_encoder::frame frame = encoder.close_chunk();
        wire.append(frame.head).append(content, begin, at - begin).append(frame.tail);
    }
    std::pmr::monotonic_buffer_resource memory;
    return wire.append(encoder.finish(trailers(ask), memory));
}

// What our own decoder says about it; "" when all is right.
std::string objection(const json::object& ask, std::string_view wire, const chunk_verifier& verifier, chunk_form form) {
    chunk_rules rules;
    rules.form = form;
    chunk_decoder decoder(rules, verifier);
    std::string content;
    std::string_view piece;
    while (true) {
        const chunk_decoder::step step = decoder.next(wire, piece);
        if (step == chunk_decoder::step::content) {
            content.append(piece);
            continue;
        }
        if (step == chunk_decoder::step::broken) {
            return std::string(decoder.error().reason);
        }
        break;
    }
    if (decoder.finish() != chunk_decoder::step::complete) {
        return std::string(decoder.error().reason);
    }
    return content == bytes(text(ask, "content")) ? "" : "other content";
}

json::object answer(const json::object& ask) {
    const chunk_form form = *chunk_form_of(text(ask, "form"));
    const auto size = static_cast<std::uint64_t>(ask.at("chunk_size").as_int64());
    const std::string_view day = text(ask, "time").substr(0, 8);
    const std::string end = std::string(text(ask, "service")) + "/aws4_request";
    if (form == chunk_form::signed_v4a || form == chunk_form::signed_v4a_trailer) {
        const std::string scope = std::string(day) + "/" + end;
        const chunk_context context{text(ask, "time"), scope, text(ask, "seed")};
        const ecdsa_key key = ecdsa_key::derive(text(ask, "access_key_id"), text(ask, "secret"));
        const ecdsa_public_key public_key = key.public_key();
        chunk_encoder encoder(form, chunk_signer(key, context), std::nullopt, size);
        const std::string wire = encoded(ask, encoder);
        return {
            {"wire", hex(wire)},
            {"public_key", json::array{json::string(public_key.x()), json::string(public_key.y())}},
            {"objection", objection(ask, wire, chunk_verifier(public_key, context), form)},
        };
    }
    const std::string scope = std::string(day) + "/" + std::string(text(ask, "region")) + "/" + end;
    const chunk_context context{text(ask, "time"), scope, text(ask, "seed")};
    const signing_key key = signing_key::derive(text(ask, "secret"), day, text(ask, "region"), text(ask, "service"));
    chunk_encoder encoder(form, chunk_signer(key, context), std::nullopt, size);
    const std::string wire = encoded(ask, encoder);
    return {{"wire", hex(wire)}, {"objection", objection(ask, wire, chunk_verifier(key, context), form)}};
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << json::serialize(answer(json::parse(line).as_object())) << '\n';
    }
}
