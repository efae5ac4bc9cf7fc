#include "proxy/body/source.hpp"

namespace countersign::proxy::body {

namespace {

// For more of the source; meanwhile the sink may speak.
task<copied> await_more(source& from, sink& to) {
    copied out;
    for (;;) {
        if (to.has_spoken()) {
            out.error = io_error::interrupted;
        } else {
            to.interrupts(&from);
            out.error = co_await from.wait();
            to.interrupts(nullptr);
        }
        if (out.error != io_error::interrupted) {
            out.failed = failed_side::source;
            co_return out;
        }
        out.error = co_await to.hear();
        if (out.error != io_error::none) {
            out.failed = failed_side::sink;
            co_return out;
        }
    }
}

} // namespace

task<copied> copy(source& from, sink& to, std::string_view head) {
    copied out;
    for (;;) {
        const piece p = from.next();
        gather buffers{asio::buffer(head), asio::buffer(p.before), asio::buffer(p.content), asio::buffer(p.after)};
        head = {};
        std::optional<io_error> written = io_error::none;
        if (size_of(buffers) != 0) {
            written = to.try_write(buffers);
        }
        if (!written) {
            written = co_await to.finish(buffers);
        }
        out.content += p.content.size();
        if (*written != io_error::none) {
            out.failed = failed_side::sink;
            out.error = *written;
            co_return out;
        }
        from.consume(p);
        if (p.then == body_relay::state::complete) {
            co_return out;
        }
        copied waited;
        if (p.then == body_relay::state::broken) {
            waited = {failed_side::source, from.fault()};
        } else if (p.consumed == 0 || !from.has_more_at_hand()) {
            waited = co_await await_more(from, to);
        }
        if (waited.error != io_error::none) {
            out.failed = waited.failed;
            out.error = waited.error;
            co_return out;
        }
    }
}

} // namespace countersign::proxy::body
