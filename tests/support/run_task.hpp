// Runs one coroutine to its end on an io_context of its own, with a watchdog in real time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace countersign::tests {

template <class T>
T run_task(
    boost::asio::io_context& on, boost::asio::awaitable<T> work, std::chrono::seconds limit = std::chrono::seconds(20)
) {
    std::optional<T> value;
    std::exception_ptr bug;
    const auto keep = [&](boost::asio::awaitable<T> inner) -> boost::asio::awaitable<void> {
        value.emplace(co_await std::move(inner));
    };
    boost::asio::co_spawn(on, keep(std::move(work)), [&](std::exception_ptr e) { bug = e; });
    on.restart();
    on.run_for(limit);
    if (bug)
        std::rethrow_exception(bug);
    if (!value)
        throw std::runtime_error("the task did not end in time");
    return *std::move(value);
}

template <class T>
T run_task(boost::asio::awaitable<T> work) {
    boost::asio::io_context on{1};
    return run_task(on, std::move(work));
}

} // namespace countersign::tests
