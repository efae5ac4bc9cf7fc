#include "proxy/worker.hpp"

#include "proxy/client_connection.hpp"
#include "proxy/net/close_on_exec.hpp"
#include "proxy/net/last_handshakes.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/rules/healing.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::proxy {

namespace {

using namespace std::chrono_literals;

constexpr auto tick_length = 100ms;
constexpr auto accept_pause = 100ms; // after EMFILE and its like
constexpr int patient_pauses = 10;   // then whoever is in the queue is told
constexpr int most_accepts = 16;     // in a row, before those who are served have their turn

constexpr auto handshake_limit = 100ms; // of those that have begun when the proxy drains: a round trip

using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

} // namespace

struct worker::listener {
    asio::basic_socket_acceptor<tcp, executor> socket;
    pause::timer retry;   // after an error that time may heal
    bool waiting = false; // an accept is under way
    int pauses = 0;       // one after the other, with nobody accepted in between
};

worker::worker(shared_state& g)
    : state_(g), ticker_(state_.context), alarm_(state_.context), work_(state_.context.get_executor()) {
    state_.on_client_gone = [this] { client_gone(); };
    state_.alarms.on_earlier = [this] { arm_alarm(); };
    for (const tcp::endpoint& address : g.listeners) {
        auto l = std::make_unique<listener>(listener{
            decltype(listener::socket){state_.context}, pause::timer{state_.context}});
        l->socket.open(address.protocol());
        close_on_exec(l->socket.native_handle());
        l->socket.set_option(asio::socket_base::reuse_address{true});
        l->socket.set_option(reuse_port{true});
        l->socket.bind(address);
        l->socket.listen(4096);
        l->socket.native_non_blocking(true);
        listeners_.push_back(std::move(l));
    }
}

worker::~worker() = default;

void worker::run() {
    limit_lines_of_this_thread();
    for (const auto& l : listeners_) {
        accept_on(*l);
    }
    state_.sockets.start();
    arm_tick();
    state_.context.run();
    flush_log(steady_time::max());
}

bool worker::is_full() const noexcept {
    return state_.shared.client_connections.load(std::memory_order_relaxed) >=
           std::min(state_.config->listen.max_connections, state_.shared.fitting_clients);
}

void worker::accept_on(listener& l) {
    if (!l.socket.is_open() || l.waiting || is_full()) {
        return; // resume_accepting() goes on when a client has gone
    }
    l.waiting = true;
    l.socket.async_wait(tcp::acceptor::wait_read, [this, &l](boost::system::error_code e) {
        l.waiting = false;
        if (!e && l.socket.is_open()) {
            state_.time.refresh();
            accept_all(l);
        }
    });
}

void worker::accept_all(listener& l) {
    for (int i = 0; i < most_accepts && !is_full(); ++i) {
        const accepted result = accept_one(l);
        if (result == accepted::not_now) {
            pause_accepting(l);
            return;
        }
        if (result == accepted::nobody) {
            break;
        }
        l.pauses = 0;
    }
    accept_on(l);
}

// nobody: the queue is empty. not_now: errno says what there is too little of.
worker::accepted worker::accept_one(listener& l) {
    tcp::endpoint peer;
    socklen_t size = 0;
    int descriptor = -1;
    do { // whoever has left already does not stand for those behind
        size = static_cast<socklen_t>(peer.capacity());
        descriptor = ::accept4(l.socket.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (descriptor < 0 && (errno == ECONNABORTED || errno == EPROTO || errno == EINTR));
    if (descriptor < 0) {
        const bool is_short = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return is_short ? accepted::not_now : accepted::nobody;
    }
    peer.resize(size);
    try {
        serve_client(descriptor, peer, state_, exchanges_);
    } catch (const std::bad_alloc&) { // nobody else owns the descriptor
        ::close(descriptor);
        errno = ENOMEM;
        return accepted::not_now;
    }
    return accepted::one;
}

// Out of descriptors or memory: those who are served now will free some, and who waits in the queue is not lost. No
// busy loop meanwhile. After a second of it nobody is left to wait in vain.
void worker::pause_accepting(listener& l) {
    spdlog::warn("cannot accept connections for a moment: {}", std::strerror(errno));
    if (++l.pauses > patient_pauses) {
        for (int i = 0; i < most_accepts && spare_.turn_one_away(l.socket.native_handle()); ++i) {
        }
    }
    l.retry.expires_after(accept_pause);
    l.retry.async_wait([this, &l](boost::system::error_code) { accept_on(l); });
}

void worker::client_gone() {
    if (state_.draining) {
        check_drained();
    }
    if (stopping_ && state_.metrics.client_connections == 0) {
        end_waiting();
    }
}

// Another worker's clients may have filled the limit: the tick asks again.
void worker::resume_accepting() {
    for (const auto& l : listeners_) {
        if (l->socket.is_open() && !l->waiting && l->retry.expiry() <= state_.now()) {
            accept_on(*l);
        }
    }
}

void worker::arm_tick() {
    ticker_.expires_after(tick_length);
    ticker_.async_wait([this](boost::system::error_code e) {
        if (!e) {
            tick();
        }
    });
}

void worker::arm_alarm() {
    alarm_.expires_at(state_.alarms.next());
    alarm_.async_wait([this](boost::system::error_code e) {
        if (e) { // there is an earlier one
            return;
        }
        state_.time.refresh();
        state_.alarms.ring(state_.now());
        if (state_.alarms.next() != alarm_clock::never) {
            arm_alarm();
        }
    });
}

void worker::tick() {
    state_.time.refresh();
    const steady_time time = state_.now();
    state_.tick();
    if (time >= listening_until_) {
        close_listeners();
    }
    resume_accepting();
    flush_log(time);
    if (stopping_) {
        end_everything(); // also what was just between two waits before
    }
    if (!stopping_ || state_.metrics.client_connections != 0) {
        arm_tick();
    }
}

void worker::flush_log(steady_time now) noexcept {
    state_.log.flush();
    count_lost_lines(state_.log.lost() - std::exchange(lost_lines_, state_.log.lost()));
    tell_of_missing_lines(now);
}

void worker::set_credentials(std::size_t identity, chain::snapshot s) {
    asio::post(state_.context, [this, identity, s = std::move(s)]() mutable {
        state_.time.refresh();
        held_identity& who = state_.identities[identity];
        if (!same_keys(who.known.current.get(), s.current.get())) { // those of the old ones are of no more use
            state_.keys.clear();
            state_.ecdsa_keys.clear();
        }
        who.known = std::move(s);
        who.keys.reset(who.known.current ? new held_keys{who.known.current} : nullptr);
        who.changed.wake_all();
    });
}

void worker::set_config(std::shared_ptr<const conf::config> c, std::string region, shared_tenants of) {
    asio::post(state_.context, [this, c = std::move(c), region = std::move(region), of = std::move(of)]() mutable {
        state_.config = std::move(c);
        state_.meet_identities();
        state_.tenants = std::move(of);
        state_.tenant_keys.clear();
        state_.default_region = std::move(region);
        state_.pool.limit(state_.draining ? 0 : state_.config->upstream.max_idle_per_host);
        state_.destinations.clear();
        state_.names.forget_all();
    });
}

void worker::collect(std::function<void(worker_metrics)> receive) {
    asio::post(state_.context, [this, receive = std::move(receive)] { receive(state_.metrics); });
}

// To close a listener resets whoever its queue still holds, and whoever is in the middle of a handshake. So no new
// handshake begins from here on, those that have begun get a moment to end, and their clients are accepted.
void worker::drain(std::function<void()> drained) {
    asio::post(state_.context, [this, drained = std::move(drained)]() mutable {
        state_.time.refresh();
        state_.draining = true;
        state_.pool.limit(0);
        drained_ = std::move(drained);
        listening_until_ = state_.now() + handshake_limit;
        for (const auto& l : listeners_) {
            ignore_new_handshakes(l->socket.native_handle());
        }
        state_.destinations.clear();
        for (watched& w : state_.watched_ones) {
            w.on_ending(watched::ending::soon);
        }
        state_.finish_walk();
    });
}

void worker::close_listeners() {
    for (const auto& l : listeners_) {
        while (l->socket.is_open() && !is_full() && accept_one(*l) == accepted::one) {
        }
        boost::system::error_code ignored;
        l->socket.close(ignored);
        l->retry.cancel();
    }
    listening_until_ = steady_time::max();
    check_drained();
}

void worker::check_drained() {
    const bool may_come = listening_until_ != steady_time::max();
    if (state_.metrics.client_connections == 0 && !may_come && drained_) {
        std::exchange(drained_, nullptr)();
    }
}

// What is still under way has its operations cancelled; the coroutines then run to their ends. One whose operation had
// just succeeded waits anew: the tick goes on asking until the last client has gone.
void worker::stop() {
    asio::post(state_.context, [this] {
        state_.draining = stopping_ = true;
        state_.pool.limit(0);
        drained_ = nullptr;
        state_.names.stop();
        close_listeners();
        state_.destinations.clear();
        end_everything();
        work_.reset();
    });
}

void worker::end_everything() {
    for (watched& w : state_.watched_ones) {
        w.on_ending(watched::ending::now);
    }
    state_.finish_walk();
    state_.end_waiting();
    if (state_.metrics.client_connections == 0) {
        end_waiting();
    }
}

// Nobody waits for a socket or a deadline any more: run() can end.
void worker::end_waiting() noexcept {
    state_.sockets.stop();
    ticker_.cancel();
}

} // namespace countersign::proxy
