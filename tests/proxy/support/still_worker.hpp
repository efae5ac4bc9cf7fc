// A worker's state that no thread runs: the test turns its events by itself, and holds both ends of a connection.
#pragma once

#include "proxy/net/connection.hpp"
#include "proxy/worker_state.hpp"
#include "tests/proxy/support/peer.hpp"

#include <functional>
#include <optional>

namespace countersign::tests {

class still_worker {
public:
    still_worker(); // trusts test_authority()

    proxy::worker_state& operator*() noexcept { return *worker_; }
    proxy::worker_state* operator->() noexcept { return &*worker_; }
    bool until(const std::function<bool()>& holds); // false: nothing more happens within `patience`
    void settle();                                  // what has happened by now

private:
    proxy::shared_state shared_;
    std::optional<proxy::worker_state> worker_;
};

// The proxy's end of a connection to a service of the test's.
class line : private proxy::connection::observer {
public:
    line(still_worker& w, const service& to);

    proxy::connection* operator->() noexcept { return &connection_; }
    proxy::connection& operator*() noexcept { return connection_; }
    void await_event() const; // the system has something to read, or an error, which nobody has been told of

    int unasked = 0;            // how often there was something that nobody waited for,
    std::function<void()> then; // and what happens then

private:
    void on_unasked() override;

    proxy::connection connection_;
};

// What an operation of a connection's came to; no error: it is under way.
struct outcome_of_io {
    std::optional<proxy::io_error> error;
    std::string bytes;
    bool is_done() const noexcept { return error.has_value(); }
};
proxy::detached read(proxy::connection& c, outcome_of_io& out);
proxy::detached write(proxy::connection& c, std::string_view text, outcome_of_io& out);
inline proxy::detached read(line& l, outcome_of_io& out) {
    return read(*l, out);
}
inline proxy::detached write(line& l, std::string_view text, outcome_of_io& out) {
    return write(*l, text, out);
}

} // namespace countersign::tests
