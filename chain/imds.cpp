// The role of an EC2 instance, from its metadata service.
#include "chain/answer.hpp"
#include "chain/imds_client.hpp"
#include "chain/profile_choice.hpp"
#include "chain/provider.hpp"
#include "chain/rfc3339.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace countersign::chain {

namespace {

// "We make new credentials available at least five minutes before the expiration of the old credentials" (EC2 User
// Guide, "Retrieve security credentials from instance metadata").
constexpr std::chrono::minutes successor_before_end{5};
constexpr std::chrono::minutes left_in_peace{3};

constexpr const char* role_list = "/latest/meta-data/iam/security-credentials/";

class imds_provider final : public provider {
public:
    explicit imds_provider(chain_settings settings) : settings_(settings), client_(std::move(settings)) {}

    std::string_view name() const noexcept override { return "imds"; }
    sight look(const world& outside) const override;
    task<answer> fetch(world& outside) override;

private:
    task<answer> ask(world& outside);
    task<answer> ask_role(world& outside, std::string role);
    answer stable(answer fresh, world& outside);
    credentials extend(std::string notice, world& outside);

    chain_settings settings_;
    imds_client client_;
    shared_credentials last_;     // the last that the service gave
    shared_credentials extended_; // the same with a later expiry, while the service is ill
    std::chrono::system_clock::time_point extended_at_{};
};

std::string endpoint_origin(const world& outside, const profile* settings) {
    for (const auto* variable : {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"}) {
        if (outside.setting(variable)) {
            return variable;
        }
        std::string property(std::string_view(variable).substr(4));
        std::transform(property.begin(), property.end(), property.begin(), lower);
        if (const auto* said = settings ? settings->find(property) : nullptr) {
            return fmt::format("{}, {}", property, said->where);
        }
    }
    return "where every instance has it";
}

sight imds_provider::look(const world& outside) const {
    sight s;
    s.configured = !imds_is_disabled(outside);
    if (!s.configured) {
        s.seen.push_back("AWS_EC2_METADATA_DISABLED = true");
        return s;
    }
    const auto profiles = read_profiles(outside);
    const auto* p = profiles ? profiles->find(selected_profile(outside, settings_)) : nullptr;
    const auto endpoint = imds_endpoint(outside, p);
    s.seen.push_back(
        endpoint ? fmt::format("endpoint {} ({})", printable(*endpoint, 200), endpoint_origin(outside, p))
                 : endpoint.error().detail
    );
    return s;
}

// The name becomes a part of a path. IAM's own rule is narrower; what matters is that it stays one segment.
bool is_role_name(std::string_view name) {
    return is_visible(name) && name.size() <= 256 && name != "." && name != ".." &&
           name.find_first_of("/\\?#%\"<>") == std::string_view::npos;
}

task<answer> imds_provider::ask_role(world& outside, std::string role) {
    const auto reply = co_await client_.get(outside, role_list + role);
    if (!reply.found()) {
        co_return failure{"credentials of role " + role + ": " + reply.why, true};
    }
    auto keys = read_answer(reply.body.reveal(), "imds");
    if (!keys) {
        co_return failure{"credentials of role " + role + ": " + keys.error().detail, true};
    }
    co_return *std::move(keys);
}

task<answer> imds_provider::ask(world& outside) {
    if (imds_is_disabled(outside)) {
        co_return not_mine{"AWS_EC2_METADATA_DISABLED is true"};
    }
    const auto roles = co_await client_.get(outside, role_list);
    if (roles.is == imds_answer::kind::unreachable) {
        co_return not_mine{"no instance metadata service here (" + roles.why + ")"};
    }
    if (roles.is == imds_answer::kind::missing || (roles.found() && roles.body.empty())) {
        co_return not_mine{"the instance has no role"};
    }
    if (!roles.found()) {
        co_return failure{"list of roles: " + roles.why, true};
    }
    auto name = roles.body.reveal();
    name = name.substr(0, name.find('\n'));
    if (!is_role_name(name)) {
        co_return failure{"the instance metadata service names a role that cannot be one"};
    }
    co_return co_await ask_role(outside, std::string(name));
}

// Static stability (AWS SDKs and Tools Reference Guide, "IMDS credential provider"): while the service is ill it may
// hand out expired credentials, or nothing. AWS goes on to accept them then, so they stay in use and the service
// is left in peace for some minutes.
credentials imds_provider::extend(std::string notice, world& outside) {
    credentials keys = *last_;
    const std::chrono::seconds random_part{static_cast<int>(outside.random() * 300.0)};
    extended_at_ = outside.now();
    keys.expiration = extended_at_ + std::chrono::minutes(10) + random_part;
    keys.stated_end.clear();
    keys.notice = std::move(notice);
    extended_ = std::make_shared<const credentials>(keys);
    return keys;
}

answer imds_provider::stable(answer fresh, world& outside) {
    extended_.reset();
    if (const auto* keys = std::get_if<credentials>(&fresh)) {
        last_ = std::make_shared<const credentials>(*keys);
    }
    if (!last_ || imds_is_disabled(outside)) {
        return fresh;
    }
    const bool ends_soon = last_->expired_at(outside.now() + successor_before_end);
    const auto end = last_->expiration ? write_rfc3339(*last_->expiration) : std::string();
    if (std::holds_alternative<credentials>(fresh)) {
        if (!ends_soon) {
            return fresh;
        }
        return extend(
            fmt::format("the instance metadata service has none after those that end at {}, which are used on", end),
            outside
        );
    }
    const auto* gone = std::get_if<not_mine>(&fresh);
    const auto why = gone ? gone->why : std::get<failure>(fresh).detail;
    if (ends_soon) {
        return extend(fmt::format("{}; the instance's credentials that end at {} are used on", why, end), outside);
    }
    // They are still good, so whoever has them keeps them. An instance does not lose its service or role in
    // silence.
    return failure{why, true};
}

task<answer> imds_provider::fetch(world& outside) {
    const auto now = outside.now();
    // A clock set back must not keep us from asking.
    if (extended_ && extended_at_ <= now && now < extended_at_ + left_in_peace) {
        co_return *extended_;
    }
    answer fresh = co_await ask(outside);
    co_return stable(std::move(fresh), outside);
}

} // namespace

std::unique_ptr<provider> imds_source(const chain_settings& settings) {
    return std::make_unique<imds_provider>(settings);
}

} // namespace countersign::chain
