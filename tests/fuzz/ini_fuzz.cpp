// ~/.aws text: never a crash, and what is accepted keeps the grammar's promises.
#include "chain/ini.hpp"
#include "chain/ini_text.hpp"
#include "chain/profile.hpp"
#include "chain/profile_plan.hpp"
#include "chain/text.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace chain = countersign::chain;

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

void check_property(const chain::ini_property& p) {
    require(!p.name.empty() && chain::stripped(p.name) == p.name);
    require(p.nested.empty() || p.value.empty());
    for (const char c : p.name)
        require(c != '\n' && c != '=' && c == chain::lower(c));
    for (const auto& n : p.nested)
        require(!n.name.empty() && n.nested.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    if (const auto sections = chain::parse_ini(text, "f")) {
        for (const auto& s : *sections)
            for (const auto& p : s.properties)
                check_property(p);
    } else {
        require(sections.error().detail.starts_with("f:"));
    }
    // Both files from one input, cut at its first NUL.
    const auto cut = std::min(text.find('\0'), size);
    const auto set =
        chain::merge_profiles({"c", text.substr(0, cut)}, {"k", text.substr(cut == size ? size : cut + 1)});
    if (!set)
        return 0;
    for (const auto& [name, p] : set->profiles) {
        require(!name.empty());
        const auto planned = chain::plan_profile(*set, name);
        const auto* plan = std::get_if<chain::profile_plan>(&planned);
        if (!plan)
            continue;
        require(plan->from != nullptr && plan->roles.size() <= chain::longest_role_chain);
        for (const auto& role : plan->roles)
            require(chain::is_visible(role.ask.role_arn));
        const auto& keys = plan->keys;
        if (plan->base == chain::plan_base::static_keys)
            require(chain::is_visible(keys.access_key_id) && chain::is_visible(keys.secret_access_key.reveal()));
    }
    return 0;
}
