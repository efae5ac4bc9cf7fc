// Keeps the credentials of one identity fresh, off the workers: resolves at once, renews ahead of expiry (one
// load at a time, with jitter) and when a file that it comes from has changed (file_watch.hpp), and hands out
// immutable snapshots. It must never give up valid credentials for worse ones. Lives on the control thread; not
// thread-safe itself. The subscriber is called on that thread and passes the snapshot on to the workers.
#pragma once

#include "chain/credentials.hpp"
#include "chain/settings.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace countersign::chain {

class world;

// What the workers and /readyz know. `current` may be expired: who signs looks at the clock.
struct snapshot {
    shared_credentials current; // null until the first success
    std::string error; // of the last load, or why `current` is used past its expiry; "" else. One line, no secret
    std::string warning = {};               // of what `current` hides (chain/chain.hpp), "" when nothing; one line
    std::vector<std::string> left_out = {}; // of the files that were read, a line each; no secret
    std::chrono::system_clock::time_point load_began{}; // of the last load, this one's or a failed one's
};

// When the next load is due. Two windows: from 15 min before expiry (less up to a minute of jitter, `u01`) new
// credentials are wanted, from 10 min before it they are urgent. Half of the life that is left for lives shorter
// than 30 min, in a second at least; without expiry in 15 min. After `failures` failed loads in a row: 1 s doubling
// to 60 s (30 s when urgent, 15 s while nobody can sign) less up to half of it by chance, at the latest after half
// of the validity that is left and when it becomes urgent, at the earliest after half a second. Pure.
std::chrono::system_clock::time_point refresh_at(
    const credentials* current, unsigned failures, std::chrono::system_clock::time_point now, double u01
) noexcept;

class refresher {
public:
    using subscriber = std::function<void(const snapshot&)>;

    refresher(boost::asio::io_context& control, world& outside, chain_settings settings, subscriber tell);
    ~refresher();
    refresher(const refresher&) = delete;
    refresher& operator=(const refresher&) = delete;

    void start();    // the first load
    void load_now(); // SIGHUP, or a request met expired credentials: joins a load under way; else at most one a second
    void stop();     // cancels what is under way

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace countersign::chain
