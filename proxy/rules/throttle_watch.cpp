#include "proxy/rules/throttle_watch.hpp"

namespace countersign::proxy {

std::optional<throttle_watch::finding> throttle_watch::note(clock::time_point now) {
    const std::lock_guard lock{mutex_};
    if (answers_ == 0 || now - last_ > period) {
        answers_ = 0;
        began_ = now;
    }
    last_ = now;
    ++answers_;
    if (now - began_ < period) {
        return std::nullopt;
    }
    const finding found{answers_, std::chrono::floor<std::chrono::seconds>(now - began_)};
    answers_ = 1; // this one begins the next minute, lest a pause seem to have been
    began_ = now;
    return found;
}

std::shared_ptr<throttle_watch> throttle_watches::find(const std::string& scope) {
    const std::lock_guard lock{mutex_};
    auto& known = by_scope_[scope];
    if (!known) {
        known = std::make_shared<throttle_watch>();
    }
    return known;
}

} // namespace countersign::proxy
