#include "proxy/serve.hpp"

#include "chain/region.hpp"
#include "chain/world.hpp"
#include "conf/load.hpp"
#include "proxy/identity_refreshers.hpp"
#include "proxy/net/close_on_exec.hpp"
#include "proxy/observe/admin.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/own_proxy.hpp"
#include "proxy/process.hpp"
#include "proxy/settings.hpp"
#include "proxy/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>

namespace countersign::proxy {

namespace {

std::string unique_via_name() {
    std::random_device chance;
    return fmt::format("countersign-{:08x}{:08x}", chance(), chance());
}

std::vector<tcp::endpoint> resolve_listeners(asio::io_context& context, const conf::listen_settings& listen) {
    std::vector<tcp::endpoint> out;
    tcp::resolver resolver{context};
    for (const conf::endpoint& e : listen.address) {
        const auto found =
            resolver.resolve(e.host, std::to_string(e.port), tcp::resolver::passive | tcp::resolver::numeric_service);
        out.push_back(found.begin()->endpoint());
    }
    return out;
}

std::string to_text(const tcp::endpoint& e) {
    return e.address().is_v6() ? fmt::format("[{}]:{}", e.address().to_string(), e.port())
                               : fmt::format("{}:{}", e.address().to_string(), e.port());
}

// Signals, credentials, admin listener and the workers' life, all on the main thread.
class control {
public:
    explicit control(const serve_arguments& a)
        : arguments_(a), outside_(context_), signals_(context_, SIGTERM, SIGINT, SIGHUP), limit_(context_),
          log_timer_(context_) {
        shared_.config = std::make_shared<const conf::config>(load_settings(a));
    }
    int run();

private:
    const conf::config& settings() const noexcept { return *shared_.config; }
    void find_region();
    void use_region(const chain::result<chain::region_choice>& found);
    void reserve_ports();
    void start_workers();
    void start_admin();
    void await_signal();
    void reload();
    void take_over(conf::config& read, const std::optional<chain::result<chain::region_choice>>& region);
    void keep_on(const std::exception& why);
    void warn_of_restart(const conf::config& c) const;
    void drain();
    void stop_workers();
    void watch_log();
    readiness ready() const;
    void collect(std::function<void(std::vector<worker_metrics>)> receive);

    serve_arguments arguments_;
    asio::io_context context_{1};
    chain::system_world outside_;
    asio::signal_set signals_;
    asio::steady_timer limit_; // of the drain
    asio::steady_timer log_timer_;
    shared_state shared_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<std::thread> threads_;
    std::unique_ptr<identities> identities_;
    std::unique_ptr<admin> admin_;
    bool draining_ = false;
    bool stopped_ = false;
    unsigned reloads_ = 0; // asked for so far
    std::size_t drained_ = 0;
};

int control::run() {
    start_log(settings().log.level, settings().log.format);
    shared_.via_name = unique_via_name();
    shared_.trusted = make_trust_store(settings().upstream.ca_file);
    shared_.listeners = resolve_listeners(context_, settings().listen);
    shared_.tenants = read_tenants(settings(), outside_);
    find_region();
    context_.restart(); // it ran dry when the region was found
    start_workers();
    if (const std::string warning = own_proxy_warning(outside_, shared_.listeners); !warning.empty()) {
        spdlog::warn("{}", warning);
    }
    start_admin();
    identities_ = std::make_unique<identities>(
        context_,
        outside_,
        settings(),
        [this](std::size_t identity, const chain::snapshot& s) {
            for (const auto& w : workers_) {
                w->set_credentials(identity, s);
            }
        }
    );
    identities_->start();
    await_signal();
    watch_log();
    for (const tcp::endpoint& e : shared_.listeners) {
        spdlog::info("listening on http://{}", to_text(e));
    }
    for (const auto& w : workers_) {
        threads_.emplace_back([&w] { w->run(); });
    }
    context_.run();
    for (std::thread& t : threads_) {
        t.join();
    }
    tell_of_missing_lines(std::chrono::steady_clock::time_point::max());
    return 0;
}

// Only where a route needs it: with a region in every name, no file is read and no instance asked.
void control::find_region() {
    if (!needs_default_region(settings())) {
        return;
    }
    const chain::chain_settings from = chain_settings_of(settings());
    std::optional<chain::result<chain::region_choice>> found;
    asio::co_spawn(
        context_,
        chain::resolve_region(outside_, from, settings().credentials.region),
        [&found](std::exception_ptr, chain::result<chain::region_choice> r) { found = std::move(r); }
    );
    while (!found && context_.run_one() != 0) {
    }
    if (!found) {
        throw conf::error{"the region could not be resolved"};
    }
    use_region(*found);
}

void control::use_region(const chain::result<chain::region_choice>& found) {
    if (!found) {
        throw conf::error{found.error().detail};
    }
    shared_.default_region = found->region;
    spdlog::log(
        found->is_fallback ? spdlog::level::warn : spdlog::level::info,
        "region {} from {}",
        found->region,
        found->origin
    );
}

// SO_REUSEPORT would let a second proxy of the same user share our ports unnoticed: each is bound once without it.
// Port 0: the system chooses one here, and all workers join it.
void control::reserve_ports() {
    for (tcp::endpoint& e : shared_.listeners) {
        tcp::acceptor first{context_};
        first.open(e.protocol());
        close_on_exec(first.native_handle());
        first.set_option(asio::socket_base::reuse_address{true});
        boost::system::error_code taken;
        first.bind(e, taken);
        if (taken) {
            throw conf::error{fmt::format("cannot listen on {}: {}", to_text(e), taken.message())};
        }
        e = first.local_endpoint();
    }
}

void control::start_workers() {
    reserve_ports();
    const unsigned wanted = settings().listen.workers;
    const unsigned count = wanted != 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
    ground_.fitting_clients = limit_clients(settings().listen, count);
    for (unsigned i = 0; i < count; ++i) {
        auto w = std::make_unique<worker>(shared_);
        w->state().on_expired_credentials = [this](std::size_t identity) {
            asio::post(context_, [this, identity] { identities_->load_now(identity); });
        };
        workers_.push_back(std::move(w));
    }
}

void control::start_admin() {
    if (!settings().admin.address) {
        return;
    }
    conf::listen_settings only;
    only.address = {*settings().admin.address};
    admin_sources sources;
    sources.ready = [this] { return ready(); };
    sources.credentials = [this] { return identities_->gauges(); };
    sources.collect = [this](auto receive) { collect(std::move(receive)); };
    admin_ = std::make_unique<admin>(context_, resolve_listeners(context_, only).front(), std::move(sources));
    admin_->start();
    spdlog::info("admin on http://{}", to_text(admin_->local()));
}

readiness control::ready() const {
    readiness r = identities_->ready(settings());
    if (draining_) {
        r.state = readiness_state::draining;
    }
    return r;
}

// Each worker copies its counters on its own thread; the last copy to arrive completes the collection.
void control::collect(std::function<void(std::vector<worker_metrics>)> receive) {
    struct collection {
        std::vector<worker_metrics> copies;
        std::function<void(std::vector<worker_metrics>)> receive;
    };
    auto all = std::make_shared<collection>();
    all->receive = std::move(receive);
    for (const auto& w : workers_) {
        w->collect([this, all](worker_metrics copy) {
            asio::post(context_, [this, all, copy = std::move(copy)]() mutable {
                all->copies.push_back(std::move(copy));
                if (all->copies.size() == workers_.size()) {
                    all->receive(std::move(all->copies));
                }
            });
        });
    }
}

void control::await_signal() {
    signals_.async_wait([this](boost::system::error_code e, int number) {
        if (e) {
            return;
        }
        if (number == SIGHUP) {
            reload();
        } else if (!draining_) {
            drain();
        } else {
            stop_workers(); // asked twice
            return;
        }
        await_signal();
    });
}

// What was decided once, at the start.
void control::warn_of_restart(const conf::config& c) const {
    const conf::config& now = settings();
    const bool same_identity = c.credentials.profile == now.credentials.profile &&
                               c.credentials.region == now.credentials.region &&
                               c.credentials.access_key_id == now.credentials.access_key_id &&
                               c.credentials.secret_access_key_file == now.credentials.secret_access_key_file;
    if (c.listen.address != now.listen.address || c.listen.workers != now.listen.workers ||
        c.admin.address != now.admin.address || c.upstream.ca_file != now.upstream.ca_file || !same_identity ||
        c.log.level != now.log.level || c.log.format != now.log.format) {
        spdlog::warn("listen.address, listen.workers, admin.address, upstream.ca_file, [credentials], log.level "
                     "and log.format change at the next start only");
    }
}

void control::reload() {
    ++reloads_;
    outside_.forget_names();
    try {
        const auto read = std::make_shared<conf::config>(load_settings(arguments_));
        warn_of_restart(*read);
        read->credentials = settings().credentials;
        if (!needs_default_region(*read)) {
            take_over(*read, {});
            return;
        }
        // Not waited for here: what is posted while this runs is run only behind it.
        asio::co_spawn(
            context_,
            chain::resolve_region(outside_, chain_settings_of(*read), read->credentials.region),
            [this, read, mine = reloads_](std::exception_ptr, chain::result<chain::region_choice> region) {
                if (mine == reloads_ && !draining_) { // else there is a newer one, or no need
                    take_over(*read, region);
                }
            }
        );
    } catch (const std::exception& e) {
        keep_on(e);
    }
}

void control::take_over(conf::config& read, const std::optional<chain::result<chain::region_choice>>& region) {
    try {
        identities_->number(read);
        conf::bind_identities(read);
        const shared_tenants tenants = read_tenants(read, outside_);
        if (region) {
            use_region(*region);
        }
        auto c = std::make_shared<const conf::config>(std::move(read));
        if (shared_.tenants && !tenants) {
            spdlog::warn("there is no [[client]] any more: whoever reaches the listener is signed for");
        }
        shared_.tenants = tenants;
        shared_.config = c;
        for (const auto& w : workers_) {
            w->set_config(c, shared_.default_region, tenants);
        }
        identities_->change_to(*c);
        spdlog::info("configuration read again");
    } catch (const std::exception& e) {
        keep_on(e);
        return;
    }
    identities_->load_now();
}

void control::keep_on(const std::exception& why) {
    spdlog::error("the configuration stays as it was: {}", why.what());
    identities_->load_now();
}

void control::drain() {
    draining_ = true;
    spdlog::info(
        "draining: requests under way are finished, for at most {} ms", settings().listen.drain_timeout.count()
    );
    limit_.expires_after(settings().listen.drain_timeout);
    limit_.async_wait([this](boost::system::error_code e) {
        if (!e) {
            spdlog::warn("drain_timeout has passed: what is still under way is cut off");
            stop_workers();
        }
    });
    for (const auto& w : workers_) {
        w->drain([this] {
            asio::post(context_, [this] {
                if (++drained_ == workers_.size()) {
                    stop_workers();
                }
            });
        });
    }
}

// What this thread's lines left out is told here; the workers do it in their tick.
void control::watch_log() {
    log_timer_.expires_after(std::chrono::seconds{1});
    log_timer_.async_wait([this](boost::system::error_code e) {
        if (!e && !stopped_) {
            tell_of_missing_lines(std::chrono::steady_clock::now());
            watch_log();
        }
    });
}

void control::stop_workers() {
    boost::system::error_code ignored;
    signals_.cancel(ignored);
    limit_.cancel();
    stopped_ = true; // the timer's function may be waiting to be run
    log_timer_.cancel();
    identities_->stop();
    outside_.end_look_ups();
    if (admin_) {
        admin_->stop();
    }
    for (const auto& w : workers_) {
        w->stop();
    }
    spdlog::info("stopped");
}

} // namespace

int run_serve(const serve_arguments& a) {
    harden_process();
    try {
        control c{a};
        return c.run();
    } catch (const std::exception& e) {
        fmt::print(stderr, "countersign: {}\n", e.what());
        return 1;
    }
}

} // namespace countersign::proxy
