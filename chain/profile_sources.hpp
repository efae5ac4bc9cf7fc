// The sources of credentials that only a profile can name: IAM Identity Center (SSO), `aws login` and
// credential_process (AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider", "Login
// credential provider", "Process credential provider"). They must never let a token, a command line or a
// command's output into a message. Control thread only.
#pragma once

#include "chain/profile.hpp"
#include "chain/provider.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"
#include "signer/sha256.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

// Which profile is meant. Borrowed: all of it must live until the task that it was given to has ended.
struct profile_place {
    const profile_set& profiles;
    const profile& from;     // whose properties name the source
    const profile& chosen;   // the selected profile: its region and its endpoint settings count
    std::string_view region; // given (--region, configuration): sign-in is asked there; "": nothing is
};

// What is remembered of one profile between two loads: a member of the profile's provider. It outlives the task.
struct source_memory {
    std::string file;                            // the cache file that the rest is about
    std::chrono::system_clock::time_point tried; // when a refresh was asked for last
    // Where the file could not be written: its new content, and the hash of the old one that this replaces.
    secret text;
    signer::digest replaces{};
};

// Each answers credentials, not_mine or a failure, whose text leaves it to the caller to name profile and line.
// `place` goes by value, what it refers to does not. sso: not_mine when the profile has neither account nor role (a
// bearer token only).
task<answer> sso_credentials(world& outside, profile_place place, source_memory& memory);
task<answer> login_credentials(world& outside, profile_place place, source_memory& memory);
task<answer> command_credentials(world& outside, profile_place place);

// Lines for `credentials --output explain`, without asking anybody: cache file, its dates, addresses. No secret.
std::vector<std::string> see_sso(const world& outside, profile_place place);
std::vector<std::string> see_login(const world& outside, profile_place place);
std::vector<std::string> see_command(const world& outside, profile_place place);

} // namespace countersign::chain
