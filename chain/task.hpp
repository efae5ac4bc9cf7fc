// The vocabulary of everything in chain/ that waits. (The proxy's hot path has a coroutine of its own.)
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace countersign::chain {

template <class T = void>
using task = boost::asio::awaitable<T>;

// Why something in the chain went wrong. `detail` is one line for the user and holds no secret.
struct failure {
    std::string detail;
    bool retryable = false;
};

[[noreturn]] inline void throw_exception_from_error(const failure& f, const boost::source_location&) {
    throw std::runtime_error(f.detail);
}

template <class T>
using result = boost::system::result<T, failure>;

} // namespace countersign::chain
