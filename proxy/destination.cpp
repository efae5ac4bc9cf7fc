#include "proxy/destination.hpp"

#include "proxy/rules/route_choice.hpp"

#include <algorithm>
#include <utility>

namespace countersign::proxy {

namespace {

std::uint32_t port_and_scheme(const asked_host& asked) noexcept {
    return (std::uint32_t{asked.port.value_or(0)} << 1) | (asked.https ? 1u : 0u);
}

conf::retry_mode mode_of(const conf::retry_settings& all, const plan& p) noexcept {
    return p.retry_mode.value_or(all.mode);
}

// max_attempts of the route, else what its mode or the file's says.
std::optional<unsigned> most_attempts_of(const conf::retry_settings& all, const plan& p) noexcept {
    if (p.max_attempts) {
        return p.max_attempts;
    }
    return mode_of(all, p) == conf::retry_mode::off ? 1 : all.max_attempts;
}

// What makes two routes of two configurations the same one.
std::string identity_of(const conf::route& r) {
    std::string text = r.name + '\n' + r.host + '\n' + r.path;
    for (const std::string& method : r.method) {
        text += '\n' + method;
    }
    return text;
}

// signer::service_by_path of the host that the request really goes to.
std::string_view service_of_shared(const conf::route* r, const asked_host& asked) noexcept {
    const std::string_view host = r && r->upstream ? std::string_view{r->upstream->host} : asked.host;
    return signer::service_by_path(host, asked.path);
}

steady_time last_used(const destination_ptr& d) noexcept {
    return d->last_used;
}

void forget(const destination_ptr& d, upstream_pool& pool) {
    pool.close_idle(d->slot);
    if (d->clock_offset != std::chrono::seconds{0}) {
        d->learn_clock(std::chrono::seconds{0}); // nobody would correct what the metrics say
    }
}

template <class Fork>
steady_time last_used(const Fork& f) noexcept {
    return f.last_used;
}

template <class Fork>
void forget(const Fork& f, upstream_pool& pool) {
    for (const auto& b : f.branches) {
        forget(b.place, pool);
    }
}

// Half of a full table goes, those unused for longest first: amortised, an eviction costs nothing.
template <class Table>
void make_room(Table& table, std::size_t most, upstream_pool& pool) {
    if (table.size() < most) {
        return;
    }
    std::vector<steady_time> ages;
    for (const auto& [k, entry] : table) {
        ages.push_back(last_used(entry));
    }
    const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
    std::nth_element(ages.begin(), middle, ages.end());
    for (auto i = table.begin(); i != table.end();) {
        if (last_used(i->second) <= *middle) {
            forget(i->second, pool);
            i = table.erase(i);
        } else {
            ++i;
        }
    }
}

} // namespace

destination::destination(proxy::plan p, upstream_pool& pool)
    : plan(std::move(p)), ticket(std::make_shared<session_ticket>()), slot(pool) {}

std::variant<destination_ptr, refusal> destination_table::find(
    const conf::config& c,
    std::string_view default_region,
    const asked_host& asked,
    worker_metrics& metrics,
    steady_time now
) {
    const auto known = by_host_.find(key_view{asked.host, port_and_scheme(asked)});
    if (known != by_host_.end()) {
        known->second->last_used = now;
        return known->second;
    }
    const route_choice choice = choose_route(c.routes, asked.host, asked.method, asked.path);
    if (choice.unclear) {
        return refuse_path();
    }
    const std::string_view service = service_of_shared(choice.route, asked);
    if (!service.empty() || is_conditional(c.routes, asked.host)) {
        return find_on_fork(c, default_region, asked, {choice.route, service}, metrics, now);
    }
    auto made = make(c, default_region, asked, choice.route, metrics, now);
    if (auto* d = std::get_if<destination_ptr>(&made)) {
        make_room(by_host_, most, pool_);
        (*d)->last_used = now;
        by_host_.emplace(key{std::string(asked.host), port_and_scheme(asked)}, *d);
    }
    return made;
}

destination_table::found destination_table::find_on_fork(
    const conf::config& c,
    std::string_view default_region,
    const asked_host& asked,
    const turn& taken,
    worker_metrics& metrics,
    steady_time now
) {
    auto known = forks_.find(key_view{asked.host, port_and_scheme(asked)});
    if (known != forks_.end()) {
        known->second.last_used = now;
        for (const branch& b : known->second.branches) {
            if (b.where == taken) {
                return b.place;
            }
        }
    }
    auto made = make(c, default_region, asked, taken.route, metrics, now);
    if (auto* d = std::get_if<destination_ptr>(&made)) {
        if (known == forks_.end()) {
            make_room(forks_, most_forks, pool_);
            known = forks_.emplace(key{std::string(asked.host), port_and_scheme(asked)}, fork{{}, now}).first;
        }
        known->second.branches.push_back({taken, *d});
    }
    return made;
}

destination_table::found destination_table::make(
    const conf::config& c,
    std::string_view default_region,
    const asked_host& asked,
    const conf::route* r,
    worker_metrics& metrics,
    steady_time now
) {
    auto planned = make_plan(c, default_region, asked, r);
    if (auto* no = std::get_if<refusal>(&planned)) {
        return std::move(*no);
    }
    destination_ptr d{new destination{std::move(std::get<plan>(planned)), pool_}};
    d->counters = &metrics.of_scope(d->plan.service, d->plan.region);
    scope_retries& scope = retries_of(d->plan, now);
    d->budget = &scope.budget;
    d->throttling = scope.throttling.get();
    d->pace = mode_of(c.retry, d->plan) == conf::retry_mode::adaptive ? &scope.pace : nullptr;
    d->retries = policy_for(d->plan.service, most_attempts_of(c.retry, d->plan));
    if (d->plan.rate_limit) {
        d->limiter = limiters_.find(identity_of(*r), *d->plan.rate_limit);
    }
    return d;
}

destination_table::scope_retries& destination_table::retries_of(const plan& p, steady_time now) {
    // A name that a client may invent must not make the table grow: such scopes share one.
    constexpr std::size_t most_scopes = 256;
    std::string scope = p.service + '/' + p.region;
    if (retries_.size() >= most_scopes && !retries_.contains(scope)) {
        scope = "other";
    }
    const auto known = retries_.find(scope);
    return known != retries_.end() ? known->second
                                   : retries_.try_emplace(scope, now, watches_.find(scope)).first->second;
}

void destination_table::clear() {
    for (auto& [k, d] : by_host_) {
        forget(d, pool_);
    }
    by_host_.clear();
    for (auto& [k, f] : forks_) {
        forget(f, pool_);
    }
    forks_.clear();
}

} // namespace countersign::proxy
