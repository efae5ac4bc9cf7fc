// A DNS server on 127.0.0.1, UDP and TCP on one free port, that answers as told: on a thread of its own, so that it
// serves whoever the test waits for. A name that nobody scripted does not exist.
#pragma once

#include "chain/name_service.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace countersign::tests {

struct dns_reply {
    std::vector<std::string> addresses; // of either family
    unsigned ttl = 60;
    std::vector<std::string> aliases{}; // a CNAME to the first, from there to the next …; the last has the addresses
    unsigned alias_ttl = 60;
    unsigned code = 0;       // 2: SERVFAIL, 5: REFUSED
    bool silent = false;     // the question is never answered
    bool no_ipv6 = false;    // the question for IPv6 is not
    bool ipv4_fails = false; // SERVFAIL for IPv4, whatever is said of IPv6
    bool only_tcp = false;   // over UDP truncated, without an address
    bool broken_tcp = false; // closes a connection that it is asked over
};

class name_server {
public:
    name_server();
    ~name_server();
    name_server(const name_server&) = delete;
    name_server& operator=(const name_server&) = delete;

    void script(const std::string& name, dns_reply reply);
    std::size_t asked(const std::string& name); // questions so far: one for each family
    void await_question(const std::string& name, std::size_t least = 1);
    // For a resolver that is to ask here.
    chain::name_service service(std::chrono::milliseconds timeout = std::chrono::seconds{60}, int tries = 1) const;

private:
    void run();
    void answer_packet();
    bool answer_on(int connection);
    std::string answer_to(std::string_view query, bool over_tcp);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, dns_reply> replies_;
    std::map<std::string, std::size_t> asked_;
    int packets_ = -1, listener_ = -1, end_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

} // namespace countersign::tests
