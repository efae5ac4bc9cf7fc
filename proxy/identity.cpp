#include "proxy/identity.hpp"

#include "proxy/worker.hpp"

#include <fmt/format.h>

#include <chrono>

namespace countersign::proxy {

namespace {

constexpr unsigned ask_again_after = 5; // seconds, in Retry-After

refusal no_credentials(const chain::snapshot& s) {
    return {
        503,
        "no-credentials",
        fmt::format(
            "The proxy has no AWS credentials: {}. `countersign credentials --output explain` shows where it looked.",
            s.error.empty() ? "their source has not answered yet" : s.error
        ),
        ask_again_after};
}

refusal expired_credentials(const chain::snapshot& s) {
    return {
        503,
        "credentials-expired",
        fmt::format(
            "The proxy's AWS credentials have expired{}{}.",
            s.error.empty() ? "" : " and could not be renewed: ",
            s.error
        ),
        ask_again_after};
}

} // namespace

std::optional<refusal> check_credentials(worker& w) {
    if (!w.credentials.current) {
        return no_credentials(w.credentials);
    }
    if (w.credentials.current->expired_at(std::chrono::system_clock::now())) {
        if (w.on_expired_credentials) {
            w.on_expired_credentials();
        }
        return expired_credentials(w.credentials);
    }
    return std::nullopt;
}

task<std::optional<refusal>> await_credentials(worker& w, steady_time deadline) {
    while (!w.credentials.current && w.credentials.error.empty()) {
        const errc e = co_await w.credentials_known.wait_until(deadline);
        if (e != errc::none) {
            break;
        }
    }
    co_return check_credentials(w);
}

task<bool> await_other_credentials(worker& w, steady_time deadline) {
    const chain::shared_credentials before = w.credentials.current;
    if (w.on_expired_credentials) {
        w.on_expired_credentials();
    }
    while (w.credentials.current == before) {
        const errc e = co_await w.credentials_known.wait_until(deadline);
        if (e != errc::none) {
            co_return false;
        }
    }
    co_return w.credentials.current != nullptr;
}

} // namespace countersign::proxy
