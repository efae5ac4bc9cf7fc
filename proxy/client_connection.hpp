// A client's connection, from accept to close: reads requests one after the other and has each answered. Between two of
// them it is this object and nothing else: no coroutine, no buffer. Owns itself. Runs on one worker's thread.
#pragma once

#include "proxy/exchange.hpp"
#include "proxy/exchange_store.hpp"
#include "proxy/net/connection.hpp"
#include "proxy/net/watched.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <string_view>

namespace countersign::proxy {

// Takes the connection over; `descriptor` is non-blocking. Whatever happens to this client ends with this client.
// Throws std::bad_alloc, and has not taken it over then.
void serve_client(int descriptor, const tcp::endpoint& peer, worker_state& w, exchange_store& store);

class client_connection final : public watched, public client, private connection::observer {
public:
    client_connection(const tcp::endpoint& peer, worker_state& w, exchange_store& store) noexcept;
    ~client_connection();
    io_error adopt(int descriptor) { return connection_.adopt_connected(descriptor); }

    // As the exchange under way sees it.
    read_buffer& buffer() noexcept override { return buffer_; }
    task<io_error> read_body(asio::mutable_buffer into, std::size_t& bytes) override;
    void interrupt_read() noexcept override { connection_.cancel(); }
    std::optional<io_error> try_write(gather& buffers) noexcept override;
    task<io_error> finish(gather buffers) override;
    void await_upstream() noexcept override { enter(phase::upstream); }
    std::string_view peer() const noexcept override { return {peer_text_.data(), peer_size_}; }

    void on_tick(steady_time now) override;
    void on_ending(ending e) override;
    void after_walk() override;

private:
    enum class phase : std::uint8_t { idle, head, body, upstream, writing, lingering };

    detached serve(); // from a request's first bytes until there are no more, or to the end
    task<bool> serve_requests();
    task<arrived_head> read_head();
    task<bool> serve_one(const arrived_head& head); // false: the connection ends
    task<> linger();
    bool rest() noexcept; // until bytes come; false: they are there, or the connection ends
    void step_behind(exchange& x) noexcept;

    void on_unasked() override;
    void on_progress() noexcept override { enter(phase::writing); }
    void enter(phase p) noexcept;
    task<io_error> read_more();
    io_error explain(io_error e) const noexcept; // the socket calls a deadline cancelled, too

    worker_state& worker_;
    exchange_store& store_;
    connection connection_;
    read_buffer buffer_;
    exchange* exchange_ = nullptr; // under way: to cancel when the client leaves
    steady_time deadline_;
    steady_time since_; // of the phase
    std::array<char, 56> peer_text_;
    std::uint8_t peer_size_ = 0;
    phase phase_ = phase::idle;
    bool is_fresh_ = true;    // no request yet
    bool is_expired_ = false; // cancelled by the deadline
};

} // namespace countersign::proxy
