#include "chain/imds_client.hpp"

#include "chain/profile_choice.hpp"
#include "chain/retry.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace countersign::chain {

namespace {

using namespace std::chrono_literals;
using kind = imds_answer::kind;

constexpr unsigned attempts = 4;
constexpr std::chrono::seconds token_life{21600};
constexpr std::chrono::seconds renewed_early{120};
constexpr const char* ttl_field = "x-aws-ec2-metadata-token-ttl-seconds";

http_ask ask_for(std::string method, std::string url) {
    http_ask ask;
    ask.method = std::move(method);
    ask.url = std::move(url);
    ask.connect_limit = 1s;
    ask.read_limit = 1s;
    return ask;
}

// A random share of 100, 200, 400 ms, and longer where the service throttles or asks for it.
std::chrono::milliseconds backoff(const http_result& reply, unsigned attempt, world& outside) {
    const double u01 = outside.random();
    const auto again = repetition_after_local(reply, "");
    const auto own = again == repetition::slowly
                         ? pause_after(attempt, again, u01)
                         : std::chrono::milliseconds(static_cast<int>(u01 * 100.0 * (1U << (attempt - 1))));
    return pause_told(reply, own, outside.now());
}

imds_answer judge(http_result& reply) {
    if (!reply) {
        const bool nobody = reply.error().stage == http_stage::connect;
        return {nobody ? kind::unreachable : kind::broken, {}, reply.error().detail};
    }
    if (reply->status == 200)
        return {kind::found, std::move(reply->body), {}};
    return {reply->status == 404 ? kind::missing : kind::broken, {}, fmt::format("status {}", reply->status)};
}

// The answer to the token request is sent with that limit (EC2 User Guide, "Configure the instance metadata options"):
// with 1 it ends at the instance and never gets into a container on it. The connection itself is made all the same.
constexpr std::string_view hop_limit_hint =
    "; in a container on an instance this is its HttpPutResponseHopLimit: 1 keeps the answer out, it must be 2 or more "
    "(aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2)";

bool is_worth_another(const http_result& reply) {
    return repetition_after_local(reply, "") != repetition::none;
}

std::chrono::seconds life_in(const http_reply& reply) {
    const auto text = reply.field(ttl_field);
    long seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    // Without a usable number the life is the one asked for; a 401 tells when that was wrong.
    if (error != std::errc{} || end != text.data() + text.size() || seconds <= 0)
        return token_life;
    return std::min(std::chrono::seconds(seconds), token_life);
}

} // namespace

bool imds_is_disabled(const world& outside) {
    const auto value = outside.setting("AWS_EC2_METADATA_DISABLED");
    return value && equal_ignoring_case(trimmed(*value), "true");
}

result<std::string> imds_endpoint(const world& outside, const profile* settings) {
    // A failure can be made from a string too, so the result has to be told which of the two this is.
    const auto ok = [](std::string text) {
        return result<std::string>(boost::system::in_place_value, std::move(text));
    };
    const auto from = [&](const char* variable, std::string_view property) {
        auto value = outside.setting(variable);
        return value || !settings ? value.value_or("") : std::string(settings->value(property));
    };
    auto address = from("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    if (!address.empty()) {
        if (const auto url = read_url(address); !url || url->target.find('?') != std::string::npos)
            return failure{fmt::format(
                "the metadata endpoint {} is not usable: {}",
                printable(address),
                url ? "it has a query" : url.error().detail
            )};
        while (address.ends_with('/'))
            address.pop_back();
        return ok(std::move(address));
    }
    const auto mode = from("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    if (mode.empty() || equal_ignoring_case(mode, "ipv4"))
        return ok("http://169.254.169.254");
    if (equal_ignoring_case(mode, "ipv6"))
        return ok("http://[fd00:ec2::254]");
    return failure{fmt::format("{} is no metadata endpoint mode (IPv4 or IPv6)", printable(mode))};
}

result<std::string> imds_client::endpoint(const world& outside) const {
    const auto profiles = read_profiles(outside);
    if (!profiles)
        return profiles.error();
    return imds_endpoint(outside, profiles->find(selected_profile(outside, settings_)));
}

task<std::optional<imds_answer>> imds_client::renew_token(world& outside, const std::string& endpoint) {
    if (!token_.empty() && token_of_ == endpoint && outside.now() < renew_at_)
        co_return std::nullopt;
    token_ = secret{};
    http_ask ask = ask_for("PUT", endpoint + "/latest/api/token");
    ask.fields.push_back({ttl_field, secret(std::to_string(token_life.count()))});
    for (unsigned attempt = 1;; ++attempt) {
        http_result reply = co_await outside.http(ask);
        if (reply && reply->status == 200) {
            if (!is_visible(reply->body.reveal()))
                co_return imds_answer{kind::broken, {}, "the metadata token is not visible ASCII"};
            const auto life = life_in(*reply);
            token_ = reply->body;
            token_of_ = endpoint;
            renew_at_ = outside.now() + std::max(life - renewed_early, life / 2);
            co_return std::nullopt;
        }
        if (!is_worth_another(reply) || attempt == attempts) {
            imds_answer why = judge(reply);
            if (reply && reply->status == 403)
                why.why = "the metadata service is disabled (403)";
            why.why = "metadata token: " + why.why;
            if (!reply && reply.error().is_late && reply.error().stage == http_stage::exchange)
                why.why += hop_limit_hint;
            // 404 and 405 are a service of version 1: broken, not "no role".
            if (why.is != kind::unreachable)
                why.is = kind::broken;
            co_return why;
        }
        co_await outside.pause(backoff(reply, attempt, outside));
    }
}

task<imds_answer> imds_client::get(world& outside, std::string path) {
    const auto base = endpoint(outside);
    if (!base)
        co_return imds_answer{kind::broken, {}, base.error().detail};
    for (unsigned attempt = 1;; ++attempt) {
        auto refused = co_await renew_token(outside, *base);
        if (refused)
            co_return *std::move(refused);
        http_ask ask = ask_for("GET", *base + path);
        ask.fields.push_back({"x-aws-ec2-metadata-token", token_});
        http_result reply = co_await outside.http(ask);
        const bool stale = reply && reply->status == 401;
        if (stale)
            token_ = secret{};
        if (!(stale || is_worth_another(reply)) || attempt == attempts)
            co_return judge(reply);
        co_await outside.pause(backoff(reply, attempt, outside));
    }
}

} // namespace countersign::chain
