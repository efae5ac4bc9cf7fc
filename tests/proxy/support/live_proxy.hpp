// One real worker on its own thread, on a free port of 127.0.0.1, whose requests all go to one scripted
// service. The destructor stops it and fails the test where it does not end.
#pragma once

#include "proxy/worker.hpp"
#include "tests/proxy/support/peer.hpp"

#include <functional>
#include <future>
#include <thread>

namespace countersign::tests {

chain::snapshot some_credentials();

// A change: the service is asked over TLS. peer::shake_hands() is its end of it.
void over_tls(conf::config& c);

class live_proxy {
public:
    using change = std::function<void(conf::config&)>;

    // The configuration has one route: every AWS host, plain HTTP to `upstream`.
    // `names`: whom the worker asks for names, in place of the machine's servers.
    explicit live_proxy(
        const change& differently = {},
        const chain::snapshot& known = some_credentials(),
        std::optional<chain::name_service> names = std::nullopt
    );
    ~live_proxy();
    live_proxy(const live_proxy&) = delete;
    live_proxy& operator=(const live_proxy&) = delete;

    peer connect(int receive_buffer = 0);
    proxy::worker_metrics counters();
    void reload(const change& differently);
    void await_end(); // REQUIRES: stop() was called. Fails the test where the worker goes on

    service upstream;
    proxy::worker& worker() noexcept { return *worker_; }

private:
    std::shared_ptr<conf::config> make_config(const change& differently) const;
    void reserve_port();

    proxy::shared_state shared_;
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor reserved_{context_};
    std::unique_ptr<proxy::worker> worker_;
    std::promise<void> ended_;
    std::thread thread_;
};

constexpr std::string_view s3_host = "bucket.s3.us-east-1.amazonaws.com";

// "GET /path HTTP/1.1", Host, more fields, each with its CRLF, and the body.
std::string request_text(std::string_view method_and_path, std::string_view fields = "", std::string_view body = "");
// "HTTP/1.1 STATUS Reason", Content-Length, more fields, and the body.
std::string answer_text(std::string_view status, std::string_view body = "", std::string_view fields = "");

} // namespace countersign::tests
