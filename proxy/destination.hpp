// One place that requests go to: its plan, its name, its TLS ticket, its counters. One per
// host, port, scheme and worker, kept while it is used; the table below is bounded. Not thread-safe: one worker's.
#pragma once

#include "chain/resolver.hpp"
#include "proxy/net/tls.hpp"
#include "proxy/net/waits.hpp"
#include "proxy/net/watched.hpp"
#include "proxy/observe/metrics.hpp"
#include "proxy/rules/adaptive_limiter.hpp"
#include "proxy/rules/plan.hpp"
#include "proxy/rules/rate_limiter.hpp"
#include "proxy/rules/redirect.hpp"
#include "proxy/rules/retry.hpp"
#include "proxy/rules/throttle_watch.hpp"
#include "proxy/upstream_pool.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace countersign::proxy {

struct destination : boost::intrusive_ref_counter<destination, boost::thread_unsafe_counter> {
    destination(proxy::plan p, upstream_pool& pool);

    // For all requests from now on. See healing.hpp for what is believed. In path style the endpoint names the region:
    // there both change together, by another destination.
    void learn_region(std::string_view said) {
        if (plan.path_prefix.empty()) {
            bucket_region = said;
        }
    }
    // As clock_ahead (healing.hpp) says; zero: our clock is right.
    void learn_clock(std::chrono::seconds ahead) noexcept {
        clock_offset = ahead;
        if (counters) {
            counters->clock_offset = ahead;
        }
    }
    std::string_view region() const noexcept { return bucket_region.empty() ? plan.region : bucket_region; }

    proxy::plan plan;
    std::string bucket_region;            // learned; "": plan::region
    std::chrono::seconds clock_offset{0}; // learned: how far its clock is ahead of ours
    redirect_target elsewhere; // where S3 says that the bucket is: asked there until the time below. "": here
    steady_time elsewhere_until{};
    scope_counters* counters = nullptr; // of the worker's metrics
    retry_policy retries;
    retry_budget* budget = nullptr;        // shared by all hosts of this service and region
    adaptive_limiter* pace = nullptr;      // as budget; null: not in adaptive mode
    throttle_watch* throttling = nullptr;  // as budget, and of all workers
    std::shared_ptr<rate_limiter> limiter; // its route's, of all workers; null: none

    std::shared_ptr<session_ticket> ticket; // never null
    pool_slot slot;                         // its idle connections
    steady_time distrusted_until{}; // one of them died under a request: until then POST and its like use new ones

    chain::resolver::name name; // of plan.dial_host: what the worker's resolver knows. Null until it is asked
    std::optional<asio::ip::address> reached; // answered last: dialled first, until it fails
    bool resolving = false;
    wait_queue resolved;

    steady_time last_used{};
};
using destination_ptr = boost::intrusive_ptr<destination>;

class destination_table {
public:
    static constexpr std::size_t most = 1024;      // hosts
    static constexpr std::size_t most_forks = 256; // hosts where path or method decide

    // Where none are shared it has its own.
    explicit destination_table(
        upstream_pool& pool, rate_limiters* limiters = nullptr, throttle_watches* watches = nullptr
    ) noexcept
        : pool_(pool), limiters_(limiters ? *limiters : own_limiters_), watches_(watches ? *watches : own_watches_) {}

    // Asks make_plan once per host; where path or method decide about route or service, once for each. A refusal
    // is not remembered.
    std::variant<destination_ptr, refusal> find(
        const conf::config& c,
        std::string_view default_region,
        const asked_host& asked,
        worker_metrics& metrics,
        steady_time now
    );

    // Closes every idle connection and forgets everything; destinations in use live on with their requests.
    void clear();

private:
    struct key {
        std::string host;
        std::uint32_t port_and_scheme;
    };
    struct key_view {
        std::string_view host;
        std::uint32_t port_and_scheme;
    };
    struct hash {
        using is_transparent = void;
        std::size_t operator()(const key_view& k) const noexcept {
            return std::hash<std::string_view>{}(k.host) ^ (k.port_and_scheme * 0x9e3779b97f4a7c15ull);
        }
        std::size_t operator()(const key& k) const noexcept { return (*this)(key_view{k.host, k.port_and_scheme}); }
    };
    struct equal {
        using is_transparent = void;
        template <class A, class B>
        bool operator()(const A& a, const B& b) const noexcept {
            return a.port_and_scheme == b.port_and_scheme && std::string_view{a.host} == std::string_view{b.host};
        }
    };
    // What method and path of a request for a host decide.
    struct turn {
        const conf::route* route = nullptr; // none: what the host's name says. Of the configuration until clear()
        std::string_view service;           // signer::service_by_path
        bool operator==(const turn&) const = default;
    };
    // A host with several destinations, one for each turn.
    struct branch {
        turn where;
        destination_ptr place;
    };
    struct fork {
        std::vector<branch> branches;
        steady_time last_used{};
    };
    // What all hosts of one service and region share.
    struct scope_retries {
        scope_retries(steady_time now, std::shared_ptr<throttle_watch> w) noexcept
            : pace(now), throttling(std::move(w)) {}
        retry_budget budget;
        adaptive_limiter pace;
        std::shared_ptr<throttle_watch> throttling;
    };
    using found = std::variant<destination_ptr, refusal>;

    found find_on_fork(
        const conf::config& c,
        std::string_view default_region,
        const asked_host& asked,
        const turn& taken,
        worker_metrics& metrics,
        steady_time now
    );
    found make(
        const conf::config& c,
        std::string_view default_region,
        const asked_host& asked,
        const conf::route* r,
        worker_metrics& metrics,
        steady_time now
    );
    scope_retries& retries_of(const plan& p, steady_time now);

    std::unordered_map<key, destination_ptr, hash, equal> by_host_;
    std::unordered_map<key, fork, hash, equal> forks_;
    upstream_pool& pool_;
    rate_limiters own_limiters_;
    throttle_watches own_watches_;
    rate_limiters& limiters_;
    throttle_watches& watches_;
    std::unordered_map<std::string, scope_retries> retries_;
};

} // namespace countersign::proxy
