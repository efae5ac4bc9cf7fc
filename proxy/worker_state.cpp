#include "proxy/worker_state.hpp"

#include "proxy/net/address.hpp"

#include <utility>

namespace countersign::proxy {

worker_state::worker_state(shared_state& s, const outside& from)
    : shared(s), context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO), time(from.time), sockets(context, time, from.sockets),
      system_dials(context), config(s.config), default_region(s.default_region), tenants(s.tenants),
      tls(make_tls_context(*s.trusted)),
      upstream{sockets, time, blocks, watched_ones, from.dials ? *from.dials : system_dials, metrics},
      pool(upstream, s.config->upstream.max_idle_per_host), destinations(pool, &s.limiters, &s.throttling),
      names(context, is_public, s.names), log(s.config->log.format) {
    identities.emplace_back().name = "default";
    meet_identities();
}

chain::known_name::standing worker_state::look_at_name(destination& d) {
    if (!d.name) {
        d.name = names.find(d.plan.dial_host);
    }
    using wanted = chain::known_name::wanted;
    return names.check(d.name, now(), d.plan.public_only ? wanted::trusted : wanted::any);
}

void worker_state::start_resolving(destination& d) {
    if (d.resolving) {
        return;
    }
    d.resolving = names.ask(d.name, [this, kept = destination_ptr{&d}] {
        time.refresh();
        std::erase(resolving_, kept);
        kept->resolving = false;
        kept->resolved.wake_all();
    });
    if (d.resolving) {
        resolving_.emplace_back(&d);
    }
}

void worker_state::tick() {
    const steady_time at = now();
    for (watched& w : watched_ones) {
        w.on_tick(at);
    }
    finish_walk();
    for (held_identity& i : identities) {
        i.changed.expire(at);
    }
    const std::vector<destination_ptr> all = resolving_; // a resumed coroutine may change the list
    for (const destination_ptr& d : all) {
        d->resolved.expire(at);
    }
}

void worker_state::end_waiting() {
    for (held_identity& i : identities) {
        i.changed.wake_all(io_error::cancelled);
    }
    const std::vector<destination_ptr> all = resolving_;
    for (const destination_ptr& d : all) {
        d->resolved.wake_all(io_error::cancelled);
    }
}

void worker_state::client_came() noexcept {
    ++metrics.client_connections;
    ++metrics.client_connections_total;
    shared.client_connections.fetch_add(1, std::memory_order_relaxed);
}

void worker_state::client_went() noexcept {
    --metrics.client_connections;
    shared.client_connections.fetch_sub(1, std::memory_order_relaxed);
    if (on_client_gone) {
        on_client_gone();
    }
}

// Idle connections first: nobody waits for one, so nobody can have ended it before.
void worker_state::finish_walk() {
    pool.close_expired();
    for (watched* const w : std::exchange(over, {})) {
        w->after_walk();
    }
    sockets.resume_cancelled();
}

void worker_state::meet_identities() {
    for (const conf::identity& i : config->identities) {
        while (identities.size() <= i.number) {
            identities.emplace_back();
        }
        identities[i.number].name = i.name;
    }
}

} // namespace countersign::proxy
