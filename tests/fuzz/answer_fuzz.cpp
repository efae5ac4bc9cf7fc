// An answer on its way through: a head that is accepted is written with one framing, and its body comes out
// whole, the same however it arrives, with not one byte of what follows it.
#include "proxy/http/body_relay.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

using namespace countersign::proxy;

void require(bool holds) {
    if (!holds)
        std::abort();
}

struct passed {
    std::string text;
    std::size_t consumed = 0;
    body_relay::state end = body_relay::state::more;
};

void add(passed& out, const body_relay::piece& p, std::size_t given) {
    require(p.consumed <= given);
    out.text.append(p.before).append(p.content).append(p.after);
    out.consumed += p.consumed;
    out.end = p.then;
}

// The bytes arrive in pieces, then the connection ends.
passed pass(body_relay relay, std::string_view bytes, std::size_t piece) {
    passed out;
    for (std::size_t arrived = 0; out.end == body_relay::state::more;) {
        const std::size_t given = arrived - out.consumed;
        const std::size_t before = out.consumed;
        add(out, relay.next(bytes.substr(before, given)), given);
        if (out.end != body_relay::state::more || (out.consumed != before && out.consumed != arrived))
            continue;
        if (arrived == bytes.size()) {
            add(out, relay.end(), 0);
            require(out.end != body_relay::state::more);
        }
        arrived += std::min(piece, bytes.size() - arrived);
    }
    return out;
}

std::string content_of(std::string_view chunks) {
    std::string out;
    chunked_decoder decoder;
    std::string_view content;
    auto step = chunked_decoder::step::content;
    while ((step = decoder.next(chunks, content)) == chunked_decoder::step::content)
        out += content;
    require(step == chunked_decoder::step::complete && chunks.empty());
    return out;
}

void check_head(const answer& a, client_framing to, bool http_1_0, bool keep_alive) {
    std::pmr::monotonic_buffer_resource memory;
    const std::string text(write_answer_head(a, to, http_1_0, keep_alive, memory));
    head_scanner scanner;
    require(scanner.scan(text) == head_scanner::state::complete && scanner.length() == text.size());
    static field_array room;
    response_head anew;
    require(parse_response(text, room, anew) == head_error::none);
    require(anew.status == a.head.status && anew.reason == a.head.reason);
    unsigned lengths = 0, codings = 0;
    for (const field& f : anew.fields) {
        lengths += f.id == field_name::content_length;
        codings += f.id == field_name::transfer_encoding;
        require(f.id != field_name::upgrade && f.id != field_name::keep_alive && f.id != field_name::proxy_other);
    }
    require(lengths + codings <= 1);
    const bool chunks =
        to == client_framing::chunked || (to != client_framing::dechunked && a.framing == answer_framing::chunked);
    require(codings == (chunks ? 1u : 0u));
}

void check_body(const answer& a, client_framing to, std::string_view body, std::size_t piece) {
    const passed whole = pass({a.framing, a.length, to}, body, body.size());
    const passed pieces = pass({a.framing, a.length, to}, body, piece);
    require(whole.end == pieces.end);
    if (whole.end != body_relay::state::complete)
        return;
    require(whole.consumed == pieces.consumed);
    const std::string_view used = body.substr(0, whole.consumed);
    switch (a.framing) {
    case answer_framing::none:
        require(whole.text.empty() && used.empty());
        break;
    case answer_framing::length:
        require(used.size() == a.length && whole.text == used && pieces.text == used);
        break;
    case answer_framing::chunked:
        require(whole.text == pieces.text);
        require((to == client_framing::dechunked ? whole.text : content_of(whole.text)) == content_of(used));
        break;
    case answer_framing::until_close:
        require(used == body);
        require((to == client_framing::chunked ? content_of(pieces.text) : pieces.text) == body);
        require((to == client_framing::chunked ? content_of(whole.text) : whole.text) == body);
        break;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    head_scanner scanner;
    if (scanner.scan(text) != head_scanner::state::complete)
        return 0;
    static field_array room;
    answer a;
    const bool is_head = (bytes[0] & 1) != 0;
    const bool http_1_0 = (bytes[0] & 2) != 0;
    if (parse_answer_head(text.substr(0, scanner.length()), is_head, room, a) != io_error::none)
        return 0;
    const client_framing to = framing_for(a, http_1_0, (bytes[0] & 8) != 0);
    check_head(a, to, http_1_0, (bytes[0] & 4) != 0);
    check_body(a, to, text.substr(scanner.length()), 1u + (bytes[0] >> 3));
    return 0;
}
