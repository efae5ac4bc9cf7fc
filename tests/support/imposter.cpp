#include "tests/support/imposter.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <charconv>
#include <deque>
#include <utility>

namespace countersign::tests {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

struct scene {
    manner how = manner::answer;
    std::string text;
};

} // namespace

struct imposter::state {
    explicit state(asio::io_context& on) : acceptor(on, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

    tcp::acceptor acceptor;
    std::deque<scene> scenes;
    std::vector<std::string> heads;
    std::vector<std::string> bodies;
    std::vector<std::shared_ptr<tcp::socket>> open;
    std::size_t flooded = 0;
};

namespace {

using shared_state = std::shared_ptr<imposter::state>;
using shared_socket = std::shared_ptr<tcp::socket>;

asio::awaitable<void> flood(shared_state s, shared_socket peer) {
    const std::string zeros(1 << 16, '0');
    for (;;) {
        const auto [error, sent] = co_await asio::async_write(*peer, asio::buffer(zeros), as_values);
        s->flooded += sent;
        if (error)
            co_return;
    }
}

std::size_t body_length_in(std::string_view head) {
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    std::size_t length = 0;
    if (at != std::string_view::npos)
        std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    return length;
}

asio::awaitable<void> serve(shared_state s, shared_socket peer) {
    std::string head;
    const auto [error, size] =
        co_await asio::async_read_until(*peer, asio::dynamic_buffer(head), "\r\n\r\n", as_values);
    if (error)
        co_return;
    std::string body = head.substr(size);
    head.resize(size);
    if (const auto length = body_length_in(head); body.size() < length) {
        const auto missing = asio::transfer_exactly(length - body.size());
        co_await asio::async_read(*peer, asio::dynamic_buffer(body), missing, as_values);
    }
    s->heads.push_back(head);
    s->bodies.push_back(body);
    if (s->scenes.empty())
        co_return;
    const scene now = s->scenes.front();
    if (s->scenes.size() > 1)
        s->scenes.pop_front();
    if (now.how == manner::hang) {
        s->open.push_back(peer);
        co_return;
    }
    if (now.how == manner::reset)
        peer->set_option(asio::socket_base::linger(true, 0));
    else
        co_await asio::async_write(*peer, asio::buffer(now.text), as_values);
    if (now.how == manner::hang_halfway)
        s->open.push_back(peer);
    if (now.how == manner::flood)
        co_await flood(s, peer);
}

asio::awaitable<void> accept_all(shared_state s) {
    for (;;) {
        auto [error, peer] = co_await s->acceptor.async_accept(as_values);
        if (error)
            co_return;
        asio::co_spawn(
            s->acceptor.get_executor(), serve(s, std::make_shared<tcp::socket>(std::move(peer))), asio::detached
        );
    }
}

} // namespace

imposter::imposter(asio::io_context& on) : state_(std::make_shared<state>(on)) {
    asio::co_spawn(on, accept_all(state_), asio::detached);
}

void imposter::script(manner how, std::string text) {
    state_->scenes.push_back({how, std::move(text)});
}

void imposter::close() {
    state_->acceptor.close();
    state_->open.clear();
}

std::string imposter::url(std::string_view path) const {
    return fmt::format("http://127.0.0.1:{}{}", state_->acceptor.local_endpoint().port(), path);
}

const std::vector<std::string>& imposter::heads() const noexcept {
    return state_->heads;
}

const std::vector<std::string>& imposter::bodies() const noexcept {
    return state_->bodies;
}

std::size_t imposter::flooded() const noexcept {
    return state_->flooded;
}

std::string http_text(unsigned status, std::string_view body, std::string_view more_fields) {
    return fmt::format("HTTP/1.1 {} x\r\n{}Content-Length: {}\r\n\r\n{}", status, more_fields, body.size(), body);
}

} // namespace countersign::tests
