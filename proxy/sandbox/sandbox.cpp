// `countersign sandbox`: the listener. What it answers is site.cpp's.
#include "conf/error.hpp"
#include "conf/units.hpp"
#include "proxy/commands.hpp"
#include "proxy/net/address.hpp"
#include "proxy/net/close_on_exec.hpp"
#include "proxy/sandbox/certificate.hpp"
#include "proxy/sandbox/connection.hpp"
#include "proxy/sandbox/site.hpp"
#include "proxy/wrong_usage.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <climits>
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <openssl/rand.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <unistd.h>

namespace countersign::proxy {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t most_connections = 256;

void check(const sandbox_arguments& a) {
    if (a.tls_certificate.empty() != a.tls_key.empty()) {
        throw wrong_usage("--tls-certificate and --tls-key go together");
    }
    if (!a.make_certificate.empty() && !a.tls_certificate.empty()) {
        throw wrong_usage("--make-certificate makes a certificate, --tls-certificate brings one: choose");
    }
    if (a.credential_lifetime == 0 || a.credential_lifetime > 43200) {
        throw wrong_usage("--credential-lifetime must be 1 to 43200 seconds");
    }
}

// 127.0.0.1:9911, localhost:0, [::1]:9911. Nothing else is looked up: whoever names a host means another machine.
tcp::endpoint endpoint_of(const std::string& text) {
    boost::system::error_code is_name;
    tcp::endpoint where;
    try {
        const conf::endpoint e = conf::parse_endpoint(text, "--listen");
        where = {asio::ip::make_address(e.host == "localhost" ? "127.0.0.1" : e.host, is_name), e.port};
    } catch (const conf::error& e) {
        throw wrong_usage(e.what());
    }
    if (is_name) {
        throw wrong_usage(fmt::format("--listen {}: ADDRESS:PORT expected, for example 127.0.0.1:9911", text));
    }
    return where;
}

// For everybody to read: what chain::world writes are secrets, which only their owner may.
void publish(const std::filesystem::path& path, const std::string& text) {
    const std::filesystem::path fresh = path.string() + ".new";
    std::ofstream out(fresh, std::ios::binary);
    out << text;
    out.close();
    if (!out) {
        throw std::runtime_error(fmt::format("cannot write {}", fresh.string()));
    }
    std::filesystem::rename(fresh, path);
}

asio::ssl::context server_context() {
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    return context;
}

void fill_random(std::span<unsigned char> bytes) {
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw std::runtime_error("the system has no random numbers");
    }
}

// One line on standard output. A test program that starts the sandbox with a pipe and never reads it would
// stop us once the pipe is full; so a line that would block is dropped. (poll says POLLOUT while PIPE_BUF
// bytes fit.)
void print_line(const sandbox::journal_entry& entry) {
    std::string line = "sandbox: " + sandbox::describe(entry);
    line.resize(std::min<std::size_t>(line.size(), PIPE_BUF - 1));
    line += '\n';
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
        [[maybe_unused]] const auto written = write(STDOUT_FILENO, line.data(), line.size());
    }
}

chain::task<> accept_forever(tcp::acceptor& acceptor, sandbox::house& shared) {
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
        if (error == asio::error::operation_aborted) {
            co_return;
        }
        if (error) { // out of descriptors: connections that end will free some
            asio::steady_timer timer(acceptor.get_executor(), std::chrono::milliseconds(100));
            co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
            continue;
        }
        if (shared.connections < most_connections) {
            close_on_exec(socket.native_handle());
            asio::co_spawn(
                acceptor.get_executor(), sandbox::serve_connection(std::move(socket), shared), asio::detached
            );
        }
    }
}

// Declaration order is destruction order reversed: connections go (with the io_context) before what they
// refer to.
int listen_and_serve(const sandbox_arguments& a) {
    const tcp::endpoint where = endpoint_of(a.listen);
    std::optional<sandbox::certificate_authority> authority;
    asio::ssl::context tls = server_context();
    std::string note;
    if (!a.make_certificate.empty()) {
        authority.emplace(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
        authority->certify(tls);
        std::filesystem::create_directories(a.make_certificate);
        const auto file = std::filesystem::path(a.make_certificate) / "ca.pem";
        publish(file, authority->pem());
        note = fmt::format(" (https too, CA in {})", file.string());
    } else if (!a.tls_certificate.empty()) {
        tls.use_certificate_chain_file(a.tls_certificate);
        tls.use_private_key_file(a.tls_key, asio::ssl::context::pem);
        note = " (https too)";
    }
    sandbox::site answers(fill_random, std::chrono::seconds(a.credential_lifetime), print_line);
    sandbox::house shared{answers, note.empty() ? nullptr : &tls};

    asio::io_context context{1};
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](const boost::system::error_code&, int) { context.stop(); });
    tcp::acceptor acceptor(context, where);
    close_on_exec(acceptor.native_handle());
    asio::co_spawn(context, accept_forever(acceptor, shared), asio::detached);
    fmt::print("sandbox: listening on http://{}{}\n", to_text(acceptor.local_endpoint()), note);
    std::fflush(stdout);
    context.run();
    return 0;
}

} // namespace

int run_sandbox(const sandbox_arguments& a) {
    std::signal(SIGPIPE, SIG_IGN); // whoever reads our lines may go away; serving goes on
    return exit_status_of("sandbox", [&a] {
        check(a);
        return listen_and_serve(a);
    });
}

} // namespace countersign::proxy
