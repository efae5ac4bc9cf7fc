#include "proxy/upstream_pool.hpp"

#include <algorithm>

namespace countersign::proxy {

pool_slot::pool_slot(upstream_pool& pool) : pool_(pool), place_(pool.open_slot()) {}

pool_slot::~pool_slot() {
    pool_.close_slot(place_);
}

void upstream_lease::keep() {
    pool_->keep(std::move(connection_));
}

upstream_lease upstream_pool::take_idle(const pool_slot& s) noexcept {
    connections& idle = find(s.place_)->idle;
    while (!idle.empty()) {
        const auto looked_at =
            std::find_if(idle.rbegin(), idle.rend(), [](const auto& c) { return c->was_looked_at(); });
        const bool asks = looked_at == idle.rend();
        const auto at = asks ? std::prev(idle.end()) : std::prev(looked_at.base());
        std::unique_ptr<upstream_connection> c = std::move(*at);
        idle.erase(at);
        if (c->resume_if_silent(asks)) {
            return {*this, std::move(c)};
        }
    }
    return {};
}

upstream_lease upstream_pool::make(const pool_slot& s, std::chrono::milliseconds idle_limit) {
    return {*this, std::unique_ptr<upstream_connection>{new upstream_connection{around_, *this, s.place_, idle_limit}}};
}

void upstream_pool::keep(std::unique_ptr<upstream_connection> c) {
    slot* const home = find(c->place());
    if (home && home->idle.size() < most_idle_ && c->is_silent()) {
        c->rest();
        home->idle.push_back(std::move(c));
    }
}

// Bytes behind an answer, or an end, mean that the two sides do not agree on where it ended (RFC 9112 6.3).
void upstream_pool::retire(upstream_connection& c) noexcept {
    if (slot* const home = find(c.place())) {
        std::erase_if(home->idle, [&c](const auto& one) { return one.get() == &c; });
    }
}

void upstream_pool::close_idle(const pool_slot& s) noexcept {
    find(s.place_)->idle.clear();
}

void upstream_pool::close_expired() noexcept {
    for (upstream_connection* const c : std::exchange(over_, {})) {
        retire(*c);
    }
}

std::uint64_t upstream_pool::open_slot() {
    if (free_slots_.empty()) {
        free_slots_.reserve(slots_.size() + 1); // closing a slot allocates nothing
        slots_.emplace_back();
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const std::uint32_t index = free_slots_.back();
    free_slots_.pop_back();
    return std::uint64_t{slots_[index].generation} << 32 | index;
}

void upstream_pool::close_slot(std::uint64_t place) noexcept {
    const auto index = static_cast<std::uint32_t>(place);
    slots_[index].idle.clear();
    ++slots_[index].generation;
    free_slots_.push_back(index);
}

upstream_pool::slot* upstream_pool::find(std::uint64_t place) noexcept {
    slot& s = slots_[static_cast<std::uint32_t>(place)];
    return s.generation == place >> 32 ? &s : nullptr;
}

} // namespace countersign::proxy
