#include "proxy/body/chunk_signed.hpp"

namespace countersign::proxy::body {

piece chunk_signed::next() noexcept {
    if (is_at_end_) {
        return {last_lines_, {}, {}, 0, body_relay::state::complete};
    }
    const piece p = content_.next();
    if (p.then == body_relay::state::broken) {
        return p;
    }
    const std::string_view bytes = p.content.substr(0, static_cast<std::size_t>(encoder_.room()));
    ends_ = p.then == body_relay::state::complete && bytes.size() == p.content.size();
    if (bytes.empty() || (bytes.size() < encoder_.room() && !ends_)) {
        return {{}, {}, {}, 0, body_relay::state::more};
    }
    encoder_.add(bytes);
    const signer::chunk_encoder::frame around = encoder_.close_chunk();
    return {around.head, bytes, around.tail, bytes.size(), body_relay::state::more};
}

void chunk_signed::consume(const piece& p) noexcept {
    if (p.consumed != 0) {
        content_.consume({{}, {}, {}, p.consumed, body_relay::state::more});
    }
    if (ends_ && !is_at_end_) {
        last_lines_ = encoder_.finish(content_.trailers(), memory_);
        is_at_end_ = true;
    }
}

} // namespace countersign::proxy::body
