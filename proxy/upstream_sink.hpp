// A request on its way to a service: written as fast as the service takes it, and no further once it answers. On the
// worker's thread.
#pragma once

#include "proxy/body/source.hpp"
#include "proxy/http/answer_head.hpp"
#include "proxy/upstream_connection.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace countersign::proxy {

class upstream_sink final : public body::sink, private upstream_connection::listener {
public:
    // `piece_limit`: how long the service may take for a piece that it was given. Nothing lasts longer than `give_up`.
    upstream_sink(
        upstream_connection& c, const clock& time, std::chrono::milliseconds piece_limit, steady_time give_up
    ) noexcept
        : connection_(c), time_(time), piece_limit_(piece_limit), give_up_(give_up) {
        c.begin_request();
    }
    ~upstream_sink() { connection_.tell(nullptr); }

    // io_error::closed: the other side of a kept connection had gone before a byte went out. truncated: it went in the
    // middle, without a word. answered_early: there is an answer to be read, be it to a part of the request only;
    // interim ones (1xx) do not count.
    std::optional<io_error> try_write(gather& buffers) noexcept override { return connection_.try_write(buffers); }
    task<io_error> finish(gather buffers) override;

    bool has_spoken() noexcept override { return connection_.has_spoken(); }
    void interrupts(body::source* waiting) noexcept override;
    task<io_error> hear() override;

    // Writes a head that expects 100-continue, and waits for the invitation (RFC 9110 10.1.1), for a second at most:
    // not every server knows it. answered_early: there is an answer instead.
    task<io_error> ask(std::string_view head);

private:
    void on_spoke() noexcept override;
    task<io_error> listen(steady_time deadline);
    steady_time limit() const noexcept { return std::min(time_.now() + piece_limit_, give_up_); }

    upstream_connection& connection_;
    const clock& time_;
    std::chrono::milliseconds piece_limit_;
    steady_time give_up_;
    body::source* waiting_ = nullptr;
};

// Reads to the end of the final answer's head. io_error::none: `out` is complete, its bytes are the first of the
// connection's. Interim answers are read over, 8 at most (RFC 9110 15.2).
task<io_error>
read_answer_head(upstream_connection& c, bool is_head, field_array& room, answer& out, steady_time deadline);

} // namespace countersign::proxy
