#include "proxy/error_answer.hpp"

#include "proxy/http/chunked.hpp"
#include "proxy/http/service_error.hpp"

#include <algorithm>

namespace countersign::proxy {

namespace {

constexpr std::size_t longest_error_body = 16 * 1024; // looked at for an error code

// Where the answer's body ends in the bytes at hand. False: not yet all there. `text` gets its beginning, decoded.
bool body_is_whole(const outcome& out, std::string_view raw, std::pmr::string& text, std::size_t& size) {
    text.clear();
    switch (out.reply.framing) {
    case answer_framing::none:
        size = 0;
        return true;
    case answer_framing::length:
        size = std::min<std::size_t>(raw.size(), out.reply.length);
        text.assign(raw.substr(0, size));
        return size == out.reply.length;
    case answer_framing::until_close:
        size = raw.size();
        text.assign(raw);
        return out.body_end == io_error::closed;
    case answer_framing::chunked:
        break;
    }
    chunked_decoder decoder;
    std::string_view rest = raw;
    for (;;) {
        std::string_view content;
        const auto step = decoder.next(rest, content);
        if (step == chunked_decoder::step::content) {
            text.append(content);
        } else {
            size = raw.size() - rest.size();
            return step == chunked_decoder::step::complete;
        }
    }
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

} // namespace

bool is_worth_reading(const answer& a, const plan& where) noexcept {
    return a.head.status >= 400 || (is_redirect(a.head.status) && where.service == "s3");
}

// The buffer must not move meanwhile, out.reply points into it; what does not fit is not looked at.
task<> read_error(outcome& out, bool is_head, steady_time deadline, std::pmr::memory_resource& memory) {
    upstream_connection& c = *out.connection;
    std::pmr::string text{&memory};
    bool enough = false;
    for (;;) {
        const std::string_view raw = c.bytes().substr(out.reply.head_size);
        out.is_whole = body_is_whole(out, raw, text, out.body_size);
        if (out.is_whole || enough || c.buffer().is_full() || raw.size() >= longest_error_body) {
            break;
        }
        const io_error e = co_await c.read_more(deadline);
        if (e != io_error::none) {
            out.error = take_end(out, e, enough);
        }
        if (out.error != io_error::none) {
            co_return;
        }
    }
    auto* const kept = static_cast<char*>(memory.allocate(text.size() + 1, 1));
    text.copy(kept, text.size());
    understand({kept, text.size()}, is_head, out);
}

} // namespace countersign::proxy
