// Connecting to whichever of several addresses answers first (chain/connector.hpp), at a seam, so that a simulation can
// script it. One thread: the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace countersign::proxy {

using tcp = boost::asio::ip::tcp;

struct dialled {
    int descriptor = -1;   // of whoever receives this: connected and non-blocking. -1: none
    std::size_t which = 0; // of the addresses; when none was reached, one that was not
    int error = 0;         // errno; ECANCELED after give_up()
};

class dialling {
public:
    virtual ~dialling() = default;
    virtual void begin(std::function<void(dialled)> receive) = 0; // called once, never from within this call
    virtual void give_up() = 0;                                   // it is told so, soon
};

class dialler {
public:
    virtual std::shared_ptr<dialling> dial(std::vector<tcp::endpoint> addresses) = 0;

protected:
    ~dialler() = default;
};

// By the system's sockets.
class system_dialler final : public dialler {
public:
    explicit system_dialler(boost::asio::io_context& context) noexcept : context_(context) {}
    std::shared_ptr<dialling> dial(std::vector<tcp::endpoint> addresses) override;

private:
    boost::asio::io_context& context_;
};

} // namespace countersign::proxy
