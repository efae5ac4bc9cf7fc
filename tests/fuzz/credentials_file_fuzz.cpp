// Whatever stands in the two files: saved keys are found again, and every other profile reads as it did before.
#include "chain/credentials_file.hpp"
#include "chain/profile_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace countersign::chain;

namespace {

void demand(bool holds) {
    if (!holds)
        std::abort();
}

bool same(const profile& a, const profile& b) {
    if (a.properties.size() != b.properties.size())
        return false;
    for (const auto& [name, property] : a.properties) {
        const auto* other = b.find(name);
        if ((other ? other->value.reveal() : "") != (a.find(name) ? property.value.reveal() : ""))
            return false;
    }
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(bytes), size);
    const auto cut = input.find('\0');
    const std::string_view text = input.substr(0, cut);
    const std::string_view config = cut == std::string_view::npos ? "" : input.substr(cut + 1);
    if (trouble_with_saving({"config", config}, {"file", text}, "m"))
        return 0;
    credentials keys;
    keys.access_key_id = "ASIANEW";
    keys.secret_access_key = secret("s");
    keys.session_token = secret("t=#;");
    const auto saved = with_profile(text, "m", keys);
    const auto before = merge_profiles({"", ""}, {"file", text});
    const auto after = merge_profiles({"", ""}, {"file", saved.reveal()});
    demand(before && after);
    const auto planned = plan_profile(*after, "m");
    const auto* plan = std::get_if<profile_plan>(&planned);
    demand(plan && plan->keys.access_key_id == "ASIANEW" && plan->keys.session_token.reveal() == "t=#;");
    demand(after->profiles.size() == before->profiles.size() + (before->find("m") ? 0 : 1));
    for (const auto& [name, there] : before->profiles)
        demand(name == "m" || same(there, *after->find(name)));
    demand(with_profile(saved.reveal(), "m", keys).reveal() == saved.reveal());
    return 0;
}
