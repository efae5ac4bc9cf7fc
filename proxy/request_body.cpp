// The part of a session that reads a request's body into memory, within payload.memory_limit and memory_total.
#include "proxy/client_connection.hpp"
#include "proxy/http/chunked.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace countersign::proxy {

namespace {

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t first_reservation = 16 * 1024; // more only as bytes arrive

refusal refuse_body(io_error e, std::uint64_t limit) {
    switch (e) {
    case io_error::too_large:
        return {
            413,
            "body-too-large",
            fmt::format(
                "The request body is larger than payload.memory_limit ({} bytes). Raise it, or send less.", limit
            )};
    case io_error::timed_out:
        return {408, "slow-request", "The request's body did not arrive in time."};
    default:
        return {400, "bad-framing", "The request's chunked body is malformed."};
    }
}

} // namespace

// Leaves the body in x.body, or a refusal in x.refused, or the session marked as left.
task<> client_connection::read_body(exchange& x) {
    if (x.request.framing == body_framing::none ||
        (x.request.framing == body_framing::length && x.request.content_length == 0)) {
        co_return;
    }
    io_error e = io_error::none;
    if (x.request.framing == body_framing::length) {
        e = co_await read_known_length(x);
    } else {
        e = co_await read_chunked(x);
    }
    x.request_bytes = x.body.size();
    if (e == io_error::none || x.refused) {
        co_return;
    }
    if (e == io_error::malformed || e == io_error::too_large || e == io_error::timed_out) {
        x.refused = refuse_body(e, worker_.config->payload.memory_limit);
    } else {
        left_ = true; // an aborted upload: nothing of it goes upstream
    }
}

task<io_error> client_connection::allow_body(exchange& x) {
    if (!x.request.expects_continue) {
        co_return io_error::none;
    }
    const gather line{asio::buffer(continue_line)};
    co_return co_await write(line);
}

// RFC 9112 6.2
task<io_error> client_connection::read_known_length(exchange& x) {
    const auto length = static_cast<std::size_t>(x.request.content_length);
    const std::string_view arrived = bytes().substr(x.head_size, length);
    if (arrived.size() == length) { // nearly every small body: used where it lies
        x.body = arrived;
        x.block_used += length;
        co_return io_error::none;
    }
    if (const io_error e = co_await allow_body(x); e != io_error::none) {
        co_return e;
    }
    x.block_used += arrived.size();
    body_memory& room = x.body_room;
    if (!reserve_body(x, std::min(length, std::max(first_reservation, arrived.size())))) {
        co_return io_error::too_large;
    }
    room.append(arrived);
    while (room.view().size() < length) {
        if (room.free_size() == 0 && !reserve_body(x, std::min(length, 2 * room.capacity()))) {
            co_return io_error::too_large;
        }
        enter(phase::body);
        const asio::mutable_buffer into{room.free_space(), room.free_size()};
        const io_result r = co_await read_some(into);
        if (r.error != io_error::none) {
            co_return explain(r.error);
        }
        room.added(r.bytes);
    }
    x.body = room.view();
    co_return io_error::none;
}

// RFC 9112 7.1. What was read behind its end belongs to the next request and is kept in x.next_block.
task<io_error> client_connection::read_chunked(exchange& x) {
    if (const io_error e = co_await allow_body(x); e != io_error::none) {
        co_return e;
    }
    chunked_decoder decoder;
    std::string_view raw = bytes().substr(x.head_size);
    const std::size_t limit = worker_.config->payload.memory_limit;
    for (;;) {
        std::string_view content;
        switch (decoder.next(raw, content)) {
        case chunked_decoder::step::broken:
            co_return io_error::malformed;
        case chunked_decoder::step::content: {
            const std::size_t needed = x.body_room.view().size() + content.size();
            if (needed > limit ||
                (needed > x.body_room.capacity() &&
                 !reserve_body(x, std::max({needed, 2 * x.body_room.capacity(), first_reservation})))) {
                co_return io_error::too_large;
            }
            x.body_room.append(content);
            continue;
        }
        case chunked_decoder::step::complete: {
            const auto left = static_cast<std::uint32_t>(raw.size());
            if (x.next_block) {
                x.next_begin = x.next_end - left;
            } else {
                x.block_used = bytes().size() - left;
            }
            x.body = x.body_room.view();
            co_return io_error::none;
        }
        case chunked_decoder::step::more:
            break;
        }
        if (!x.next_block) {
            x.next_block = worker_.small_blocks.take();
        }
        enter(phase::body);
        const asio::mutable_buffer into{x.next_block.begin(), x.next_block.size()};
        const io_result r = co_await read_some(into);
        if (r.error != io_error::none) {
            co_return explain(r.error);
        }
        x.next_end = static_cast<std::uint32_t>(r.bytes);
        raw = {x.next_block.begin(), r.bytes};
    }
}

// Counts what the body's memory grows by. False, with x.refused, when all bodies together would be too many.
bool client_connection::reserve_body(exchange& x, std::size_t capacity) {
    const std::uint64_t more = capacity - x.body_room.capacity();
    const std::uint64_t before = worker_.shared.body_bytes.fetch_add(more, std::memory_order_relaxed);
    if (before + more > worker_.config->payload.memory_total) {
        worker_.shared.body_bytes.fetch_sub(more, std::memory_order_relaxed);
        x.refused = refusal{
            503, "overloaded", "Request bodies in memory have reached payload.memory_total. Try again in a moment.", 1};
        x.keep_alive = false;
        return false;
    }
    x.body_reserved += more;
    x.body_room.reserve(capacity);
    return true;
}

} // namespace countersign::proxy
