// A whole proxy in this process: listeners, workers with a thread each, the identities that sign, and the admin
// listener, made from a configuration alone. It knows no command line, no signals and no exit status: these are the
// caller's (serve.cpp). A program may have several, on one io_context or on several.
//
// Thread rule: everything here is called on the control thread, which runs `control`; start() may come before that, and
// join() after it. Callbacks come on the control thread, never from inside the call that was given them. Nothing of the
// caller's runs on the workers' threads.
// Failure: the constructor and start() throw; once started, a fault is a line of the log.
#pragma once

#include "chain/region.hpp"
#include "chain/world.hpp"
#include "conf/config.hpp"
#include "proxy/identity_refreshers.hpp"
#include "proxy/observe/admin.hpp"
#include "proxy/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace countersign::proxy {

// Where a server listens, with the port that the system chose wherever the configuration has 0.
struct server_addresses {
    std::vector<tcp::endpoint> proxy; // in the order of listen.address
    std::optional<tcp::endpoint> admin;
};

class server {
public:
    // Opens and reads nothing yet. `control` outlives the server, and is not run any more when the server has gone.
    server(asio::io_context& control, conf::config c);
    // Stops and waits for the workers, if that has not been done.
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // Listens, asks for credentials and serves from here on. Finds the region first, where one is needed: that may mean
    // waiting for the instance's metadata service. Where the configuration cannot be carried out, throws conf::error or
    // boost::system::system_error with one line for the user, and the server is of no use any more. Call it once.
    server_addresses start();

    const conf::config& config() const noexcept { return *shared_.config; } // in force

    // `read` is called at once and returns the new configuration. Where it throws, or its configuration cannot be
    // carried out, everything stays as it was and the log says why. Requests under way keep the old one, later requests
    // meet the new one, at the latest when a missing region is found. Credentials are loaded anew in any case.
    // Listeners, workers, [credentials] and the log stay as they were at the start: a change there is only warned of.
    void reload(const std::function<conf::config()>& read);

    // Takes no new clients and finishes the requests under way, but cuts them off when listen.drain_timeout has passed.
    // Then stops and calls `stopped`, also when stop() comes first. REQUIRES: start() has returned. Call it once.
    void drain(std::function<void()> stopped = {});
    bool is_draining() const noexcept { return draining_; }

    // Ends everything, requests under way too. Nothing of the server keeps `control` running afterwards. A second call
    // does nothing. REQUIRES: start() has returned.
    void stop();

    // Waits until the workers' threads have ended. REQUIRES: stop() was called, or drain() has called back.
    void join();

private:
    void use_region(const chain::result<chain::region_choice>& found);
    void reserve_ports();
    void start_workers();
    void start_admin();
    void start_identities();
    void run_workers();
    void take_over(conf::config& read, const std::optional<chain::result<chain::region_choice>>& region);
    void give_to_workers(std::shared_ptr<const conf::config> c, const shared_tenants& tenants);
    void keep_config(const std::exception& why);
    void warn_of_restart(const conf::config& c) const;
    void note_drained();
    void watch_log();
    readiness ready() const;
    void collect(std::function<void(std::vector<worker_metrics>)> receive);

    asio::io_context& control_;
    chain::system_world outside_;
    asio::steady_timer limit_; // of the drain
    asio::steady_timer log_timer_;
    shared_state shared_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<std::thread> threads_;
    std::unique_ptr<identities> identities_;
    std::unique_ptr<admin> admin_;
    std::function<void()> on_stopped_;
    bool draining_ = false;
    bool stopped_ = false;
    unsigned reloads_ = 0;    // asked for so far
    std::size_t drained_ = 0; // workers
};

} // namespace countersign::proxy
