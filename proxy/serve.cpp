// `countersign serve`: a server from the command line's settings, and the signals that steer it.
#include "proxy/commands.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/process.hpp"
#include "proxy/server.hpp"
#include "proxy/settings.hpp"

#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>

namespace countersign::proxy {

namespace {

// SIGHUP reloads, SIGTERM or SIGINT drains, the second of them stops. All on the main thread.
class steered_server {
public:
    explicit steered_server(const serve_arguments& a)
        : arguments_(a), signals_(context_, SIGTERM, SIGINT, SIGHUP), server_(context_, load_settings(a)) {}

    void run() {
        start_log(server_.config().log.level, server_.config().log.format);
        server_.start();
        await_signal();
        context_.run();
        server_.join();
        tell_of_missing_lines(std::chrono::steady_clock::time_point::max());
    }

private:
    void await_signal();
    void drain();

    serve_arguments arguments_;
    asio::io_context context_{1};
    asio::signal_set signals_; // from before the start on: a signal then is kept until it is waited for
    server server_;
};

void steered_server::await_signal() {
    signals_.async_wait([this](boost::system::error_code e, int number) {
        if (e) {
            return;
        }
        if (number == SIGHUP) {
            server_.reload([this] { return load_settings(arguments_); });
        } else if (!server_.is_draining()) {
            drain();
        } else {
            server_.stop(); // asked twice
            return;
        }
        await_signal();
    });
}

void steered_server::drain() {
    server_.drain([this] {
        boost::system::error_code ignored;
        signals_.cancel(ignored);
    });
}

} // namespace

int run_serve(const serve_arguments& a) {
    harden_process();
    try {
        steered_server s{a};
        s.run();
        return 0;
    } catch (const std::exception& e) {
        fmt::print(stderr, "countersign: {}\n", e.what());
        return 1;
    }
}

} // namespace countersign::proxy
