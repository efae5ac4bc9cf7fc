#include "proxy/upstream_sink.hpp"

namespace countersign::proxy {

namespace {

constexpr unsigned most_informational = 8;
constexpr auto invitation_limit = std::chrono::seconds{1};

// Does what has come begin with an interim answer, or with what may become one?
bool may_be_interim(std::string_view bytes) noexcept {
    constexpr std::string_view start = "HTTP/1.1 1";
    const std::string_view seen = bytes.substr(0, start.size());
    return start.starts_with(seen) ||
           (seen.size() == start.size() && seen.starts_with("HTTP/1.") && seen.ends_with(" 1"));
}

// False when there is, or may be, an answer to be read.
task<bool> read_over_interim(upstream_connection& c, steady_time deadline) {
    head_scanner scanner;
    unsigned informational = 0;
    while (!c.bytes().empty()) {
        if (!may_be_interim(c.bytes()) || informational == most_informational) {
            co_return false;
        }
        const auto state = scanner.scan(c.bytes());
        if (state == head_scanner::state::complete) {
            c.consume(scanner.length());
            scanner = head_scanner{};
            ++informational;
            continue;
        }
        if (state == head_scanner::state::broken || !c.buffer().make_room()) {
            co_return false;
        }
        const io_error e = co_await c.read_more(deadline);
        if (e != io_error::none) {
            co_return false;
        }
    }
    co_return true;
}

bool has_ended(io_error e) noexcept {
    return e == io_error::closed || e == io_error::reset || e == io_error::truncated;
}

} // namespace

// io_error::none: interim answers only, the request goes on.
task<io_error> upstream_sink::listen(steady_time deadline) {
    const io_error e = co_await connection_.read_more(deadline);
    if (e != io_error::none) {
        co_return has_ended(e) ? io_error::truncated : e;
    }
    const bool goes_on = co_await read_over_interim(connection_, deadline);
    co_return goes_on ? io_error::none : io_error::answered_early;
}

task<io_error> upstream_sink::finish(gather buffers) {
    const steady_time deadline = limit();
    for (;;) {
        io_error e = co_await connection_.write(buffers, deadline);
        if (e != io_error::answered_early) {
            co_return e;
        }
        e = co_await listen(deadline);
        if (e != io_error::none) {
            co_return e;
        }
    }
}

void upstream_sink::interrupts(body::source* waiting) noexcept {
    waiting_ = waiting;
    connection_.tell(waiting ? this : nullptr);
}

void upstream_sink::on_spoke() noexcept {
    waiting_->interrupt();
}

task<io_error> upstream_sink::hear() {
    io_error e = io_error::none;
    while (e == io_error::none && connection_.has_spoken()) {
        e = co_await listen(limit());
    }
    co_return e;
}

task<io_error> upstream_sink::ask(std::string_view head) {
    gather buffers{asio::buffer(head)};
    std::optional<io_error> written = try_write(buffers);
    if (!written) {
        written = co_await finish(buffers);
    }
    if (*written != io_error::none) {
        co_return *written;
    }
    const steady_time until = std::min(time_.now() + invitation_limit, give_up_);
    head_scanner scanner;
    for (;;) {
        const auto state = scanner.scan(connection_.bytes());
        if (state == head_scanner::state::broken || !connection_.buffer().make_room()) {
            co_return io_error::answered_early; // whatever it is, it is read there
        }
        if (state == head_scanner::state::complete) {
            if (!may_be_interim(connection_.bytes())) {
                co_return io_error::answered_early;
            }
            const bool is_invitation = connection_.bytes().substr(9, 3) == "100";
            connection_.consume(scanner.length());
            scanner = head_scanner{};
            if (is_invitation) {
                co_return io_error::none;
            }
            continue;
        }
        const io_error e = co_await connection_.read_more(until);
        if (e == io_error::timed_out) {
            co_return connection_.bytes().empty() ? io_error::none : io_error::answered_early;
        }
        if (e != io_error::none) {
            co_return e;
        }
    }
}

task<io_error>
read_answer_head(upstream_connection& c, bool is_head, field_array& room, answer& out, steady_time deadline) {
    head_scanner scanner;
    unsigned informational = 0;
    for (;;) {
        const auto state = scanner.scan(c.bytes());
        if (state == head_scanner::state::broken) {
            co_return io_error::malformed;
        }
        if (state == head_scanner::state::complete) {
            const io_error e = parse_answer_head(c.bytes().substr(0, scanner.length()), is_head, room, out);
            if (e != io_error::none || out.head.status >= 200) {
                co_return e;
            }
            if (out.head.status == 101 || ++informational > most_informational) {
                co_return io_error::malformed;
            }
            c.consume(scanner.length());
            scanner = head_scanner{};
            continue;
        }
        if (c.bytes().size() > head_limits::head || !c.buffer().make_room()) {
            co_return io_error::too_large;
        }
        const io_error e = co_await c.read_more(deadline);
        if (e != io_error::none) {
            co_return e == io_error::closed && !c.bytes().empty() ? io_error::truncated : e;
        }
    }
}

} // namespace countersign::proxy
