// The upstream connections that lie idle between two requests, for each place that requests go to, and the leases of
// those that are busy. Not thread-safe: one worker's.
#pragma once

#include "proxy/upstream_connection.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace countersign::proxy {

class upstream_pool;

// A place that requests go to, as the pool knows it. Its idle connections are closed with it; leases may outlive it.
class pool_slot {
public:
    explicit pool_slot(upstream_pool& pool);
    ~pool_slot();
    pool_slot(const pool_slot&) = delete;
    pool_slot& operator=(const pool_slot&) = delete;

private:
    friend class upstream_pool;
    upstream_pool& pool_;
    std::uint64_t place_; // index, and how many slots had it before
};

// A busy connection. Its end closes the connection, unless it is kept before.
class upstream_lease {
public:
    upstream_lease() = default;

    upstream_connection* operator->() const noexcept { return connection_.get(); }
    upstream_connection& operator*() const noexcept { return *connection_; }
    upstream_connection* get() const noexcept { return connection_.get(); }
    explicit operator bool() const noexcept { return connection_ != nullptr; }

    // The last answer was read whole, and the connection may carry another request. It goes back to the pool, or is
    // closed: when it is not silent, when the answer began before the request was out whole, when the pool is full or
    // the place gone.
    void keep();
    void close() noexcept { connection_.reset(); }

private:
    friend class upstream_pool;
    upstream_lease(upstream_pool& pool, std::unique_ptr<upstream_connection> c) noexcept
        : pool_(&pool), connection_(std::move(c)) {}

    upstream_pool* pool_ = nullptr;
    std::unique_ptr<upstream_connection> connection_;
};

class upstream_pool final : private upstream_connection::keeper {
public:
    // At most `most_idle` connections of a place are kept. The surroundings must outlive it.
    upstream_pool(const upstream_surroundings& s, std::size_t most_idle) noexcept : around_(s), most_idle_(most_idle) {}
    upstream_pool(const upstream_pool&) = delete;
    upstream_pool& operator=(const upstream_pool&) = delete;

    // An idle connection that is silent, now busy; of those that have been proven to be since they were kept, the one
    // used last. Empty when there is none.
    //
    // Silent means: since the answer before was read to its end, the system has been asked what there is to read, in
    // the round of events under way (poller) or by a read now, and there was no byte, no end, no alert; and nothing
    // unread lies in OpenSSL. What comes between that look and the first byte of the request cannot be told from an
    // answer: HTTP/1.1 numbers none, and on its way it could as well have come a moment later.
    upstream_lease take_idle(const pool_slot& s) noexcept;
    // A new one, not connected yet, which may lie idle for so long.
    upstream_lease make(const pool_slot& s, std::chrono::milliseconds idle_limit);

    void close_idle(const pool_slot& s) noexcept;
    void close_expired() noexcept; // those whose time was found to be over in a walk over the watched ones, after it
    void limit(std::size_t most_idle) noexcept { most_idle_ = most_idle; } // for those that come back from now on

private:
    friend class pool_slot;
    friend class upstream_lease;
    using connections = std::vector<std::unique_ptr<upstream_connection>>; // the one used last is at the back

    struct slot {
        connections idle;
        std::uint32_t generation = 0;
    };

    std::uint64_t open_slot();
    void close_slot(std::uint64_t place) noexcept;
    slot* find(std::uint64_t place) noexcept; // null: it is gone
    void keep(std::unique_ptr<upstream_connection> c);
    void retire(upstream_connection& c) noexcept;
    void on_spoke(upstream_connection& c) override { retire(c); }
    void on_over(upstream_connection& c) noexcept override { over_.push_back(&c); }

    const upstream_surroundings& around_;
    std::size_t most_idle_;
    std::vector<slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::vector<upstream_connection*> over_;
};

} // namespace countersign::proxy
