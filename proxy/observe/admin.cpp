#include "proxy/observe/admin.hpp"

#include "proxy/net/close_on_exec.hpp"
#include "proxy/observe/admin_answer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <list>
#include <optional>

namespace countersign::proxy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

} // namespace

struct admin::state {
    state(asio::io_context& c, tcp::endpoint where, admin_sources s, admin_limits l)
        : control(c), at(std::move(where)), sources(std::move(s)), limits(l), acceptor(c) {}

    // These two own the state too, so they have what they need when `admin` has been destroyed.
    static asio::awaitable<void> accept_loop(std::shared_ptr<state> self);
    static asio::awaitable<void> serve_one(std::shared_ptr<state> self, tcp::socket socket);
    asio::awaitable<std::string> answer(admin_request request, asio::ip::address local);
    asio::awaitable<std::optional<std::vector<worker_metrics>>> counters(); // nullopt: a worker was too slow
    asio::awaitable<admin_answer> metrics_answer();
    asio::awaitable<admin_answer> status_page();

    asio::io_context& control;
    const tcp::endpoint at;
    const admin_sources sources;
    const admin_limits limits;
    tcp::acceptor acceptor;
    std::list<beast::tcp_stream*> open; // of the coroutines under way, for stop()
};

namespace {

// A coroutine never resumes once its context is destroyed, so the frame takes the stream out and not the
// coroutine's last line.
class listed {
public:
    listed(std::list<beast::tcp_stream*>& in, beast::tcp_stream& stream) : in_(in), at_(in.insert(in.end(), &stream)) {}
    ~listed() { in_.erase(at_); }
    listed(const listed&) = delete;
    listed& operator=(const listed&) = delete;

private:
    std::list<beast::tcp_stream*>& in_;
    std::list<beast::tcp_stream*>::iterator at_;
};

// Reads what the client still sends, so that closing does not reset the connection before it has our answer.
asio::awaitable<void> linger(beast::tcp_stream& stream) {
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    std::array<char, 1024> rest{};
    std::size_t total = 0;
    while (total < 65536) {
        const auto [error, n] = co_await stream.async_read_some(asio::buffer(rest), as_result);
        if (error) {
            break;
        }
        total += n;
    }
}

std::string refused(const refusal& r, bool head_request) {
    return render(r, signer::wire_protocol::text, head_request, true);
}

std::optional<refusal> unreadable(boost::system::error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return refusal{.status = 431, .code = "head-too-large", .message = "The request's head is too large."};
    }
    const bool is_syntax = error.category() == http::make_error_code(http::error::bad_method).category();
    if (is_syntax && error != http::error::end_of_stream && error != http::error::partial_message) {
        return refusal{.status = 400, .code = "bad-request", .message = "The request cannot be read."};
    }
    return std::nullopt; // the connection is gone, or its time is up
}

} // namespace

asio::awaitable<void> admin::state::accept_loop(std::shared_ptr<state> self) {
    asio::steady_timer pause(self->control);
    while (self->acceptor.is_open()) {
        auto [error, socket] = co_await self->acceptor.async_accept(as_result);
        if (error == asio::error::operation_aborted) {
            co_return;
        }
        if (error) {
            // Out of descriptors, most likely: the connection stays in the queue, and asking again at once
            // would spin.
            pause.expires_after(100ms);
            co_await pause.async_wait(as_result);
        } else if (self->open.size() < self->limits.connections) {
            close_on_exec(socket.native_handle());
            asio::co_spawn(self->control, serve_one(self, std::move(socket)), asio::detached);
        }
    }
}

asio::awaitable<void> admin::state::serve_one(std::shared_ptr<state> self, tcp::socket socket) {
    beast::tcp_stream stream(std::move(socket));
    const listed here(self->open, stream);
    stream.expires_after(self->limits.deadline);
    boost::system::error_code gone;
    const tcp::endpoint local = stream.socket().local_endpoint(gone);
    if (gone) {
        co_return;
    }

    beast::flat_buffer buffer(self->limits.head + 1024);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(self->limits.head));
    const auto [error, n] = co_await http::async_read_header(stream, buffer, parser, as_result);
    std::string text;
    if (error) {
        const auto refusal = unreadable(error);
        if (!refusal) {
            co_return;
        }
        text = refused(*refusal, false);
    } else {
        text = co_await self->answer(parser.get(), local.address());
    }
    const auto [write_error, written] = co_await asio::async_write(stream, asio::buffer(text), as_result);
    if (!write_error) {
        co_await linger(stream);
    }
}

asio::awaitable<std::string> admin::state::answer(admin_request request, asio::ip::address local) {
    const bool head_request = request.method() == http::verb::head;
    if (const auto refusal = refuse_admin(request, local)) {
        co_return refused(*refusal, head_request);
    }
    const std::string_view target = request.target();
    const std::string_view path = target.substr(0, target.find('?'));
    admin_answer a;
    if (path == "/healthz") {
        a.body = "ok\n";
    } else if (path == "/readyz") {
        a = readiness_answer(sources.ready());
    } else if (path == "/metrics") {
        a = co_await metrics_answer();
    } else if (path == "/") {
        a = co_await status_page();
    } else {
        a = {404, "text/plain; charset=utf-8", "Here are / /healthz /readyz and /metrics.\n"};
    }
    co_return render(a, head_request);
}

asio::awaitable<std::optional<std::vector<worker_metrics>>> admin::state::counters() {
    struct collection {
        explicit collection(asio::io_context& c) : arrived(c) {}
        asio::steady_timer arrived; // ends early when the counters are here
        std::optional<std::vector<worker_metrics>> workers;
    };
    const auto wanted = std::make_shared<collection>(control);
    wanted->arrived.expires_after(limits.deadline / 2);
    sources.collect([wanted](std::vector<worker_metrics> workers) {
        wanted->workers = std::move(workers);
        wanted->arrived.cancel();
    });
    if (!wanted->workers) {
        co_await wanted->arrived.async_wait(as_result);
    }
    co_return std::move(wanted->workers);
}

asio::awaitable<admin_answer> admin::state::status_page() {
    const auto workers = co_await counters();
    const std::string services = workers ? describe_services(*workers) : std::string();
    co_return status_answer(sources.ready(), sources.credentials(), services);
}

asio::awaitable<admin_answer> admin::state::metrics_answer() {
    const auto workers = co_await counters();
    admin_answer a;
    if (!workers) {
        a = {503, "text/plain; charset=utf-8", "A worker did not report its counters in time.\n"};
        co_return a;
    }
    a.content_type = "text/plain; version=0.0.4; charset=utf-8";
    a.body = render_metrics(*workers, sources.credentials());
    co_return a;
}

admin::admin(asio::io_context& control, tcp::endpoint at, admin_sources sources, admin_limits limits)
    : state_(std::make_shared<state>(control, std::move(at), std::move(sources), limits)) {}

admin::~admin() {
    stop();
}

void admin::start() {
    tcp::acceptor& acceptor = state_->acceptor;
    acceptor.open(state_->at.protocol());
    close_on_exec(acceptor.native_handle());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(state_->at);
    acceptor.listen();
    asio::co_spawn(state_->control, state::accept_loop(state_), asio::detached);
}

void admin::stop() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    for (beast::tcp_stream* stream : state_->open) {
        stream->close();
    }
}

admin::tcp::endpoint admin::local() const {
    return state_->acceptor.local_endpoint();
}

} // namespace countersign::proxy
