// What all workers share; outlives them. Made before their threads start; then only the counters change.
#pragma once

#include "chain/resolver.hpp"
#include "conf/config.hpp"
#include "proxy/body/disk_threads.hpp"
#include "proxy/net/tls.hpp"
#include "proxy/rules/rate_limiter.hpp"
#include "proxy/rules/tenant.hpp"
#include "proxy/rules/throttle_watch.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <climits>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace countersign::proxy {

struct shared_state {
    std::shared_ptr<const conf::config> config; // as of the start
    std::string default_region;
    shared_tenants tenants; // null: nobody has to sign
    std::string via_name;   // unique to this process
    trust_store trusted;
    std::vector<boost::asio::ip::tcp::endpoint> listeners; // as bound
    std::optional<chain::name_service> names;              // in place of the machine's: for tests
    rate_limiters limiters;                                // asked for when a worker meets a new destination
    throttle_watches throttling;                           // likewise
    unsigned fitting_clients = UINT_MAX;         // as many as there are descriptors for; beside max_connections
    std::atomic<unsigned> client_connections{0}; // touched on accept and close only
    std::atomic<std::uint64_t> body_bytes{0};    // request bodies outside their blocks, against payload.memory_total
    body::disk_threads disks;
};

} // namespace countersign::proxy
