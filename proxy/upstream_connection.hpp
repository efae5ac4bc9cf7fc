// One connection to a service, plain or TLS. While it is idle in its destination's pool, bytes that nobody asked for
// and the other side's end retire it at once. One request at a time. Not thread-safe: one worker's.
#pragma once

#include "chain/connector.hpp"
#include "proxy/destination.hpp"
#include "proxy/net/buffers.hpp"
#include "proxy/net/connection.hpp"
#include "proxy/net/task.hpp"

#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy {

class worker;

class upstream_connection final
    : public boost::intrusive_ref_counter<upstream_connection, boost::thread_unsafe_counter>,
      public watched,
      private connection {
public:
    upstream_connection(worker& w, destination_ptr d);
    ~upstream_connection() override;

    // An idle connection that is silent, now busy; of those that have been proven to be since they were kept, the one
    // used last. Null when there is none.
    //
    // Silent means: since the answer before was read to its end, the system has been asked what there is to read, in
    // the round of events under way (poller) or by a read now, and there was no byte, no end, no alert; and nothing
    // unread lies in OpenSSL. What comes between that look and the first byte of the request cannot be told from an
    // answer: HTTP/1.1 numbers none, and on its way it could as well have come a moment later.
    static upstream_ptr take_idle(destination& d) noexcept;

    // Resolves, connects (to whichever address answers first), and shakes hands within the configured time-outs and by
    // `deadline`. failure() then says more.
    task<io_error> open(steady_time deadline);
    const std::string& failure() const noexcept { return failure_; }

    // Writes all of it. The deadline is for the whole. io_error::closed: the other side of a kept connection had gone
    // before a byte went out; what can still be read there is no answer to this.
    task<io_error> write(gather buffers, steady_time deadline);

    // Have bytes that were written not been acknowledged by the other side's system? Meant for a connection that has
    // ended: it then never got them.
    bool has_undelivered() const noexcept;

    // Waits for at least one more byte behind bytes(). REQUIRES: room() > 0.
    // io_error::none, closed, truncated, reset, timed_out, cancelled, tls_failed.
    task<io_error> read_more(steady_time deadline);

    std::string_view bytes() const noexcept { return {block_.begin() + begin_, end_ - begin_}; }
    void consume(std::size_t n) noexcept { begin_ += n; }
    std::size_t room() const noexcept;               // the first read takes a small block
    bool filled() const noexcept { return filled_; } // some read took all the room there was: there is much to come
    // Changes to a large block; the bytes move along.
    void use_large_block();
    // Makes room behind bytes() by moving them to the front.
    void compact() noexcept;

    // The last answer was read whole and the connection may carry another request. Goes back to the pool, or is
    // closed: when it is not silent, when the answer began before the request was out whole, when the pool is full.
    void keep();
    void close() noexcept { connection::close(); }
    void cancel(); // ends what is waiting with io_error::cancelled

    void on_tick(steady_time now) override;
    void on_ending(ending) override;
    void retire_expired(); // an idle one whose time is over; the worker calls it

private:
    void on_unasked() override;
    task<io_error> connect_to_any(steady_time deadline);
    task<io_error> await_addresses(steady_time deadline);
    std::vector<tcp::endpoint> addresses_in_turn() const;
    io_error take(const chain::connected& c, const tcp::endpoint& address);
    task<io_error> secure(steady_time deadline);
    io_error explain(io_error e) const noexcept;
    void retire();
    bool was_looked_at() const noexcept;

    worker& worker_;
    destination_ptr destination_;
    std::shared_ptr<chain::connector> connecting_; // while it does
    block block_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    steady_time deadline_;
    std::string failure_;
    std::uint64_t kept_in_ = 0; // round of the poller's
    bool filled_ = false;
    bool early_ = false; // the other side spoke before the request was out whole
    bool reused_ = false;
    bool idle_ = false;
    bool expired_ = false;
};

} // namespace countersign::proxy
