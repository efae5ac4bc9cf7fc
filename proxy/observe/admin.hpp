// The admin listener: /healthz, /readyz, /metrics and a status page on an address of its own. Answers GET and
// HEAD about this process; never forwards, never signs, never shows a secret. Runs on the control thread's
// io_context, off the hot path; not thread-safe.
//
// Browsers cannot use it: a request must name a loopback host, or the address it came in on, as its Host (a
// page whose name was rebound to us cannot), and must carry neither Origin nor Sec-Fetch-Site: cross-site or
// same-site.
#pragma once

#include "proxy/observe/metrics.hpp"
#include "proxy/observe/readiness.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace countersign::proxy {

// What the answers are made from. Called on the control thread.
struct admin_sources {
    std::function<readiness()> ready;
    // Calls back once on the control thread, at once or later, with a copy of every worker's counters.
    std::function<void(std::function<void(std::vector<worker_metrics>)>)> collect;
    std::function<std::vector<credential_gauge>()> credentials;
};

struct admin_limits {
    std::size_t head = 8192;                   // bytes of a request's head
    std::size_t connections = 64;              // beyond it new ones are closed at once
    std::chrono::milliseconds deadline{10000}; // for a connection's whole life; there is one request on each
};

class admin {
public:
    using tcp = boost::asio::ip::tcp;

    admin(boost::asio::io_context& control, tcp::endpoint at, admin_sources sources, admin_limits limits = {});
    ~admin();
    admin(const admin&) = delete;
    admin& operator=(const admin&) = delete;

    void start();                // binds and listens; throws boost::system::system_error where it cannot
    void stop();                 // closes the listener and every connection
    tcp::endpoint local() const; // REQUIRES: started. The port the system chose where `at` had 0

private:
    struct state;
    std::shared_ptr<state> state_; // the connections' coroutines share it
};

} // namespace countersign::proxy
