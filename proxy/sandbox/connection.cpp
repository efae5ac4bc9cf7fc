#include "proxy/sandbox/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/detect_ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

namespace countersign::proxy::sandbox {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds patience{60};
constexpr std::uint32_t head_limit = 64 * 1024;
constexpr std::size_t buffer_limit = 256 * 1024;

using parser = http::request_parser<http::string_body>;
enum class next : std::uint8_t { another_request, close };

beast::tcp_stream& lowest(beast::tcp_stream& stream) {
    return stream;
}
beast::tcp_stream& lowest(beast::ssl_stream<beast::tcp_stream>& stream) {
    return stream.next_layer();
}

request request_of(parser& parsed) {
    auto& message = parsed.get();
    request ask;
    ask.method = std::string(message.method_string());
    std::string_view target = message.target();
    // A client that takes us for its proxy sends the absolute form: http://host/path → /path.
    if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
        target.remove_prefix(scheme + 3);
        target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    }
    const std::size_t mark = std::min(target.find('?'), target.size());
    ask.path = mark == 0 ? "/" : std::string(target.substr(0, mark));
    ask.query = target.substr(std::min(mark + 1, target.size()));
    for (const auto& f : message) {
        ask.headers.push_back({std::string(f.name_string()), std::string(f.value())});
    }
    ask.body = std::move(message.body());
    return ask;
}

// The answer's head, with the body's length also where the body itself is left out (HEAD).
std::string head_of(const answer& a, bool keep_alive) {
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\n", a.status, std::string(http::obsolete_reason(http::status(a.status))));
    for (const field& f : a.headers) {
        head += fmt::format("{}: {}\r\n", f.name, f.value);
    }
    if (a.status != 204 && a.status != 304) { // RFC 9110 section 8.6
        head += fmt::format("Content-Length: {}\r\n", a.body.size());
    }
    head += "Server: countersign-sandbox\r\n";
    head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return head;
}

// With lingering off, close sends RST instead of FIN.
void reset(beast::tcp_stream& stream) {
    boost::system::error_code ignored;
    stream.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    stream.socket().close(ignored);
}

template <class Stream>
chain::task<next> write_answer(Stream& stream, const answer& a, bool head_request, bool keep_alive) {
    if (a.delay.count() > 0) {
        asio::steady_timer timer(co_await asio::this_coro::executor, a.delay);
        co_await timer.async_wait(as_result);
    }
    if (a.how == delivery::reset) {
        reset(lowest(stream));
    }
    if (a.how == delivery::reset || a.how == delivery::closed) {
        co_return next::close;
    }

    std::string message = head_of(a, keep_alive && a.how == delivery::whole);
    if (!head_request && a.status != 204 && a.status != 304) {
        message += a.how == delivery::truncated ? a.body.substr(0, a.body.size() / 2) : a.body;
    }
    lowest(stream).expires_after(patience);
    const auto [error, size] = co_await asio::async_write(stream, asio::buffer(message), as_result);
    co_return error || !keep_alive || a.how != delivery::whole ? next::close : next::another_request;
}

// The answer to a request that cannot be read; status 0: there is none.
answer unreadable(beast::error_code error) {
    if (error == http::error::body_limit) {
        return text_answer(413, "text/plain", "The sandbox takes bodies up to 16 MiB.\n");
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return text_answer(431, "text/plain", "The head of the request is over 64 KiB.\n");
    }
    const bool malformed = error.category() == make_error_code(http::error::bad_method).category() &&
                           error != http::error::end_of_stream && error != http::error::partial_message;
    return malformed ? text_answer(400, "text/plain", "This is no HTTP request.\n") : text_answer(0, "", "");
}

template <class Stream>
chain::task<beast::error_code> read_request(Stream& stream, beast::flat_buffer& buffer, parser& parsed) {
    lowest(stream).expires_after(patience);
    const auto [head_error, head_size] = co_await http::async_read_header(stream, buffer, parsed, as_result);
    if (head_error) {
        co_return head_error;
    }
    if (beast::iequals(parsed.get()[http::field::expect], "100-continue") && !parsed.is_done()) {
        const auto [error, size] =
            co_await asio::async_write(stream, asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), as_result);
        if (error) {
            co_return error;
        }
    }
    lowest(stream).expires_after(patience);
    const auto [error, size] = co_await http::async_read(stream, buffer, parsed, as_result);
    co_return error;
}

template <class Stream>
chain::task<> converse(Stream& stream, beast::flat_buffer& buffer, house& shared) {
    for (next then = next::another_request; then == next::another_request;) {
        parser parsed;
        parsed.header_limit(head_limit);
        parsed.body_limit(store_limit);
        const beast::error_code error = co_await read_request(stream, buffer, parsed);
        if (error) {
            const answer a = unreadable(error);
            if (a.status != 0) {
                co_await write_answer(stream, a, false, false);
            }
            co_return;
        }
        const bool keep_alive = parsed.get().keep_alive();
        const request ask = request_of(parsed);
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        const answer a = shared.answers.respond(ask, now);
        then = co_await write_answer(stream, a, ask.method == "HEAD", keep_alive);
    }
}

chain::task<> serve_tls(beast::tcp_stream plain, beast::flat_buffer& buffer, house& shared) {
    beast::ssl_stream<beast::tcp_stream> stream(std::move(plain), *shared.tls);
    lowest(stream).expires_after(patience);
    const auto [error, used] =
        co_await stream.async_handshake(asio::ssl::stream_base::server, buffer.data(), as_result);
    if (error) {
        co_return;
    }
    buffer.consume(used);
    co_await converse(stream, buffer, shared);
    if (!lowest(stream).socket().is_open()) {
        co_return;
    }
    lowest(stream).expires_after(std::chrono::seconds(1));
    co_await stream.async_shutdown(as_result);
}

chain::task<> serve_socket(asio::ip::tcp::socket socket, house& shared) {
    boost::system::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    beast::tcp_stream stream(std::move(socket));
    beast::flat_buffer buffer(buffer_limit);
    stream.expires_after(patience);
    const auto [error, is_tls] = co_await beast::async_detect_ssl(stream, buffer, as_result);
    if (error) {
        co_return;
    }
    if (!is_tls) {
        co_await converse(stream, buffer, shared);
    } else if (shared.tls) {
        co_await serve_tls(std::move(stream), buffer, shared);
    }
}

struct counted {
    explicit counted(std::size_t& what) : count(what) { ++count; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --count; }
    std::size_t& count;
};

} // namespace

chain::task<> serve_connection(asio::ip::tcp::socket socket, house& shared) {
    const counted here(shared.connections);
    try {
        co_await serve_socket(std::move(socket), shared);
    } catch (const std::exception& e) {
        fmt::print(stderr, "sandbox: {}\n", e.what()); // a bug, or out of memory: this connection only
    }
}

} // namespace countersign::proxy::sandbox
