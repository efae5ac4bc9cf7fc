// How a subcommand that throws tells its user: one line on standard error, and the exit status. For subcommands only.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string_view>

namespace countersign::proxy {

// The arguments themselves are at fault (exit status 2).
struct wrong_usage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Runs `work`, which returns the exit status; what it throws becomes a line and 2 (wrong_usage) or 1.
template <class Work>
int exit_status_of(std::string_view command, Work&& work) {
    try {
        return work();
    } catch (const wrong_usage& wrong) {
        fmt::print(stderr, "countersign {}: {}\n", command, wrong.what());
        return 2;
    } catch (const std::exception& failed) {
        fmt::print(stderr, "countersign {}: {}\n", command, failed.what());
        return 1;
    }
}

} // namespace countersign::proxy
