#include "proxy/dial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace countersign::proxy {

namespace {

task<io_error> await_addresses(worker_state& w, destination& d, steady_time deadline, std::string& failure) {
    using standing = chain::known_name::standing;
    standing stands = w.look_at_name(d);
    if (stands == standing::unknown) {
        w.start_resolving(d);
        if (d.resolving) {
            const io_error e = co_await d.resolved.wait_until(deadline);
            if (e != io_error::none) {
                failure = fmt::format("{}: name resolution timed out", d.plan.dial_host);
                co_return e;
            }
        }
        stands = w.look_at_name(d);
    }
    if (stands == standing::fresh || stands == standing::stale) {
        co_return io_error::none;
    }
    const io_error e = stands == standing::untrusted ? io_error::address_refused : io_error::resolve_failed;
    const std::string& why = d.name->known.trouble();
    failure = fmt::format("{}: {}{}{}", d.plan.dial_host, to_string(e), why.empty() ? "" : ": ", why);
    co_return e;
}

// As the resolver sorts them (RFC 6724), but the one that answered last goes first.
std::vector<tcp::endpoint> addresses_in_turn(const destination& d) {
    const std::vector<asio::ip::address>& known = d.name->known.addresses();
    std::vector<tcp::endpoint> in_turn;
    for (const asio::ip::address& a : known) {
        in_turn.emplace_back(a, d.plan.dial_port);
    }
    if (d.reached) {
        const auto first = std::find(known.begin(), known.end(), *d.reached) - known.begin();
        if (first != std::ssize(known)) { // else the name does not lead there any more
            std::rotate(in_turn.begin(), in_turn.begin() + first, in_turn.begin() + first + 1);
        }
    }
    return in_turn;
}

task<io_error> connect_to_any(destination& d, upstream_connection& c, steady_time deadline, std::string& failure) {
    const std::vector<tcp::endpoint> addresses = addresses_in_turn(d);
    std::size_t which = 0;
    int error = 0;
    const io_error e = co_await c.connect(addresses, deadline, which, error);
    const tcp::endpoint& address = addresses[which];
    if (e == io_error::none) {
        d.reached = address.address();
        co_return e;
    }
    if (d.reached == address.address()) {
        d.reached.reset();
    }
    const char* const why = e == io_error::timed_out ? "no connection in time" : std::strerror(error);
    failure = fmt::format("{}:{}: {}", address.address().to_string(), address.port(), why);
    co_return e;
}

task<io_error>
secure(worker_state& w, destination& d, upstream_connection& c, steady_time deadline, std::string& failure) {
    const std::string& name = d.plan.tls_name;
    tls_session session = make_client_session(w.tls.native_handle(), name, d.ticket.get(), failure);
    if (!session) {
        failure = fmt::format("TLS with {}: {}", name, failure);
        co_return io_error::tls_failed;
    }
    const io_error e = co_await c.secure(std::move(session), d.ticket, deadline);
    if (e == io_error::none) {
        co_return e;
    }
    d.ticket->reset();
    if (e == io_error::timed_out || e == io_error::cancelled) {
        failure = "TLS handshake timed out";
        co_return e;
    }
    failure = fmt::format("TLS with {}: {}", name, c.tls() ? c.tls()->describe_failure() : "no memory");
    // Broken off before anything was wrong with the certificate: as if nobody had answered, so worth another attempt.
    const bool broke_off = e == io_error::reset || e == io_error::truncated;
    co_return broke_off&& c.tls() && c.tls()->is_peer_verified() ? io_error::connect_failed : io_error::tls_failed;
}

} // namespace

task<io_error>
dial(worker_state& w, destination& d, upstream_connection& c, steady_time deadline, std::string& failure) {
    const steady_time connect_by = std::min(w.now() + d.plan.limits.connect, deadline);
    io_error e = co_await await_addresses(w, d, connect_by, failure);
    if (e == io_error::none) {
        e = co_await connect_to_any(d, c, connect_by, failure);
    }
    if (e == io_error::none && !d.plan.tls_name.empty()) {
        e = co_await secure(w, d, c, std::min(w.now() + w.config->upstream.tls_timeout, deadline), failure);
    }
    co_return e;
}

} // namespace countersign::proxy
