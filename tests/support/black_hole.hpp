// An address on this machine where connections are neither made nor refused: a listener whose queue is full.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>

namespace countersign::tests {

class black_hole {
public:
    explicit black_hole(const std::string& address, std::uint16_t port = 0) {
        const boost::asio::ip::tcp::endpoint here(boost::asio::ip::make_address(address), port);
        listener_.open(here.protocol());
        listener_.bind(here);
        listener_.listen(0);
        filling_.connect(listener_.local_endpoint());
    }
    boost::asio::ip::tcp::endpoint endpoint() const { return listener_.local_endpoint(); }

private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor listener_{context_};
    boost::asio::ip::tcp::socket filling_{context_};
};

} // namespace countersign::tests
