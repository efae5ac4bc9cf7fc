// Connects to the first of several addresses that answers, as connection_race says when each is tried; who loses is
// closed. Does not end by itself while an address keeps silent: whoever waits has the deadline. One thread: the
// io_context's. Nothing blocks.
#pragma once

#include "chain/connection_race.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace countersign::chain {

struct connected {
    int descriptor = -1;   // of whoever receives this: connected, non-blocking, close-on-exec. -1: none
    std::size_t which = 0; // of the addresses; when none was reached, one that was not
    int error = 0;         // errno; ECANCELED after give_up()
};

class connector : public std::enable_shared_from_this<connector> {
public:
    static constexpr std::size_t most_at_once = 6; // then the one tried first makes room

    connector(boost::asio::io_context& context, std::vector<boost::asio::ip::tcp::endpoint> addresses);
    ~connector();
    connector(const connector&) = delete;
    connector& operator=(const connector&) = delete;

    // `receive` is called once, from the io_context.
    void begin(std::function<void(connected)> receive);
    void give_up();       // it is told so, soon
    void drop() noexcept; // nobody is told

private:
    struct attempt;

    void go_on();
    void try_address(std::size_t which);
    void ready(const std::shared_ptr<attempt>& a);
    void arm();
    void tell();

    boost::asio::io_context& context_;
    std::vector<boost::asio::ip::tcp::endpoint> addresses_;
    std::function<void(connected)> receive_;
    connection_race race_;
    boost::asio::steady_timer timer_;                // the next turn
    std::vector<std::shared_ptr<attempt>> attempts_; // the oldest first
    std::optional<connected> result_;
    connected last_failure_;
};

} // namespace countersign::chain
