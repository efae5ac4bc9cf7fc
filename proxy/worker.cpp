#include "proxy/worker.hpp"

#include "proxy/client_connection.hpp"
#include "proxy/net/address.hpp"
#include "proxy/net/close_on_exec.hpp"
#include "proxy/net/last_handshakes.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/rules/healing.hpp"
#include "proxy/upstream_connection.hpp"

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
constexpr std::size_t kept_exchanges = 64;
constexpr int most_accepts = 16; // in a row, before those who are served have their turn

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
    : context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO), sockets(context, *this), names(context, is_public, g.names),
      config(g.config), default_region(g.default_region), tenants(g.tenants), shared(g),
      tls(make_tls_context(*g.trusted)), destinations(&g.limiters), log(g.config->log.format), ticker_(context),
      work_(context.get_executor()), random_(std::random_device{}()) {
    identities.emplace_back().name = "default";
    meet_identities();
    for (const tcp::endpoint& address : g.listeners) {
        auto l = std::make_unique<listener>(listener{decltype(listener::socket){context}, pause::timer{context}});
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
    sockets.start();
    arm_tick();
    context.run();
    flush_log(steady_time::max());
}

bool worker::is_full() const noexcept {
    return shared.client_connections.load(std::memory_order_relaxed) >=
           std::min(config->listen.max_connections, shared.fitting_clients);
}

void worker::accept_on(listener& l) {
    if (!l.socket.is_open() || l.waiting || is_full()) {
        return; // resume_accepting() goes on when a session has ended
    }
    l.waiting = true;
    l.socket.async_wait(tcp::acceptor::wait_read, [this, &l](boost::system::error_code e) {
        l.waiting = false;
        if (!e && l.socket.is_open()) {
            refresh_clock();
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
        serve_client(descriptor, peer, *this);
    } catch (const std::bad_alloc&) { // no memory for its coroutine, so nobody else owns the descriptor
        ::close(descriptor);
        errno = ENOMEM;
        return accepted::not_now;
    }
    return accepted::one;
}

// Out of descriptors or memory: those who are served now will free some, and who waits in the queue is not lost. No busy
// loop meanwhile. After a second of it nobody is left to wait in vain.
void worker::pause_accepting(listener& l) {
    spdlog::warn("cannot accept connections for a moment: {}", std::strerror(errno));
    if (++l.pauses > patient_pauses) {
        for (int i = 0; i < most_accepts && spare_.turn_one_away(l.socket.native_handle()); ++i) {
        }
    }
    l.retry.expires_after(accept_pause);
    l.retry.async_wait([this, &l](boost::system::error_code) { accept_on(l); });
}

void worker::connection_began() noexcept {
    ++connections_;
    ++metrics.client_connections;
    ++metrics.client_connections_total;
    shared.client_connections.fetch_add(1, std::memory_order_relaxed);
}

void worker::connection_ended() noexcept {
    --connections_;
    --metrics.client_connections;
    shared.client_connections.fetch_sub(1, std::memory_order_relaxed);
    if (draining) {
        check_drained();
    }
    if (stopping_ && connections_ == 0) {
        end_waiting();
    }
}

// Another worker's clients may have filled the limit: the tick asks again.
void worker::resume_accepting() {
    for (const auto& l : listeners_) {
        if (l->socket.is_open() && !l->waiting && l->retry.expiry() <= now()) {
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

void worker::tick() {
    refresh_clock();
    const steady_time time = now();
    for (watched& w : watched_ones) {
        w.on_tick(time);
    }
    finish_walk();
    for (held_identity& i : identities) {
        i.changed.expire(time);
    }
    const std::vector<destination_ptr> resolving = resolving_; // a resumed coroutine may change the list
    for (const destination_ptr& d : resolving) {
        d->resolved.expire(time);
    }
    if (time >= listening_until_) {
        close_listeners();
    }
    resume_accepting();
    flush_log(time);
    if (stopping_) {
        end_everything(); // also what was just between two waits before
    }
    if (!stopping_ || connections_ != 0) {
        arm_tick();
    }
}

void worker::flush_log(steady_time now) noexcept {
    log.flush();
    count_lost_lines(log.lost() - std::exchange(lost_lines_, log.lost()));
    tell_of_missing_lines(now);
}

lent_exchange worker::take_exchange() {
    if (exchanges_.empty()) {
        exchanges_.reserve(kept_exchanges); // giving back allocates nothing
        return {new exchange, {this}};
    }
    exchange* const e = exchanges_.back().release();
    exchanges_.pop_back();
    return {e, {this}};
}

void give_exchange_back::operator()(exchange* e) const noexcept {
    from->give_back(std::unique_ptr<exchange>{e});
}

void worker::give_back(std::unique_ptr<exchange> e) noexcept {
    if (e->body_reserved != 0) {
        shared.body_bytes.fetch_sub(std::exchange(e->body_reserved, 0), std::memory_order_relaxed);
    }
    e->reset();
    if (exchanges_.size() < kept_exchanges) {
        exchanges_.push_back(std::move(e));
    }
}

chain::known_name::standing worker::look_at_name(destination& d) {
    if (!d.name) {
        d.name = names.find(d.plan.dial_host);
    }
    using wanted = chain::known_name::wanted;
    return names.check(d.name, now(), d.plan.public_only ? wanted::trusted : wanted::any);
}

void worker::start_resolving(destination& d) {
    if (d.resolving) {
        return;
    }
    d.resolving = names.ask(d.name, [this, kept = destination_ptr{&d}] {
        refresh_clock();
        std::erase(resolving_, kept);
        kept->resolving = false;
        kept->resolved.wake_all();
    });
    if (d.resolving) {
        resolving_.emplace_back(&d);
    }
}

void worker::meet_identities() {
    for (const conf::identity& i : config->identities) {
        while (identities.size() <= i.number) {
            identities.emplace_back();
        }
        identities[i.number].name = i.name;
    }
}

void worker::set_credentials(std::size_t identity, chain::snapshot s) {
    asio::post(context, [this, identity, s = std::move(s)]() mutable {
        refresh_clock();
        held_identity& who = identities[identity];
        if (!same_keys(who.known.current.get(), s.current.get())) { // those of the old ones are of no more use
            keys.clear();
            ecdsa_keys.clear();
        }
        who.known = std::move(s);
        who.keys.reset(who.known.current ? new held_keys{who.known.current} : nullptr);
        who.changed.wake_all();
    });
}

void worker::set_config(std::shared_ptr<const conf::config> c, std::string region, shared_tenants of) {
    asio::post(context, [this, c = std::move(c), region = std::move(region), of = std::move(of)]() mutable {
        config = std::move(c);
        meet_identities();
        tenants = std::move(of);
        tenant_keys.clear();
        default_region = std::move(region);
        destinations.clear();
        names.forget_all();
    });
}

void worker::collect(std::function<void(worker_metrics)> receive) {
    asio::post(context, [this, receive = std::move(receive)] { receive(metrics); });
}

// To close a listener resets whoever its queue still holds, and whoever is in the middle of a handshake. So no new
// handshake begins from here on, those that have begun get a moment to end, and their clients are accepted.
void worker::drain(std::function<void()> drained) {
    asio::post(context, [this, drained = std::move(drained)]() mutable {
        refresh_clock();
        draining = true;
        drained_ = std::move(drained);
        listening_until_ = now() + handshake_limit;
        for (const auto& l : listeners_) {
            ignore_new_handshakes(l->socket.native_handle());
        }
        destinations.clear();
        for (watched& w : watched_ones) {
            w.on_ending(watched::ending::soon);
        }
        finish_walk();
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
    if (connections_ == 0 && !may_come && drained_) {
        std::exchange(drained_, nullptr)();
    }
}

// What is still under way has its operations cancelled; the coroutines then run to their ends. One whose operation had
// just succeeded waits anew: the tick goes on asking until the last session has ended.
void worker::stop() {
    asio::post(context, [this] {
        draining = stopping_ = true;
        drained_ = nullptr;
        names.stop();
        close_listeners();
        destinations.clear();
        end_everything();
        work_.reset();
    });
}

void worker::end_everything() {
    for (watched& w : watched_ones) {
        w.on_ending(watched::ending::now);
    }
    finish_walk();
    for (held_identity& i : identities) {
        i.changed.wake_all(io_error::cancelled);
    }
    for (const destination_ptr& d : std::vector<destination_ptr>{resolving_}) {
        d->resolved.wake_all(io_error::cancelled);
    }
    if (connections_ == 0) {
        end_waiting();
    }
}

// Nobody waits for a socket or a deadline any more: run() can end.
void worker::end_waiting() noexcept {
    sockets.stop();
    ticker_.cancel();
}

// What the walk over the watched ones only marked.
void worker::finish_walk() {
    sockets.resume_cancelled();
    for (const upstream_ptr& c : std::exchange(expired, {})) {
        c->retire_expired();
    }
}

} // namespace countersign::proxy
