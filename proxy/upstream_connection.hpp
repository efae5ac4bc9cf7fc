// One connection to a service, plain or TLS, and what was read from it. One request at a time; between two it lies in
// the pool (upstream_pool.hpp), where bytes that nobody asked for and the other side's end retire it at once. Not
// thread-safe: one worker's.
#pragma once

#include "proxy/net/clock.hpp"
#include "proxy/net/connection.hpp"
#include "proxy/net/dialler.hpp"
#include "proxy/net/read_buffer.hpp"
#include "proxy/net/watched.hpp"
#include "proxy/observe/metrics.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy {

// What a worker's upstream connections share. Outlives them.
struct upstream_surroundings {
    poller& sockets;
    clock& time;
    block_pools& blocks;
    watch_list& watched_ones;
    dialler& dials;
    worker_metrics& metrics;
};

class upstream_connection final : public watched, private connection::observer {
public:
    // Who keeps it while it is idle.
    class keeper {
    public:
        virtual void on_spoke(upstream_connection& c) = 0;         // something to be read. May destroy it
        virtual void on_over(upstream_connection& c) noexcept = 0; // its time is over. Must not destroy it

    protected:
        ~keeper() = default;
    };

    // `place`: where it leads to, as its keeper numbers places. `idle_limit`: how long it may rest.
    upstream_connection(
        const upstream_surroundings& s, keeper& k, std::uint64_t place, std::chrono::milliseconds idle_limit
    );
    ~upstream_connection() { --around_.metrics.upstream_connections; }
    upstream_connection(const upstream_connection&) = delete;
    upstream_connection& operator=(const upstream_connection&) = delete;

    // Connects to whichever of `addresses` answers first; `which` says which one, or one that did not. `error` is the
    // system's, where there is one.
    task<io_error>
    connect(const std::vector<tcp::endpoint>& addresses, steady_time deadline, std::size_t& which, int& error);
    // TLS over what is connected; `ticket` is where the session puts new ones. tls() describes a failure.
    task<io_error> secure(tls_session session, std::shared_ptr<session_ticket> ticket, steady_time deadline);
    const tls_layer* tls() const noexcept { return connection_.tls(); }

    // A request begins with begin_request(). try_write() takes what goes at once off the front; nullopt: not all of it,
    // and write() sends the rest, by the deadline. io_error::closed: the other side of a kept connection had gone
    // before a byte went out; what can still be read there is no answer to this. answered_early: the other side speaks,
    // and `buffers` has what was not sent.
    void begin_request() noexcept { connection_.socket().forget_sent(); }
    std::optional<io_error> try_write(gather& buffers) noexcept;
    task<io_error> write(gather& buffers, steady_time deadline);

    // Have bytes that were written not been acknowledged by the other side's system? Meant for a connection that has
    // ended: it then never got them.
    bool has_undelivered() const noexcept { return connection_.socket().has_unacknowledged(); }

    // Waits for at least one more byte behind the buffer's. REQUIRES: the buffer is not full.
    // io_error::none, closed, truncated, reset, timed_out, cancelled, tls_failed.
    task<io_error> read_more(steady_time deadline);
    read_buffer& buffer() noexcept { return buffer_; }
    std::string_view bytes() const noexcept { return buffer_.bytes(); }
    void consume(std::size_t n) noexcept { buffer_.consume(n); }

    void close() noexcept { connection_.close(); }
    void cancel(); // ends what is waiting with io_error::cancelled

    // Told once of what comes while nobody reads. null: nobody. Must outlive that.
    class listener {
    public:
        virtual void on_spoke() noexcept = 0;

    protected:
        ~listener() = default;
    };
    void tell(listener* l) noexcept { listener_ = l; }
    bool has_spoken() noexcept { return connection_.heard(); } // there is something to be read

    // For the keeper. May it carry another request, as far as what was read of the last answer says? Asks the system.
    bool is_silent() noexcept;
    void rest() noexcept;                     // idle from now on
    bool resume_if_silent(bool ask) noexcept; // busy from now on; `ask`: the poller may not know what has come
    // Since it rests a round of the poller's has begun: had there been anything, that would have noted it.
    bool was_looked_at() const noexcept;
    std::uint64_t place() const noexcept { return place_; }

    void on_tick(steady_time now) override;
    void on_ending(ending) override;

private:
    void on_unasked() override;
    io_error explain(io_error e) const noexcept;
    io_error note_written(io_error e) noexcept;

    const upstream_surroundings& around_;
    keeper& keeper_;
    const std::uint64_t place_;
    const std::chrono::milliseconds idle_limit_;
    std::shared_ptr<session_ticket> ticket_; // outlives the connection
    connection connection_;
    std::shared_ptr<dialling> connecting_; // while it does
    read_buffer buffer_;
    listener* listener_ = nullptr;
    steady_time deadline_ = steady_time::max();
    std::uint64_t resting_since_ = 0; // round of the poller's
    bool spoke_early_ = false;        // the other side, before the request was out whole
    bool is_reused_ = false;
    bool is_idle_ = false;
    bool is_expired_ = false; // cancelled by the deadline
};

} // namespace countersign::proxy
