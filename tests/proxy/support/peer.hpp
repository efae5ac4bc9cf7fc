// The other end of one of the proxy's connections, client or service: blocking sockets in the test's own
// hands, so that a test reads as the conversation it is. Whoever waits longer than `patience` gets an
// exception.
#pragma once

#include "tests/proxy/support/tls_end.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

constexpr std::chrono::seconds patience{20};

// A request or an answer as it was read.
struct message {
    std::string head; // with the empty line
    std::string body; // of a chunked one: as it came, framing included

    std::string first_line() const;
    std::vector<std::string> values(std::string_view field) const; // its name in any case
    std::string value(std::string_view field) const;               // "" when it is missing or there are several
    unsigned status() const;                                       // of an answer
};

enum class has_body : std::uint8_t { as_told, never };

class peer {
public:
    explicit peer(boost::asio::ip::tcp::socket socket);

    // From here on as the service's end of TLS: what is sent and received is text, in records of tls().
    void shake_hands(int version = 0);
    tls_end& tls() noexcept { return *tls_; }
    void send_raw(std::string_view bytes); // as they are: records of tls(), in one segment

    void send(std::string_view bytes);
    // What the system takes without waiting longer than that for room.
    std::size_t send_until_stuck(std::string_view bytes, std::chrono::milliseconds for_room);
    message receive(has_body body = has_body::as_told);
    std::string receive_bytes(std::size_t n);
    std::string receive_to_end(); // what comes before the end, or before a reset
    bool was_reset() const noexcept { return reset_; }
    void finish(); // no more bytes from here
    void close();
    void reset(); // closes by a reset

private:
    bool read_some(); // false at the end
    void receive_chunked(message& m);

    boost::asio::ip::tcp::socket socket_;
    std::unique_ptr<tls_end> tls_;
    std::string unread_;
    bool reset_ = false;
};

// A port of 127.0.0.1 that nobody else has.
class service {
public:
    service();
    std::uint16_t port() const;
    peer accept();
    bool was_called(); // a connection waits to be accepted
    void close();

private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_{context_};
};

} // namespace countersign::tests
