#include "proxy/request_body.hpp"

#include "proxy/http/chunked.hpp"

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

task<std::optional<refusal>> request_body::read() {
    const inbound& in = received_.request;
    if (in.framing == body_framing::none || (in.framing == body_framing::length && in.content_length == 0)) {
        co_return std::nullopt;
    }
    io_error e = io_error::none;
    if (in.framing == body_framing::length) {
        e = co_await read_known_length();
    } else {
        e = co_await read_chunked();
    }
    if (is_overloaded_) {
        co_return refusal{
            503, "overloaded", "Request bodies in memory have reached payload.memory_total. Try again in a moment.", 1};
    }
    if (e == io_error::malformed || e == io_error::too_large || e == io_error::timed_out) {
        co_return refuse_body(e, worker_.config->payload.memory_limit);
    }
    if (e != io_error::none) {
        client_.leave(); // an aborted upload: nothing of it goes upstream
    }
    co_return std::nullopt;
}

task<io_error> request_body::allow() {
    if (!received_.request.expects_continue) {
        co_return io_error::none;
    }
    const gather line{asio::buffer(continue_line)};
    co_return co_await write_to(client_, line);
}

// RFC 9112 6.2
task<io_error> request_body::read_known_length() {
    const auto length = static_cast<std::size_t>(received_.request.content_length);
    const std::string_view first = arrived().substr(0, length);
    taken_ = first.size();
    if (first.size() == length) { // nearly every small body: used where it lies
        view_ = first;
        co_return io_error::none;
    }
    if (const io_error e = co_await allow(); e != io_error::none) {
        co_return e;
    }
    if (!reserve(std::min(length, std::max(first_reservation, first.size())))) {
        co_return io_error::too_large;
    }
    room_.append(first);
    while (room_.view().size() < length) {
        if (room_.free_size() == 0 && !reserve(std::min(length, 2 * room_.capacity()))) {
            co_return io_error::too_large;
        }
        const asio::mutable_buffer into{room_.free_space(), room_.free_size()};
        std::size_t bytes = 0;
        const io_error e = co_await client_.read_body(into, bytes);
        if (e != io_error::none) {
            co_return e;
        }
        room_.added(bytes);
    }
    view_ = room_.view();
    co_return io_error::none;
}

// RFC 9112 7.1
task<io_error> request_body::read_chunked() {
    if (const io_error e = co_await allow(); e != io_error::none) {
        co_return e;
    }
    chunked_decoder decoder;
    std::string_view raw = arrived();
    taken_ = raw.size();
    for (;;) {
        std::string_view content;
        auto step = chunked_decoder::step::content;
        while (step == chunked_decoder::step::content) {
            step = decoder.next(raw, content);
            if (step == chunked_decoder::step::content && !take_content(content)) {
                co_return io_error::too_large;
            }
        }
        if (step == chunked_decoder::step::broken) {
            co_return io_error::malformed;
        }
        if (step == chunked_decoder::step::complete) {
            break;
        }
        behind_.consume(behind_.bytes().size());
        const asio::mutable_buffer into = behind_.room();
        std::size_t bytes = 0;
        const io_error e = co_await client_.read_body(into, bytes);
        if (e != io_error::none) {
            co_return e;
        }
        behind_.added(bytes);
        raw = behind_.bytes();
    }
    if (behind_.has_block()) {
        behind_.consume(behind_.bytes().size() - raw.size());
    } else {
        taken_ -= raw.size();
    }
    view_ = room_.view();
    co_return io_error::none;
}

bool request_body::take_content(std::string_view content) {
    const std::size_t needed = room_.view().size() + content.size();
    if (needed > worker_.config->payload.memory_limit) {
        return false;
    }
    if (needed > room_.capacity() && !reserve(std::max({needed, 2 * room_.capacity(), first_reservation}))) {
        return false;
    }
    room_.append(content);
    return true;
}

bool request_body::reserve(std::size_t capacity) {
    const body::budget all{worker_.shared.body_bytes, worker_.config->payload.memory_total};
    is_overloaded_ = !room_.reserve(capacity, all);
    return !is_overloaded_;
}

} // namespace countersign::proxy
