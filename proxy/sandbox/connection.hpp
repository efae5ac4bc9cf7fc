// One client connection of the sandbox: plain HTTP/1.1 or TLS on the same port, told apart by the first byte.
// Bounded: heads of 64 KiB, bodies of store_limit, a minute of silence. One thread.
#pragma once

#include "chain/task.hpp"
#include "proxy/sandbox/site.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <cstddef>

namespace countersign::proxy::sandbox {

// What all connections share. Outlives the io_context they run on.
struct house {
    site& answers;
    boost::asio::ssl::context* tls; // nullptr: plain HTTP only
    std::size_t connections = 0;    // open ones
};

// Never throws; closes the socket.
chain::task<> serve_connection(boost::asio::ip::tcp::socket socket, house& shared);

} // namespace countersign::proxy::sandbox
