// The sockets of a simulation: connections that are two queues of bytes, seen by the proxy through socket_calls and by
// the script directly. What a call does beyond that (short, not now, broken) the seed decides. Deterministic.
#pragma once

#include "proxy/net/clock.hpp"
#include "proxy/net/dialler.hpp"
#include "proxy/net/socket_calls.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace countersign::tests {

class scripted_time final : public proxy::time_source {
public:
    explicit scripted_time(std::uint64_t seed) : random_(seed) {}
    proxy::steady_time steady_now() noexcept override { return proxy::steady_time{} + elapsed_; }
    proxy::wall_time wall_now() noexcept override {
        return proxy::wall_time{std::chrono::seconds{1'795'000'000}} +
               std::chrono::duration_cast<proxy::wall_time::duration>(elapsed_);
    }
    double chance() noexcept override { return std::uniform_real_distribution<double>{0, 1}(random_); }
    std::uint64_t below(std::uint64_t limit) {
        return std::uniform_int_distribution<std::uint64_t>{0, limit - 1}(random_);
    }
    bool happens(double probability) { return chance() < probability; }

    void advance_to(proxy::steady_time when) { elapsed_ = std::max(elapsed_, when - proxy::steady_time{}); }
    // The script's moments, besides the proxy's.
    void after(std::chrono::milliseconds delay, std::function<void()> what);
    proxy::steady_time next() const;
    bool run_due(); // false: there was nothing due

private:
    std::mt19937_64 random_;
    std::chrono::nanoseconds elapsed_{std::chrono::hours{1}};
    std::multimap<proxy::steady_time, std::function<void()>> moments_;
};

// One connection: the proxy's end is a descriptor, the other one is the script's.
struct scripted_connection {
    int descriptor = -1;
    std::string to_proxy, from_proxy; // under way
    std::size_t window = 4096;        // how much from_proxy takes before the proxy has to wait
    bool far_ended = false;           // the script sends no more
    bool far_reset = false;           // … and takes nothing any more
    bool near_ended = false;          // the proxy sends no more
    bool near_closed = false;
    std::uint64_t watched_as = 0; // epoll's data; 0: not watched
    bool is_new_to_read = false;  // an edge that the proxy has not been told of
    bool is_new_to_write = false;
    std::function<void()> on_change; // the proxy has written, ended or closed
};
using connection_ptr = std::shared_ptr<scripted_connection>;

// What may go wrong at the calls of one simulation.
struct faults {
    double short_call = 0;           // one to a few bytes only
    double not_now = 0;              // EAGAIN, though there is something
    double broken = 0;               // ECONNRESET
    std::optional<std::uint64_t> at; // the one call that is broken, counted from 0
};

class scripted_sockets final : public proxy::socket_calls {
public:
    scripted_sockets(scripted_time& time, const faults& f) : time_(time), faults_(f) {}

    connection_ptr open();                                     // an end for the proxy, a descriptor in it
    void send(scripted_connection& c, std::string_view bytes); // by the script
    void finish(scripted_connection& c);
    void reset(scripted_connection& c);
    std::string take(scripted_connection& c, std::size_t most); // what the proxy has written

    ssize_t receive(int descriptor, void* into, std::size_t size) noexcept override;
    ssize_t send(int descriptor, const msghdr& message) noexcept override;
    bool has_unread(int descriptor) noexcept override;
    bool has_unacknowledged(int descriptor) noexcept override;
    void shut_down_sending(int descriptor) noexcept override;
    void reset_on_close(int) noexcept override {}
    void set_up(int) noexcept override {}
    void close(int descriptor) noexcept override;
    int watch(int set, int descriptor, epoll_event& e) noexcept override;
    int take_events(int set, epoll_event* into, int most) noexcept override;

    bool has_events() const;
    std::size_t open_count() const { return open_.size(); }
    std::uint64_t calls() const { return calls_; }

private:
    int injected() noexcept; // errno, or 0
    std::size_t shortened(std::size_t size) noexcept;

    scripted_time& time_;
    faults faults_;
    std::map<int, connection_ptr> open_;
    int next_ = 1000;
    std::uint64_t calls_ = 0;
};

// Connects to a service of the script's, after a while, or not.
class scripted_dialler final : public proxy::dialler {
public:
    using serve = std::function<void(connection_ptr)>;
    scripted_dialler(scripted_time& time, scripted_sockets& sockets, double failing, serve to)
        : time_(time), sockets_(sockets), failing_(failing), to_(std::move(to)) {}
    std::shared_ptr<proxy::dialling> dial(std::vector<proxy::tcp::endpoint> addresses) override;

private:
    scripted_time& time_;
    scripted_sockets& sockets_;
    double failing_;
    serve to_;
};

} // namespace countersign::tests
