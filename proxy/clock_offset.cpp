#include "proxy/clock_offset.hpp"

#include "proxy/rules/healing.hpp"

#include <spdlog/spdlog.h>

namespace countersign::proxy {

void check_clock(destination& d, const outcome& out, wall_time now) {
    if (d.clock_offset != std::chrono::seconds{0}) {
        if (const auto better = correct_clock(d.clock_offset, clock_ahead(out.reply.date, now))) {
            learn_clock(d, *better);
        }
    }
}

void learn_clock(destination& d, std::chrono::seconds ahead) {
    const std::chrono::seconds none{0};
    if (std::chrono::abs(ahead - d.clock_offset) <= unnoticed_skew) {
        return; // another request has learned it
    }
    d.learn_clock(std::chrono::abs(ahead) <= unnoticed_skew ? none : ahead);
    if (d.clock_offset == none) {
        spdlog::info("this machine's clock agrees with that of {} again", d.plan.authority);
        return;
    }
    spdlog::warn(
        "this machine's clock is {} s {} that of {}: what is signed is dated by the service's; check NTP",
        std::chrono::abs(ahead).count(),
        ahead > none ? "behind" : "ahead of",
        d.plan.authority
    );
}

} // namespace countersign::proxy
