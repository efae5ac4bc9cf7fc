// How names are asked for: what resolv.conf says besides what c-ares 1.18 reads of it by itself (servers, search
// domains, ndots). Pure, but for system_name_service().
#pragma once

#include <boost/asio/ip/udp.hpp>

#include <chrono>
#include <string_view>
#include <vector>

namespace countersign::chain {

struct name_service {
    std::chrono::milliseconds timeout{2000}; // of the first try; each round over the servers doubles it
    int tries = 3;                           // of each server
    bool only_tcp = false;
    // In place of resolv.conf's, without its search domains: for tests.
    std::vector<boost::asio::ip::udp::endpoint> servers;
};

// `timeout:`, `attempts:` and `use-vc` in the lines "options …" of resolv.conf and, with the last word, in RES_OPTIONS;
// within glibc's bounds (30 s, 5). Without them a silent server is given up sooner than glibc does (5 s), for a request
// waits.
name_service read_name_service(std::string_view resolv_conf, std::string_view res_options);

// As this machine is configured now. Reads /etc/resolv.conf.
name_service system_name_service();

} // namespace countersign::chain
