#include "proxy/server.hpp"

#include "conf/check.hpp"
#include "conf/load.hpp"
#include "proxy/default_region.hpp"
#include "proxy/net/address.hpp"
#include "proxy/net/close_on_exec.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/own_proxy.hpp"
#include "proxy/process.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <utility>

namespace countersign::proxy {

namespace {

std::string unique_via_name() {
    std::random_device chance;
    return fmt::format("countersign-{:08x}{:08x}", chance(), chance());
}

tcp::endpoint resolve_listener(asio::io_context& context, const conf::endpoint& e) {
    tcp::resolver resolver{context};
    const auto found =
        resolver.resolve(e.host, std::to_string(e.port), tcp::resolver::passive | tcp::resolver::numeric_service);
    return found.begin()->endpoint();
}

std::vector<tcp::endpoint> resolve_listeners(asio::io_context& context, const conf::listen_settings& listen) {
    std::vector<tcp::endpoint> out;
    for (const conf::endpoint& e : listen.address) {
        out.push_back(resolve_listener(context, e));
    }
    return out;
}

} // namespace

server::server(asio::io_context& control, conf::config c)
    : control_(control), outside_(control), limit_(control), log_timer_(control) {
    shared_.config = std::make_shared<const conf::config>(std::move(c));
}

server::~server() {
    if (!threads_.empty()) { // else start() has thrown, or was never called
        stop();
        join();
    }
}

server_addresses server::start() {
    shared_.via_name = unique_via_name();
    shared_.trusted = make_trust_store(config().upstream.ca_file);
    shared_.listeners = resolve_listeners(control_, config().listen);
    shared_.tenants = read_tenants(config(), outside_);
    if (needs_default_region(config())) {
        use_region(find_default_region(config()));
    }
    reserve_ports();
    start_workers();
    if (const std::string warning = own_proxy_warning(outside_, shared_.listeners); !warning.empty()) {
        spdlog::warn("{}", warning);
    }
    start_admin();
    start_identities();
    watch_log();
    run_workers();
    return {shared_.listeners, admin_ ? std::optional(admin_->local()) : std::nullopt};
}

void server::use_region(const chain::result<chain::region_choice>& found) {
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
// For port 0 the system chooses one here, and all workers join it.
void server::reserve_ports() {
    for (tcp::endpoint& e : shared_.listeners) {
        tcp::acceptor first{control_};
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

void server::start_workers() {
    const unsigned wanted = config().listen.workers;
    const unsigned count = wanted != 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
    shared_.fitting_clients = limit_clients(config().listen, count);
    for (unsigned i = 0; i < count; ++i) {
        auto w = std::make_unique<worker>(shared_);
        w->state().on_expired_credentials = [this](std::size_t identity) {
            asio::post(control_, [this, identity] { identities_->load_now(identity); });
        };
        workers_.push_back(std::move(w));
    }
}

void server::start_admin() {
    if (!config().admin.address) {
        return;
    }
    admin_sources sources;
    sources.ready = [this] { return ready(); };
    sources.credentials = [this] { return identities_->gauges(); };
    sources.collect = [this](auto receive) { collect(std::move(receive)); };
    admin_ = std::make_unique<admin>(control_, resolve_listener(control_, *config().admin.address), std::move(sources));
    admin_->start();
    spdlog::info("admin on http://{}", to_text(admin_->local()));
}

void server::start_identities() {
    const auto tell = [this](std::size_t identity, const chain::snapshot& s) {
        for (const auto& w : workers_) {
            w->set_credentials(identity, s);
        }
    };
    identities_ = std::make_unique<identities>(control_, outside_, config(), tell);
    identities_->start();
}

void server::run_workers() {
    for (const tcp::endpoint& e : shared_.listeners) {
        spdlog::info("listening on http://{}", to_text(e));
    }
    for (const auto& w : workers_) {
        threads_.emplace_back([one = w.get()] { one->run(); });
    }
}

readiness server::ready() const {
    readiness r = identities_->ready(config());
    if (draining_) {
        r.state = readiness_state::draining;
    }
    return r;
}

// Each worker copies its counters on its own thread; the last copy to arrive completes the collection.
void server::collect(std::function<void(std::vector<worker_metrics>)> receive) {
    struct collection {
        std::vector<worker_metrics> copies;
        std::function<void(std::vector<worker_metrics>)> receive;
    };
    auto all = std::make_shared<collection>();
    all->receive = std::move(receive);
    for (const auto& w : workers_) {
        w->collect([this, all](worker_metrics copy) {
            asio::post(control_, [this, all, copy = std::move(copy)]() mutable {
                all->copies.push_back(std::move(copy));
                if (all->copies.size() == workers_.size()) {
                    all->receive(std::move(all->copies));
                }
            });
        });
    }
}

// Of what was decided once, at the start.
void server::warn_of_restart(const conf::config& c) const {
    const conf::config& now = config();
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

void server::reload(const std::function<conf::config()>& read) {
    if (stopped_) {
        return;
    }
    ++reloads_;
    outside_.forget_names();
    try {
        const auto next = std::make_shared<conf::config>(read());
        warn_of_restart(*next);
        next->credentials = config().credentials;
        if (!needs_default_region(*next)) {
            take_over(*next, {});
            return;
        }
        // The control thread does not wait for the region: it has other things to do.
        asio::co_spawn(
            control_,
            ask_for_default_region(outside_, *next),
            [this, next, mine = reloads_](std::exception_ptr, chain::result<chain::region_choice> region) {
                if (mine == reloads_ && !draining_ && !stopped_) { // else there is a newer one, or no need
                    take_over(*next, region);
                }
            }
        );
    } catch (const std::exception& e) {
        keep_config(e);
    }
}

void server::take_over(conf::config& read, const std::optional<chain::result<chain::region_choice>>& region) {
    try {
        identities_->number(read);
        conf::bind_identities(read);
        const shared_tenants tenants = read_tenants(read, outside_);
        if (region) {
            use_region(*region);
        }
        give_to_workers(std::make_shared<const conf::config>(std::move(read)), tenants);
        identities_->change_to(config());
        spdlog::info("configuration read again");
    } catch (const std::exception& e) {
        keep_config(e);
        return;
    }
    identities_->load_now();
}

void server::give_to_workers(std::shared_ptr<const conf::config> c, const shared_tenants& tenants) {
    if (shared_.tenants && !tenants) {
        spdlog::warn("there is no [[client]] any more: whoever reaches the listener is signed for");
    }
    shared_.tenants = tenants;
    shared_.config = std::move(c);
    for (const auto& w : workers_) {
        w->set_config(shared_.config, shared_.default_region, tenants);
    }
}

void server::keep_config(const std::exception& why) {
    spdlog::error("the configuration stays as it was: {}", why.what());
    identities_->load_now();
}

void server::drain(std::function<void()> stopped) {
    draining_ = true;
    on_stopped_ = std::move(stopped);
    const auto at_most = config().listen.drain_timeout;
    spdlog::info("draining: requests under way are finished, for at most {} ms", at_most.count());
    limit_.expires_after(at_most);
    limit_.async_wait([this](boost::system::error_code e) {
        if (!e && !stopped_) {
            spdlog::warn("drain_timeout has passed: what is still under way is cut off");
            stop();
        }
    });
    for (const auto& w : workers_) {
        w->drain([this] { asio::post(control_, [this] { note_drained(); }); });
    }
}

void server::note_drained() {
    if (++drained_ == workers_.size()) {
        stop();
    }
}

// Tells what lines of this thread were left out; the workers do it in their tick.
void server::watch_log() {
    log_timer_.expires_after(std::chrono::seconds{1});
    log_timer_.async_wait([this](boost::system::error_code e) {
        if (!e && !stopped_) {
            tell_of_missing_lines(std::chrono::steady_clock::now());
            watch_log();
        }
    });
}

void server::stop() {
    if (std::exchange(stopped_, true)) {
        return;
    }
    limit_.cancel();
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
    if (on_stopped_) {
        asio::post(control_, std::exchange(on_stopped_, nullptr));
    }
}

void server::join() {
    for (std::thread& t : threads_) {
        t.join();
    }
    threads_.clear();
}

} // namespace countersign::proxy
