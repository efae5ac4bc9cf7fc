#include "chain/identity.hpp"

#include "chain/profile.hpp"
#include "chain/sts.hpp"

#include <utility>

namespace countersign::chain {

task<result<credentials>> load_identity(
    const provider_list& sources,
    const chain_settings& settings,
    world& outside,
    std::vector<attempt>& tried,
    std::string_view faithful_to
) {
    auto keys = co_await resolve(sources, outside, tried, faithful_to);
    if (!keys || settings.role.role_arn.empty()) {
        co_return keys;
    }
    const auto profiles = read_profiles(outside);
    if (!profiles) {
        co_return profiles.error();
    }
    const auto place = co_await find_sts(outside, settings, *profiles);
    if (!place) {
        co_return place.error();
    }
    auto assumed = co_await assume_role(outside, *place, settings.role, *std::move(keys));
    if (assumed) {
        assumed->provider = "assumed_role";
    }
    co_return assumed;
}

} // namespace countersign::chain
