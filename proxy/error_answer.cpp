#include "proxy/error_answer.hpp"

#include "proxy/http/chunked.hpp"
#include "proxy/http/service_error.hpp"
#include "proxy/rules/hidden_error.hpp"

#include <algorithm>

namespace countersign::proxy {

namespace {

constexpr std::size_t longest_error_body = 16 * 1024; // looked at for an error code
constexpr std::size_t longest_held_back = 64 * 1024;  // of an answer that may hide an error

enum class share : std::uint8_t { part, whole, broken };

share decode_chunks(std::string_view raw, std::pmr::string& text, std::size_t& size) {
    chunked_decoder decoder;
    std::string_view rest = raw;
    std::string_view content;
    auto step = chunked_decoder::step::content;
    while ((step = decoder.next(rest, content)) == chunked_decoder::step::content) {
        text.append(content);
    }
    size = raw.size() - rest.size();
    if (step == chunked_decoder::step::more) {
        return share::part;
    }
    return step == chunked_decoder::step::complete ? share::whole : share::broken;
}

// How much of the answer's body the bytes at hand are. `text` gets it, decoded; `size` is what it takes of them.
share look_at(const outcome& out, std::string_view raw, std::pmr::string& text, std::size_t& size) {
    text.clear();
    switch (out.reply.framing) {
    case answer_framing::none:
        size = 0;
        return share::whole;
    case answer_framing::length:
        size = std::min<std::size_t>(raw.size(), out.reply.length);
        text.assign(raw.substr(0, size));
        return size == out.reply.length ? share::whole : share::part;
    case answer_framing::until_close:
        size = raw.size();
        text.assign(raw);
        return out.body_end == io_error::closed ? share::whole : share::part;
    case answer_framing::chunked:
        break;
    }
    return decode_chunks(raw, text, size);
}

// none: go on reading or looking. An answer that keeps its client waiting is as good as one that came: what it says so
// far counts, and the rest is passed on as it comes.
io_error take_end(outcome& out, io_error e, bool& enough) noexcept {
    const bool until_close = out.reply.framing == answer_framing::until_close;
    if (until_close && (e == io_error::closed || e == io_error::truncated)) {
        out.body_end = e; // truncated: without a close_notify nobody knows whether this is all
        enough = true;
        return io_error::none;
    }
    if (e == io_error::timed_out) {
        enough = true;
        return io_error::none;
    }
    return e == io_error::closed ? io_error::truncated : e; // cut short: as if there had been none
}

bool is_redirect(unsigned status) noexcept {
    return status == 301 || status == 302 || status == 307;
}

void understand(std::string_view body, bool is_head, outcome& out) noexcept {
    const answer& a = out.reply;
    out.code = find_error_code(a.amzn_query_error, a.amzn_errortype, body);
    if (is_redirect(a.head.status) || out.code == "IllegalLocationConstraintException") {
        out.region = a.amz_bucket_region.empty() ? find_error_region(body) : a.amz_bucket_region;
        out.endpoint = find_error_endpoint(body);
    } else if (is_head && a.head.status == 400) { // the answer to a HEAD has no code
        out.region = a.amz_bucket_region;
    } else if (out.code == "AuthorizationHeaderMalformed" || out.code == "AuthorizationQueryParametersError") {
        out.region = find_error_region(body);
    }
}

// What was read of the body, as the views into it need it.
std::string_view keep_text(const std::pmr::string& text, std::pmr::memory_resource& memory) {
    auto* const kept = static_cast<char*>(memory.allocate(text.size() + 1, 1));
    text.copy(kept, text.size());
    return {kept, text.size()};
}

// More room behind the bytes, which move: the head is read anew where they are now. False: there is none.
bool grow_buffer(outcome& out, field_array& room) noexcept {
    upstream_connection& c = *out.connection;
    if (!c.buffer().is_full()) {
        return true;
    }
    return c.buffer().make_room() &&
           parse_answer_head(c.bytes().substr(0, out.reply.head_size), false, room, out.reply) == io_error::none;
}

// Reads the body into `text` until it is there, or is_enough(bytes so far), or its time is over. False: there is no
// answer, out.error says why.
template <class Enough>
task<bool> read_until(outcome& out, std::pmr::string& text, steady_time deadline, const Enough& is_enough) {
    upstream_connection& c = *out.connection;
    bool is_over = false;
    for (;;) {
        const std::string_view raw = c.bytes().substr(out.reply.head_size);
        const share body = look_at(out, raw, text, out.body_size);
        out.is_whole = body == share::whole;
        if (body != share::part || is_over || is_enough(raw)) {
            co_return true;
        }
        const io_error e = co_await c.read_more(deadline);
        if (e != io_error::none) {
            out.error = take_end(out, e, is_over);
        }
        if (out.error != io_error::none) {
            co_return false;
        }
    }
}

} // namespace

bool is_worth_reading(const answer& a, const plan& where) noexcept {
    return a.head.status >= 400 || (is_redirect(a.head.status) && where.service == "s3");
}

// The buffer must not move meanwhile, out.reply points into it; what does not fit is not looked at.
task<> read_error(outcome& out, bool is_head, steady_time deadline, std::pmr::memory_resource& memory) {
    std::pmr::string text{&memory};
    const auto is_enough = [&out](std::string_view raw) {
        return out.connection->buffer().is_full() || raw.size() >= longest_error_body;
    };
    const bool is_there = co_await read_until(out, text, deadline, is_enough);
    if (is_there) {
        understand(keep_text(text, memory), is_head, out);
    }
}

task<> read_hidden_error(outcome& out, field_array& room, steady_time deadline, std::pmr::memory_resource& memory) {
    std::pmr::string text{&memory};
    const auto is_enough = [&](std::string_view raw) {
        return root_of(text) == xml_root::other || raw.size() >= longest_held_back || !grow_buffer(out, room);
    };
    const bool is_there = co_await read_until(out, text, deadline, is_enough);
    if (is_there && root_of(text) == xml_root::error) {
        out.is_error_inside = true;
        understand(keep_text(text, memory), false, out);
    }
}

} // namespace countersign::proxy
