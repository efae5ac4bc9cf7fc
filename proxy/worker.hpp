// One thread of the proxy: accepts clients on its own listeners, walks the deadlines ten times a second, drains and
// stops. What its requests use is the worker_state below it. Workers share nothing that changes but two counters. Other
// threads only call the functions of the second block, which post to the worker.
#pragma once

#include "proxy/exchange_store.hpp"
#include "proxy/process.hpp"
#include "proxy/worker_state.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace countersign::proxy {

class worker {
public:
    // Opens its acceptors (SO_REUSEPORT) on `shared.listeners`. Throws boost::system::system_error, and what
    // worker_state throws.
    explicit worker(shared_state& shared);
    ~worker();
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    void run(); // the thread's body: until stop()

    // --- From any thread ---
    void set_credentials(std::size_t identity, chain::snapshot s);
    void set_config(std::shared_ptr<const conf::config> c, std::string default_region, shared_tenants of = {});
    // No new clients; those whose handshake had begun are served. `drained` is called on the worker's thread.
    void drain(std::function<void()> drained);
    void stop();                                               // ends everything that is still under way
    void collect(std::function<void(worker_metrics)> receive); // called on the worker's thread

    // --- On the worker's thread, or before run() ---
    worker_state& state() noexcept { return state_; }

private:
    using executor = asio::io_context::executor_type;
    struct listener;
    enum class accepted : std::uint8_t { one, nobody, not_now };

    void accept_on(listener& l);
    bool is_full() const noexcept;
    void accept_all(listener& l);
    accepted accept_one(listener& l);
    void pause_accepting(listener& l);
    void close_listeners();
    void client_gone();
    void tick();
    void arm_tick();
    void arm_alarm();
    void flush_log(steady_time now) noexcept; // and what is to be told of lines that are missing
    void end_everything();
    void end_waiting() noexcept;
    void resume_accepting();
    void check_drained();

    worker_state state_;
    exchange_store exchanges_;
    pause::timer ticker_;
    pause::timer alarm_; // rings state_.alarms
    asio::executor_work_guard<executor> work_;
    std::vector<std::unique_ptr<listener>> listeners_;
    std::function<void()> drained_;
    steady_time listening_until_ = steady_time::max();
    std::uint64_t lost_lines_ = 0; // of the access log, counted already
    spare_descriptor spare_;
    bool stopping_ = false;
};

} // namespace countersign::proxy
