// One thread of the proxy and everything it owns: its io_context, acceptors, connections, destinations, signing keys,
// retry budgets, counters, buffers. Workers share nothing that changes but two counters. A session uses the members as
// its surroundings; other threads only call the functions in the second block, which post to the worker.
#pragma once

#include "chain/refresh.hpp"
#include "chain/resolver.hpp"
#include "conf/config.hpp"
#include "proxy/destination.hpp"
#include "proxy/net/buffers.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/waits.hpp"
#include "proxy/net/watched.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/observe/metrics.hpp"
#include "proxy/rules/signed_as.hpp"
#include "proxy/rules/tenant.hpp"
#include "proxy/process.hpp"
#include "signer/key.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <climits>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

namespace countersign::proxy {

class client_connection;
class worker;
struct exchange;

struct give_exchange_back {
    worker* from;
    void operator()(exchange* e) const noexcept;
};
using lent_exchange = std::unique_ptr<exchange, give_exchange_back>;

// The same for all workers; outlives them.
struct shared_state {
    std::shared_ptr<const conf::config> config;
    std::string default_region;
    shared_tenants tenants; // null: nobody has to sign
    std::string via_name;   // unique to this process
    trust_store trusted;
    std::vector<tcp::endpoint> listeners;        // as bound
    std::optional<chain::name_service> names;    // in place of the machine's: for tests
    rate_limiters limiters;                      // asked for when a worker meets a new destination
    unsigned fitting_clients = UINT_MAX;         // as many as there are descriptors for; beside max_connections
    std::atomic<unsigned> client_connections{0}; // touched on accept and close only
    std::atomic<std::uint64_t> body_bytes{0};    // request bodies outside their blocks, against payload.memory_total
};

// The credentials of one identity, as this worker was told last.
struct held_identity {
    std::string name; // "default", "audit" …
    chain::snapshot known;
    keys_ptr keys;      // of the same: null without known.current
    wait_queue changed; // woken by each snapshot
};

class worker {
public:
    // Opens its acceptors (SO_REUSEPORT) on `shared.listeners`. Throws boost::system::system_error.
    explicit worker(shared_state& shared);
    ~worker();
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    void run(); // the thread's body: until stop()

    // --- From any thread ---
    void set_credentials(std::size_t identity, chain::snapshot s);
    void set_config(std::shared_ptr<const conf::config> c, std::string default_region, shared_tenants of = {});
    // No new clients; those whose handshake had begun are served. `drained` is called on the worker's thread.
    void drain(std::function<void()> drained);
    void stop();                                               // ends everything that is still under way
    void collect(std::function<void(worker_metrics)> receive); // called on the worker's thread
    // Set before run(); called on the worker's thread.
    std::function<void(std::size_t identity)> on_expired_credentials;

    // --- For sessions, on the worker's thread ---
    asio::io_context context;
    poller sockets;
    chain::resolver names;
    std::shared_ptr<const conf::config> config;
    std::string default_region;
    shared_tenants tenants; // as in shared_state
    shared_state& shared;
    boost::asio::ssl::context tls;
    block_pool small_blocks{16 * 1024, 64};
    block_pool large_blocks{128 * 1024, 8};
    watch_list watched_ones;
    std::vector<upstream_ptr> expired; // idle connections to be retired after the tick's walk
    destination_table destinations;
    signer::key_cache keys;
    signer::ecdsa_key_cache ecdsa_keys; // SigV4A
    signer::key_cache tenant_keys;      // of [[client]]
    worker_metrics metrics;
    access_log log;
    std::deque<held_identity> identities; // by conf::identity::number; none ever goes
    bool draining = false;

    // The time as of the event under way: read once for each, not once for each question.
    steady_time now() const noexcept { return clock_; }
    void refresh_clock() noexcept { clock_ = std::chrono::steady_clock::now(); }
    double random() { return std::uniform_real_distribution<double>{0, 1}(random_); }
    // Lent: goes back to the worker, emptied, when the pointer dies.
    lent_exchange take_exchange();
    void give_back(std::unique_ptr<exchange> e) noexcept;
    void connection_began() noexcept;
    void connection_ended() noexcept;
    // What is known of the addresses of plan.dial_host; a renewal is begun where it is due.
    chain::known_name::standing look_at_name(destination& d);
    // Has d.name looked up; d.resolved is woken when there is news. Nothing when the worker ends.
    void start_resolving(destination& d);

private:
    using executor = asio::io_context::executor_type;
    struct listener;

    void meet_identities(); // of the configuration
    enum class accepted : std::uint8_t { one, nobody, not_now };

    void accept_on(listener& l);
    bool is_full() const noexcept;
    void accept_all(listener& l);
    accepted accept_one(listener& l);
    void pause_accepting(listener& l);
    void close_listeners();
    void tick();
    void arm_tick();
    void flush_log(steady_time now) noexcept; // and what is to be told of lines that are missing
    void end_everything();
    void end_waiting() noexcept;
    void finish_walk();
    void resume_accepting();
    void check_drained();

    spare_descriptor spare_;
    pause::timer ticker_;
    asio::executor_work_guard<executor> work_;
    std::vector<std::unique_ptr<listener>> listeners_;
    std::vector<std::unique_ptr<exchange>> exchanges_;
    std::vector<destination_ptr> resolving_;
    std::mt19937_64 random_;
    std::function<void()> drained_;
    steady_time clock_ = std::chrono::steady_clock::now();
    steady_time listening_until_ = steady_time::max();
    std::uint64_t lost_lines_ = 0; // of the access log, counted already
    unsigned connections_ = 0;
    bool stopping_ = false;
};

} // namespace countersign::proxy
