// A client connection, from accept to close: reads requests one after the other, has each answered, and goes idle
// between them. While it is idle for more than a moment it holds no buffer. Runs on one worker's thread.
#pragma once

#include "proxy/exchange.hpp"
#include "proxy/net/buffers.hpp"
#include "proxy/net/connection.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/waits.hpp"
#include "proxy/net/watched.hpp"

#include <array>
#include <string_view>

namespace countersign::proxy {

class worker;
struct outcome;
struct tried_remedies;

// Takes the connection over. Never throws; whatever happens to this client ends with this client.
// `descriptor` is non-blocking.
detached serve_client(int descriptor, tcp::endpoint peer, worker& w);

class client_connection final : public watched, private connection {
public:
    client_connection(const tcp::endpoint& peer, worker& w) noexcept;
    ~client_connection() override;
    using connection::adopt;

    task<> run();

    // Writes all of it; more than body_timeout without progress ends it. Result through explain().
    auto write(const gather& buffers) {
        enter(phase::writing);
        return write_all(buffers);
    }
    // timed_out and cancelled look alike to a socket.
    io_error explain(io_error e) const noexcept;
    void await_upstream() noexcept { enter(phase::upstream); } // the upstream's deadlines count now
    // True when the client has left while its request was under way, or the proxy is being stopped.
    bool client_left() const noexcept { return left_; }
    void mark_left() noexcept { left_ = true; }
    bool closing() const noexcept { return closing_; } // the proxy drains: this answer is the last one
    worker& surroundings() noexcept { return worker_; }

    void on_tick(steady_time now) override;
    void on_ending(ending e) override;

private:
    enum class phase : std::uint8_t { idle, parked, head, body, upstream, writing, lingering };

    // A request's head in the block, or why there is none. An error: nobody is there to be answered.
    struct arrived_head {
        io_error error = io_error::none;
        head_error fault = head_error::none;
        bool is_late = false;
        std::size_t size = 0;
        steady_time began{}; // its first byte
    };

    // session.cpp
    task<bool> serve_one(const arrived_head& head); // false: the connection ends
    task<> serve(exchange& x, const arrived_head& head);
    task<> answer(exchange& x);
    task<> refuse(exchange& x);
    task<> linger();
    void record(exchange& x);

    // request_head.cpp
    task<bool> wait_for_bytes();
    task<arrived_head> read_head();
    void take_head(exchange& x, const arrived_head& head);
    void step_behind(exchange& x) noexcept; // to the bytes of the next request

    // restrictions.cpp
    std::optional<refusal> find_tenant(exchange& x) const;   // fills x.tenant and x.identity
    std::optional<refusal> verify_tenant(exchange& x) const; // with its body. REQUIRES: x.tenant
    std::optional<refusal> check_before_body(const exchange& x) const;
    std::optional<refusal> check_action(const exchange& x) const; // REQUIRES: prepare(x), rules
    task<> show_signed(exchange& x);                              // instead of sending it

    // attempts.cpp
    task<> exchange_with_upstream(exchange& x);
    // `named` is the destination of the client's host, wherever x.destination is meanwhile.
    task<bool> heal(exchange& x, const outcome& out, tried_remedies& tried, destination& named);
    void start_elsewhere(exchange& x);
    bool follow_redirect(exchange& x, const outcome& out, destination& named);
    bool correct_region(exchange& x, std::string_view region, destination& named);
    bool move_to(exchange& x, const redirect_target& to);
    task<bool> wait_before_retry(std::chrono::milliseconds delay);
    void abandon(exchange& x, std::string_view why); // the attempt; fills x.refused

    // request_body.cpp
    task<> read_body(exchange& x);
    task<io_error> read_known_length(exchange& x);
    task<io_error> read_chunked(exchange& x);
    bool reserve_body(exchange& x, std::size_t capacity);
    task<io_error> allow_body(exchange& x); // 100 Continue, where the client waits for it

    void on_progress() override { enter(phase::writing); }
    void enter(phase p) noexcept;
    void set_deadline(steady_time when) noexcept;
    task<io_error> read_more(); // into block_, behind end_
    std::string_view bytes() const noexcept { return {block_.begin() + begin_, end_ - begin_}; }
    bool make_room(); // behind end_; false at the limit of a head

    worker& worker_;
    std::array<char, 56> peer_text_; // "[address]:port", for the log
    std::uint8_t peer_size_ = 0;
    block block_;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
    steady_time deadline_;
    steady_time since_;                      // of the phase
    upstream_connection* attempt_ = nullptr; // to cancel when the client leaves
    pause::timer* retry_timer_ = nullptr;
    phase phase_ = phase::idle;
    bool fresh_ = true;    // no request yet
    bool expired_ = false; // cancelled by the deadline
    bool left_ = false;    // nobody is there to be answered
    bool closing_ = false; // draining: no further request
    bool is_local_;        // the client is on this machine
};

} // namespace countersign::proxy
