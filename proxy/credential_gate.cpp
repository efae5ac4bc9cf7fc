#include "proxy/credential_gate.hpp"

#include "proxy/worker_state.hpp"

#include <fmt/format.h>

#include <chrono>

namespace countersign::proxy {

namespace {

constexpr unsigned ask_again_after = 5; // seconds, in Retry-After

// " for identity audit"; the default one needs no name.
std::string for_identity(const worker_state& w, std::size_t identity) {
    return identity == 0 ? std::string() : fmt::format(" for identity {}", w.identities[identity].name);
}

refusal no_credentials(const worker_state& w, std::size_t identity, const chain::snapshot& s) {
    return {
        503,
        "no-credentials",
        fmt::format(
            "The proxy has no AWS credentials{}: {}. `countersign credentials --output explain` shows where it looked.",
            for_identity(w, identity),
            s.error.empty() ? "their source has not answered yet" : s.error
        ),
        ask_again_after};
}

refusal expired_credentials(const worker_state& w, std::size_t identity, const chain::snapshot& s) {
    return {
        503,
        "credentials-expired",
        fmt::format(
            "The proxy's AWS credentials{} have expired{}{}.",
            for_identity(w, identity),
            s.error.empty() ? "" : " and could not be renewed: ",
            s.error
        ),
        ask_again_after};
}

} // namespace

std::optional<refusal> check_credentials(worker_state& w, std::size_t identity) {
    const chain::snapshot& known = w.identities[identity].known;
    if (!known.current) {
        return no_credentials(w, identity, known);
    }
    if (known.current->expired_at(w.wall_now())) {
        if (w.on_expired_credentials) {
            w.on_expired_credentials(identity);
        }
        return expired_credentials(w, identity, known);
    }
    return std::nullopt;
}

task<std::optional<refusal>> await_credentials(worker_state& w, std::size_t identity, steady_time deadline) {
    held_identity& who = w.identities[identity];
    while (!who.known.current && who.known.error.empty()) {
        const io_error e = co_await who.changed.wait_until(deadline);
        if (e != io_error::none) {
            break;
        }
    }
    co_return check_credentials(w, identity);
}

known_now known_of(const worker_state& w, std::size_t identity) noexcept {
    return {w.identities[identity].known.current.get(), w.wall_now()};
}

task<bool> await_other_credentials(worker_state& w, std::size_t identity, const signed_as& than, steady_time deadline) {
    held_identity& who = w.identities[identity];
    const auto asked = w.wall_now(); // the clock of snapshot::load_began
    while (!are_other_keys(known_of(w, identity), than)) {
        if (who.known.load_began >= asked) {
            co_return false;
        }
        if (w.on_expired_credentials) {
            w.on_expired_credentials(identity); // their source is asked once a second at most
        }
        const io_error e = co_await who.changed.wait_until(deadline);
        if (e != io_error::none) {
            co_return false;
        }
    }
    co_return true;
}

} // namespace countersign::proxy
