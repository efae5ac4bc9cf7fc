#include "proxy/throttling.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace countersign::proxy {

namespace {

void warn_of_throttling(const plan& p, const throttle_watch::finding& found) {
    spdlog::warn(
        "{} in {} has throttled {} attempts within {} s: where that goes on, ask for a higher quota in the Service "
        "Quotas console",
        p.service,
        p.region,
        found.answers,
        found.within.count()
    );
}

} // namespace

void learn_pace(destination& d, const outcome& out, steady_time now) {
    if (out.error == io_error::cancelled) {
        return;
    }
    const bool is_throttled =
        out.error == io_error::none && classify(out.reply.head.status, out.code) == attempt_result::throttled;
    if (d.pace) {
        d.pace->learn(is_throttled, now);
    }
    if (is_throttled) {
        ++d.counters->throttled;
        if (const auto found = d.throttling->note(now)) {
            warn_of_throttling(d.plan, *found);
        }
    }
}

refusal refuse_turn(const plan& p, adaptive_limiter::clock::duration wait) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    return {
        503,
        "upstream-throttled",
        fmt::format(
            "{} throttles, and at the rate that it takes this request's turn would come too late (retry.max_elapsed).",
            p.authority
        ),
        static_cast<unsigned>(std::clamp<std::int64_t>(seconds, 1, 3600)),
        refusal_kind::throttled};
}

} // namespace countersign::proxy
