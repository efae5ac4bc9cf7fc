// Which region is ours when nothing in a request says it. Asks the network only
// when nothing else says, and never when the metadata service is disabled. Control thread only.
#pragma once

#include "chain/settings.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

struct region_choice {
    std::string region;
    std::string origin;       // "AWS_REGION", "profile dev (FILE:LINE)", "instance metadata", …
    bool is_fallback = false; // nobody said anything: us-east-1. Worth a line in the log
};

// `given` is --region or the configuration's, "" for none: it wins. A failure: what was said is no region, or
// the files are broken.
task<result<region_choice>> resolve_region(world& outside, chain_settings settings, std::string given);

// The same as far as it can be known without asking anybody; none where the network would have to be asked.
result<std::optional<region_choice>>
configured_region(const world& outside, const chain_settings& settings, const std::string& given);

// Lower-case letters, digits and '-', 1 to 64 of them: a region becomes a part of host names and of the
// signature.
bool is_region(std::string_view text) noexcept;

} // namespace countersign::chain
