// What the requests of one worker use: its clock, sockets, names, upstream connections, destinations, signing keys,
// counters, buffers. Nothing here knows a client. Everything on the worker's thread, but for what worker.hpp says.
#pragma once

#include "chain/refresh.hpp"
#include "chain/resolver.hpp"
#include "conf/config.hpp"
#include "proxy/destination.hpp"
#include "proxy/net/alarm.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/dialler.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/read_buffer.hpp"
#include "proxy/net/waits.hpp"
#include "proxy/net/watched.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/observe/metrics.hpp"
#include "proxy/rules/signed_as.hpp"
#include "proxy/shared_state.hpp"
#include "proxy/upstream_pool.hpp"
#include "signer/key.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace countersign::proxy {

// The credentials of one identity, as this worker was told last.
struct held_identity {
    std::string name; // "default", "audit" …
    chain::snapshot known;
    keys_ptr keys;      // of the same: null without known.current
    wait_queue changed; // woken by each snapshot
};

// What comes from outside; a simulation brings its own.
struct outside {
    time_source& time = system_time();
    socket_calls& sockets = system_sockets();
    dialler* dials = nullptr; // null: the system's
};

class worker_state {
public:
    // Throws std::runtime_error or boost::system::system_error.
    explicit worker_state(shared_state& s, const outside& from = {});
    worker_state(const worker_state&) = delete;
    worker_state& operator=(const worker_state&) = delete;

    shared_state& shared;
    asio::io_context context;
    clock time;
    poller sockets;
    system_dialler system_dials;
    std::shared_ptr<const conf::config> config;
    std::string default_region;
    shared_tenants tenants; // as in shared_state
    boost::asio::ssl::context tls;
    block_pools blocks;
    watch_list watched_ones;
    std::vector<watched*> over; // of a walk over them: their after_walk() comes when it has ended
    alarm_clock alarms;
    worker_metrics metrics;
    upstream_surroundings upstream;
    upstream_pool pool;
    destination_table destinations;
    chain::resolver names; // its look-ups hold destinations: it goes before the pool
    signer::key_cache keys;
    signer::ecdsa_key_cache ecdsa_keys; // SigV4A
    signer::key_cache tenant_keys;      // of [[client]]
    access_log log;
    std::deque<held_identity> identities;                             // by conf::identity::number; none ever goes
    std::function<void(std::size_t identity)> on_expired_credentials; // set before the thread runs
    std::function<void()> on_client_gone;                             // a client's connection has ended
    bool draining = false;

    // As of the event under way.
    steady_time now() const noexcept { return time.now(); }
    wall_time wall_now() const noexcept { return time.wall_now(); }

    void client_came() noexcept;
    void client_went() noexcept;

    // What is known of the addresses of plan.dial_host; a renewal is begun where it is due.
    chain::known_name::standing look_at_name(destination& d);
    // Has d.name looked up; d.resolved is woken when there is news. Nothing when the worker ends.
    void start_resolving(destination& d);

    // Ten times a second: ends what is late.
    void tick();
    void end_waiting(); // for names and credentials, as cancelled
    // Resumes what a walk over the watched ones only marked.
    void finish_walk();
    void meet_identities(); // of the configuration

private:
    std::vector<destination_ptr> resolving_;
};

} // namespace countersign::proxy
