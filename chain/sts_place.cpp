// Where STS is asked.
#include "chain/endpoints.hpp"
#include "chain/profile_choice.hpp"
#include "chain/region.hpp"
#include "chain/retry_settings.hpp"
#include "chain/sts.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace countersign::chain {

namespace {

// STS has one path, "/". Somebody else's gateway may have another: what was configured is asked as it stands.
std::string url_of(const service_address& address) {
    return address.is_custom ? address.url : address.url + "/";
}

} // namespace

task<result<sts_place>> find_sts(world& outside, chain_settings settings, const profile_set& profiles) {
    const auto* chosen = profiles.find(selected_profile(outside, settings));
    const auto region = co_await resolve_region(outside, settings, settings.region);
    if (!region) {
        co_return region.error();
    }
    const auto address = address_of(aws_service::sts, region->region, outside, profiles, chosen);
    if (!address) {
        co_return address.error();
    }
    const auto attempts = attempts_of(outside, chosen);
    if (!attempts) {
        co_return attempts.error();
    }
    sts_place place{url_of(*address), region->region, std::string(chosen ? chosen->value("ca_bundle") : ""), *attempts};
    co_return place;
}

std::vector<std::string>
look_at_sts(const world& outside, const chain_settings& settings, const profile_set& profiles) {
    const auto* chosen = profiles.find(selected_profile(outside, settings));
    const auto region = configured_region(outside, settings, settings.region);
    if (!region) {
        return {"STS: " + region.error().detail};
    }
    if (!*region) {
        return {"STS: no region is configured; the instance metadata service is asked for it, else it is us-east-1"};
    }
    const auto address = address_of(aws_service::sts, (*region)->region, outside, profiles, chosen);
    if (!address) {
        return {"STS: " + address.error().detail};
    }
    std::vector<std::string> seen = address->ignored;
    seen.push_back(fmt::format("STS: {} ({})", printable(url_of(*address), 200), address->origin));
    seen.push_back(fmt::format("STS: signed for {} ({})", (*region)->region, (*region)->origin));
    return seen;
}

} // namespace countersign::chain
