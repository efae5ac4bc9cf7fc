#include "proxy/destination.hpp"

#include "proxy/upstream.hpp"

#include <algorithm>
#include <utility>

namespace countersign::proxy {

namespace {

std::uint32_t port_and_scheme(const asked_host& asked) noexcept {
    return (std::uint32_t{asked.port.value_or(0)} << 1) | (asked.https ? 1u : 0u);
}

void close_idle(destination& d) {
    for (const upstream_ptr& c : std::exchange(d.idle, {})) {
        c->close();
    }
}

} // namespace

destination::destination(plan p) : where(std::move(p)) {}
destination::~destination() = default;

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
    auto made = make_plan(c, default_region, asked);
    if (auto* no = std::get_if<refusal>(&made)) {
        return std::move(*no);
    }
    make_room();
    destination_ptr d{new destination{std::move(std::get<plan>(made))}};
    d->counters = &metrics.of_scope(d->where.service, d->where.region);
    d->budget = &budget_of(d->where);
    std::optional<unsigned> attempts = d->where.max_attempts;
    if (!attempts) {
        attempts = c.retry.mode == conf::retry_mode::off ? 1 : c.retry.max_attempts;
    }
    d->retries = policy_for(d->where.service, attempts);
    d->last_used = now;
    by_host_.emplace(key{std::string(asked.host), port_and_scheme(asked)}, d);
    return d;
}

// Half of the table goes, those unused for longest first: amortised, an eviction costs nothing.
void destination_table::make_room() {
    if (by_host_.size() < most) {
        return;
    }
    std::vector<steady_time> ages;
    for (const auto& [k, d] : by_host_) {
        ages.push_back(d->last_used);
    }
    const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
    std::nth_element(ages.begin(), middle, ages.end());
    for (auto i = by_host_.begin(); i != by_host_.end();) {
        if (i->second->last_used <= *middle) {
            close_idle(*i->second);
            i = by_host_.erase(i);
        } else {
            ++i;
        }
    }
}

retry_budget& destination_table::budget_of(const plan& p) {
    // A name that a client may invent must not make the table grow: such scopes share one budget.
    constexpr std::size_t most_budgets = 256;
    const std::string scope = p.service + '/' + p.region;
    if (budgets_.size() >= most_budgets && !budgets_.contains(scope)) {
        return budgets_.try_emplace("other").first->second;
    }
    return budgets_.try_emplace(scope).first->second;
}

void destination_table::clear() {
    for (auto& [k, d] : by_host_) {
        close_idle(*d);
    }
    by_host_.clear();
}

} // namespace countersign::proxy
