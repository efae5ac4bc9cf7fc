// Whether a service goes on throttling: that is worth a line in the log, but one a minute is enough. One for all
// workers; any thread, under a lock that only throttled answers take.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace countersign::proxy {

class throttle_watch {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds period{60};

    struct finding {
        std::uint64_t answers; // that were throttled
        std::chrono::seconds within;
    };
    // A throttled answer has come. A finding: for a minute or longer now, without a minute's pause, and since then
    // nothing has been said.
    std::optional<finding> note(clock::time_point now);

private:
    std::mutex mutex_;
    std::uint64_t answers_ = 0; // since began_
    clock::time_point began_{};
    clock::time_point last_{};
};

// One for each service and region that anybody asks for; the workers bound these.
class throttle_watches {
public:
    std::shared_ptr<throttle_watch> find(const std::string& scope);

private:
    std::mutex mutex_; // taken when a worker meets a scope for the first time
    std::map<std::string, std::shared_ptr<throttle_watch>> by_scope_;
};

} // namespace countersign::proxy
