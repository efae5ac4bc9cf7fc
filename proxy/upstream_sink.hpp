// A request on its way to a service: written as fast as the service takes it, and no further once it answers. On the
// worker's thread.
#pragma once

#include "proxy/body/source.hpp"
#include "proxy/http/answer_head.hpp"
#include "proxy/upstream_connection.hpp"

namespace countersign::proxy {

class upstream_sink final : public body::sink {
public:
    upstream_sink(upstream_connection& c, steady_time deadline) noexcept : connection_(c), deadline_(deadline) {
        c.begin_request();
    }

    // io_error::closed: the other side of a kept connection had gone before a byte went out. truncated: it went in the
    // middle, without a word. answered_early: there is an answer to be read, be it to a part of the request only;
    // interim ones (1xx) do not count.
    std::optional<io_error> try_write(gather& buffers) noexcept override { return connection_.try_write(buffers); }
    task<io_error> finish(gather buffers) override;

private:
    upstream_connection& connection_;
    steady_time deadline_; // for the whole
};

// Reads to the end of the final answer's head. io_error::none: `out` is complete, its bytes are the first of the
// connection's. Interim answers are read over, 8 at most (RFC 9110 15.2).
task<io_error>
read_answer_head(upstream_connection& c, bool is_head, field_array& room, answer& out, steady_time deadline);

} // namespace countersign::proxy
