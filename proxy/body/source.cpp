#include "proxy/body/source.hpp"

namespace countersign::proxy::body {

task<copied> copy(source& from, sink& to, std::string_view head) {
    copied out;
    for (;;) {
        const piece p = from.next();
        gather buffers{asio::buffer(head), asio::buffer(p.before), asio::buffer(p.content), asio::buffer(p.after)};
        head = {};
        std::optional<io_error> written = to.try_write(buffers);
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
        io_error e = io_error::none;
        if (p.then == body_relay::state::complete) {
            co_return out;
        }
        if (p.then == body_relay::state::broken) {
            e = from.fault();
        } else if (p.consumed == 0 || !from.has_more_at_hand()) {
            e = co_await from.wait();
        }
        if (e != io_error::none) {
            out.failed = failed_side::source;
            out.error = e;
            co_return out;
        }
    }
}

} // namespace countersign::proxy::body
