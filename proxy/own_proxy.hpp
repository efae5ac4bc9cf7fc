// The environment's HTTP_PROXY and its like, when they name this proxy itself: `serve` does not use them, but the
// commands that it runs for credentials inherit them. Pure; any thread.
#pragma once

#include "chain/world.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy {

// Is this value of such a variable ("http://user:password@localhost:8080/", "127.0.0.1:8080") a listener's address?
bool names_listener(std::string_view value, const boost::asio::ip::tcp::endpoint& listener);

// The variables that name one of our listeners, as they are spelled. Never their values: they may hold a password.
std::vector<std::string>
variables_that_name_us(const chain::world& outside, std::span<const boost::asio::ip::tcp::endpoint> listeners);

// What to tell about them; "" where there are none.
std::string own_proxy_warning(const chain::world& outside, std::span<const boost::asio::ip::tcp::endpoint> listeners);

} // namespace countersign::proxy
