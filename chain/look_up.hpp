// One question to the name service: which addresses a host has, of both families, from the hosts file or by DNS as
// nsswitch.conf and resolv.conf say, in the order of RFC 6724. c-ares does the work, on the io_context's thread. Each
// question is a channel of its own: it sees those files as they are now, can be ended alone, and no other question's
// trouble reaches it. Blocks for reading these files only.
#pragma once

#include "chain/name_service.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct ares_channeldata;
struct ares_addrinfo;

namespace countersign::chain {

enum class name_verdict : std::uint8_t {
    found,
    absent, // there is no such name, or it has no address
    failed, // nobody could say
};

struct name_answer {
    name_verdict verdict = name_verdict::failed;
    std::vector<boost::asio::ip::address> addresses; // all of them, in the order of RFC 6724
    std::chrono::seconds lasts{0};                   // shortest TTL on the way, CNAMEs' too; 0: hosts file
    std::string detail;                              // why there are none
};

class look_up : public std::enable_shared_from_this<look_up> {
public:
    static constexpr std::chrono::seconds longest{30}; // whatever resolv.conf says
    // Then the families are asked for alone as well: some servers never answer for IPv6, and their silence about it
    // shall not cost a host its IPv4.
    static constexpr std::chrono::seconds alone_after{2};

    // `receive` is called once, from the io_context.
    look_up(boost::asio::io_context& context, std::function<void(name_answer)> receive);
    ~look_up();
    look_up(const look_up&) = delete;
    look_up& operator=(const look_up&) = delete;

    void begin(const std::string& host, const name_service& service);
    void give_up(std::string why); // the answer is a failure, soon
    void drop() noexcept;          // nobody is told: the io_context is left with nothing to wait for

private:
    struct watch; // a socket of c-ares's, watched by the io_context
    struct asked {
        look_up* by;
        int family;
        int status = -1; // of the answer; -1: none yet
        bool is_whole() const noexcept;
    };

    bool open(const name_service& service);
    void ask(asked& as);
    void ask_alone();
    void on_socket(int descriptor, bool reads, bool writes);
    void on_answer(asked& as, int status, const ares_addrinfo* found);
    void take_failure(const asked& as, int status);
    void fail(std::string why);
    void wait(const std::shared_ptr<watch>& w);
    void arm();
    void go_on(int readable, int writable);
    void settle();
    void close() noexcept;

    boost::asio::io_context& context_;
    std::function<void(name_answer)> receive_;
    std::string host_;
    asked whole_, v4_, v6_;
    bool in_doubt_ = false;           // one family has no address, the other may only have failed
    boost::asio::steady_timer timer_; // c-ares's next time-out
    std::chrono::steady_clock::time_point end_;
    std::chrono::steady_clock::time_point alone_; // max: the families were asked for alone
    std::vector<std::shared_ptr<watch>> watches_;
    std::optional<name_answer> answer_;
    ares_channeldata* channel_ = nullptr;
};

} // namespace countersign::chain
