// The part of a session that waits for its next request and reads the head of it.
#include "proxy/client_connection.hpp"
#include "proxy/worker.hpp"

#include <algorithm>
#include <cstring>
#include <sys/socket.h>

namespace countersign::proxy {

namespace {

// Bytes that the poller has not told of yet.
bool has_unread(int descriptor) noexcept {
    char byte = 0;
    return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

} // namespace

// Between requests. True when bytes of the next one are there.
task<bool> client_connection::wait_for_bytes() {
    if (!bytes().empty()) {
        co_return true;
    }
    if (closing_ && !fresh_) {
        co_return false;
    }
    if (!fresh_) {
        enter(phase::idle);
        set_deadline(since_ + worker_.config->listen.idle_timeout);
    }
    io_error e = co_await read_more();
    if (e == io_error::cancelled && phase_ == phase::parked && !closing_) {
        block_.release();
        e = explain(co_await until_readable());
        if (e == io_error::none) {
            e = co_await read_more();
        }
    }
    if (e == io_error::cancelled && closing_ && !left_ &&
        has_unread(descriptor())) { // it came before we began to drain
        e = co_await read_more();
    }
    co_return e == io_error::none;
}

// Up to the end of the head. Holds nothing but the session's block meanwhile.
task<client_connection::arrived_head> client_connection::read_head() {
    enter(phase::head);
    set_deadline(since_ + worker_.config->listen.header_timeout);
    arrived_head head;
    head.began = worker_.now();
    head_scanner scanner;
    bool skipped = false; // RFC 9112 2.2: one empty line before a request is overlooked
    for (;;) {
        if (!skipped && bytes().starts_with("\r\n")) {
            begin_ += 2;
            skipped = true;
            scanner = head_scanner{};
        }
        const auto state = scanner.scan(bytes());
        if (state != head_scanner::state::more) {
            head.fault = scanner.error();
            head.size = scanner.length();
            break;
        }
        io_error e = io_error::too_large;
        if (make_room()) {
            e = co_await read_more();
        }
        if (e == io_error::timed_out && !bytes().empty()) {
            head.is_late = true;
            break;
        }
        if (e != io_error::none) {
            head.error = e;
            break;
        }
    }
    set_deadline(steady_time::max());
    co_return head;
}

// Into the exchange; x.refused says what is wrong with it.
void client_connection::take_head(exchange& x, const arrived_head& head) {
    head_error fault = head.fault;
    if (head.is_late) {
        x.refused = refusal{408, "slow-request", "The request's head did not arrive in time."};
    } else if (fault == head_error::none) {
        x.head_size = x.block_used = head.size;
        fault = parse_request(bytes().substr(0, x.head_size), x.request_fields, x.head);
    }
    if (fault != head_error::none) {
        x.refused = refuse_head(fault);
    }
    x.keep_alive = !x.refused;
}

void client_connection::step_behind(exchange& x) noexcept {
    if (x.next_block) {
        block_ = std::move(x.next_block);
        begin_ = x.next_begin;
        end_ = x.next_end;
    } else {
        begin_ += static_cast<std::uint32_t>(std::min<std::size_t>(x.block_used, end_ - begin_));
    }
    if (begin_ == end_ && block_.size() > worker_.small_blocks.block_size()) {
        block_.release();
    }
}

// REQUIRES: room behind end_, or no block at all.
task<io_error> client_connection::read_more() {
    if (!block_) {
        block_ = worker_.small_blocks.take();
        begin_ = end_ = 0;
    }
    if (begin_ == end_) {
        begin_ = end_ = 0;
    }
    const asio::mutable_buffer into{block_.begin() + end_, block_.size() - end_};
    const io_result r = co_await read_some(into);
    end_ += static_cast<std::uint32_t>(r.bytes);
    co_return explain(r.error);
}

// For a head that does not fit: moved to the front, then to a large block. False at the limit.
bool client_connection::make_room() {
    if (!block_ || end_ < block_.size()) {
        return true;
    }
    const std::string_view kept = bytes();
    if (begin_ != 0) {
        std::memmove(block_.begin(), kept.data(), kept.size());
    } else if (block_.size() == worker_.small_blocks.block_size()) {
        block larger = worker_.large_blocks.take();
        std::memcpy(larger.begin(), kept.data(), kept.size());
        block_ = std::move(larger);
    } else {
        return false;
    }
    end_ = static_cast<std::uint32_t>(kept.size());
    begin_ = 0;
    return true;
}

} // namespace countersign::proxy
