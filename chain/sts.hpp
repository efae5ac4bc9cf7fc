// The questions to AWS STS that give temporary credentials (AWS STS API Reference, version 2011-06-15): where to
// ask, the calls, what is repeated. It must never send keys to another host than the one it was told, and a
// token file's content nowhere but into the call. Control thread only.
#pragma once

#include "chain/credentials.hpp"
#include "chain/profile.hpp"
#include "chain/retry.hpp"
#include "chain/role.hpp"
#include "chain/settings.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace countersign::chain {

// Where STS is asked, and for which region the question is signed.
struct sts_place {
    std::string url;
    std::string region;
    std::string ca_file;               // ca_bundle of the profile, "" for none
    unsigned attempts = most_attempts; // of each call, the first one included
};

// The region that is given, then of the environment, then of the profile, then of the instance, which is asked
// (chain/region.hpp); the address as chain/endpoints.hpp says. REQUIRES: profiles outlives the task.
task<result<sts_place>> find_sts(world& outside, chain_settings settings, const profile_set& profiles);

// The same for `credentials --output explain`, without asking anybody: a line each.
std::vector<std::string> look_at_sts(const world& outside, const chain_settings& settings, const profile_set& profiles);

struct session_request {
    std::optional<std::chrono::seconds> duration; // none: STS's own default, 12 hours
    std::string mfa_serial;                       // "": without a code
    secret mfa_code;
};

// All calls: at most as many attempts as the place says. The credentials are not expired and have no provider yet. A
// failure names the call and STS's code and message, never a key or a token. Signed with `keys`:
task<result<credentials>> assume_role(world& outside, sts_place where, role_request role, credentials keys);
task<result<credentials>> get_session_token(world& outside, sts_place where, session_request ask, credentials keys);
// Not signed: the token is the proof.
task<result<credentials>> assume_role_with_web_identity(world& outside, sts_place where, web_identity_request role);

} // namespace countersign::chain
