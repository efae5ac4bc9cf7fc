// The threads that write and read temporary files: a worker never waits for a disk. Started with the first file.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <coroutine>
#include <memory>
#include <mutex>

namespace countersign::proxy::body {

class disk_threads {
public:
    static constexpr std::size_t count = 2;

    // Any thread.
    boost::asio::thread_pool& pool();

private:
    std::once_flag once_;
    std::unique_ptr<boost::asio::thread_pool> pool_;
};

// co_await: runs `work`, which must not throw, on one of them, and resumes on the thread of `home`. What it works on
// must stay until then: there is no way to cancel it.
template <class Work>
class on_disk {
public:
    on_disk(disk_threads& threads, boost::asio::io_context& home, Work work) noexcept
        : threads_(threads), home_(home), work_(std::move(work)) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        boost::asio::post(threads_.pool(), [this, waiting, busy = boost::asio::make_work_guard(home_)] {
            work_();
            boost::asio::post(home_, [waiting] { waiting.resume(); });
        });
    }
    void await_resume() const noexcept {}

private:
    disk_threads& threads_;
    boost::asio::io_context& home_;
    Work work_;
};

} // namespace countersign::proxy::body
