#include "tests/proxy/support/peer.hpp"

#include "proxy/http/head.hpp"

#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <poll.h>
#include <stdexcept>

namespace countersign::tests {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

bool is_ready(int descriptor, short events, milliseconds limit) {
    pollfd one{descriptor, events, 0};
    return ::poll(&one, 1, static_cast<int>(limit.count())) == 1;
}

void require(bool holds, const char* otherwise) {
    if (!holds)
        throw std::runtime_error(otherwise);
}

} // namespace

std::string message::first_line() const {
    return head.substr(0, head.find("\r\n"));
}

std::vector<std::string> message::values(std::string_view field) const {
    std::vector<std::string> found;
    std::string_view rest = head;
    for (std::size_t end = rest.find("\r\n"); end != std::string_view::npos; end = rest.find("\r\n")) {
        const std::string_view line = rest.substr(0, end);
        const std::size_t colon = line.find(": ");
        if (colon != std::string_view::npos && proxy::equal_ignoring_case(line.substr(0, colon), field))
            found.emplace_back(line.substr(colon + 2));
        rest.remove_prefix(end + 2);
    }
    return found;
}

std::string message::value(std::string_view field) const {
    const auto all = values(field);
    return all.size() == 1 ? all.front() : "";
}

unsigned message::status() const {
    return head.size() > 12 ? static_cast<unsigned>(std::stoul(head.substr(9, 3))) : 0;
}

peer::peer(tcp::socket socket) : socket_(std::move(socket)) {
    socket_.non_blocking(true);
    socket_.set_option(tcp::no_delay(true));
}

void peer::shake_hands(int version) {
    tls_ = std::make_unique<tls_end>(version);
    while (!tls_->is_open())
        require(read_some(), "the connection ended before its handshake was done");
}

void peer::send(std::string_view bytes) {
    send_raw(tls_ ? tls_->seal(bytes) : std::string(bytes));
}

void peer::send_raw(std::string_view bytes) {
    require(send_until_stuck(bytes, patience) == bytes.size(), "nobody reads what a peer sends");
}

std::size_t peer::send_until_stuck(std::string_view bytes, milliseconds for_room) {
    std::size_t sent = 0;
    while (sent != bytes.size() && is_ready(socket_.native_handle(), POLLOUT, for_room)) {
        error_code e;
        sent += socket_.write_some(asio::buffer(bytes.substr(sent)), e);
        if (e && e != asio::error::would_block)
            break;
    }
    return sent;
}

bool peer::read_some() {
    require(is_ready(socket_.native_handle(), POLLIN, patience), "a peer waited for bytes in vain");
    std::array<char, 65536> bytes;
    error_code e;
    const std::size_t n = socket_.read_some(asio::buffer(bytes), e);
    if (tls_) {
        send_raw(tls_->feed({bytes.data(), n}));
        unread_ += tls_->read();
    } else {
        unread_.append(bytes.data(), n);
    }
    reset_ = e == asio::error::connection_reset;
    return !e || e == asio::error::would_block;
}

std::string peer::receive_bytes(std::size_t n) {
    while (unread_.size() < n)
        require(read_some(), "the connection ended before its message");
    std::string bytes = unread_.substr(0, n);
    unread_.erase(0, n);
    return bytes;
}

message peer::receive(has_body body) {
    std::size_t end = 0;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos)
        require(read_some(), "the connection ended before a head");
    message m;
    m.head = receive_bytes(end + 4);
    if (body == has_body::never)
        return m;
    if (!m.value("Transfer-Encoding").empty())
        receive_chunked(m);
    else if (const std::string length = m.value("Content-Length"); !length.empty())
        m.body = receive_bytes(std::stoul(length));
    return m;
}

// Chunks as they come, up to the empty line behind the last one's trailers.
void peer::receive_chunked(message& m) {
    const auto line = [&] {
        std::string text;
        while (!text.ends_with("\r\n"))
            text += receive_bytes(1);
        m.body += text;
        return text;
    };
    while (const std::size_t size = std::stoul(line(), nullptr, 16))
        m.body += receive_bytes(size + 2);
    while (line() != "\r\n") {
    }
}

std::string peer::receive_to_end() {
    while (read_some()) {
    }
    return std::exchange(unread_, {});
}

void peer::finish() {
    socket_.shutdown(tcp::socket::shutdown_send);
}

void peer::close() {
    socket_.close();
}

void peer::reset() {
    socket_.set_option(asio::socket_base::linger(true, 0));
    socket_.close();
}

service::service() {
    const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
    acceptor_.open(any.protocol());
    acceptor_.bind(any);
    acceptor_.listen();
}

std::uint16_t service::port() const {
    return acceptor_.local_endpoint().port();
}

peer service::accept() {
    require(is_ready(acceptor_.native_handle(), POLLIN, patience), "a service waited for a connection in vain");
    return peer(acceptor_.accept());
}

bool service::was_called() {
    return is_ready(acceptor_.native_handle(), POLLIN, milliseconds(0));
}

void service::close() {
    acceptor_.close();
}

} // namespace countersign::tests
