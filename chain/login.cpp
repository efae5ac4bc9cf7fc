// Sessions of `aws login`: short-lived keys in the AWS CLI's cache, refreshed with a token and a proof of
// possession (AWS SDKs and Tools Reference Guide, "Login credential provider"; AWS Sign-In API, CreateOAuth2Token).
#include "chain/cache_file.hpp"
#include "chain/dpop.hpp"
#include "chain/endpoints.hpp"
#include "chain/login_cache.hpp"
#include "chain/profile_sources.hpp"
#include "chain/region.hpp"
#include "chain/retry.hpp"
#include "chain/retry_settings.hpp"
#include "chain/rfc3339.hpp"
#include "chain/service_reply.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

std::string shown(const std::string& file) {
    return printable(file, 300);
}

failure log_in(const profile_place& place, std::string_view why) {
    return failure{fmt::format("{}: run `aws login --profile {}`", why, printable(place.from.name))};
}

// The given one, the environment's, else the profile's. Who logs in has a region: the instance is not asked.
std::string region_in(const world& outside, const profile_place& place) {
    std::string region(place.region);
    for (const auto* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
        if (region.empty()) {
            region = trimmed(outside.setting(variable).value_or(""));
        }
    }
    for (const auto* p : {&place.chosen, &place.from}) {
        if (region.empty()) {
            region = p->value("region");
        }
    }
    return region;
}

result<service_address> sign_in_address(const world& outside, const profile_place& place) {
    const auto region = region_in(outside, place);
    if (region.empty()) {
        return failure{"no region is set, and sign-in is asked in one: set region in the profile, or AWS_REGION"};
    }
    if (!is_region(region)) {
        return failure{fmt::format("{} is no region", printable(region))};
    }
    return address_of(aws_service::signin, region, outside, place.profiles, &place.chosen);
}

// What the user has to do depends on the reason.
failure refused(const profile_place& place, const http_result& reply) {
    const auto why = refusal_of("CreateOAuth2Token", reply);
    const auto code = reply ? error_in(*reply).code : std::string{};
    if (code == "TOKEN_EXPIRED") {
        return log_in(place, "the session has expired (" + why.detail + ")");
    }
    if (code == "USER_CREDENTIALS_CHANGED") {
        return log_in(place, "the user's password or the like was changed since the login (" + why.detail + ")");
    }
    if (code == "INSUFFICIENT_PERMISSIONS") {
        return failure{why.detail + ": the identity lacks the permission signin:CreateOAuth2Token"};
    }
    return why;
}

// The cache file's new text. Each attempt has a proof of its own: a proof counts once.
task<result<secret>> refresh(world& outside, profile_place place, const login_cache& cache, std::string_view old_text) {
    const auto address = sign_in_address(outside, place);
    if (!address) {
        co_return address.error();
    }
    const auto attempts = attempts_of(outside, &place.chosen);
    if (!attempts) {
        co_return attempts.error();
    }
    http_ask question;
    question.method = "POST";
    question.url = address->url + "/v1/token";
    question.ca_file = place.chosen.value("ca_bundle");
    question.fields.push_back({"Content-Type", secret("application/json")});
    question.body = refresh_question(cache);
    for (unsigned attempt = 1;; ++attempt) {
        const auto proof = dpop_proof(cache.dpop_key.reveal(), question.url, random_uuid(), outside.now());
        if (!proof) {
            co_return proof.error();
        }
        question.fields.resize(1);
        question.fields.push_back({"DPoP", *proof});
        const auto reply = co_await outside.http(question);
        if (reply && reply->status == 200) {
            co_return refreshed_login_text(old_text, reply->body.reveal(), outside.now());
        }
        const auto again = repetition_after(reply, reply ? error_in(*reply).code : "");
        if (again == repetition::none || attempt >= *attempts) {
            co_return refused(place, reply);
        }
        co_await outside.pause(pause_told(reply, pause_after(attempt, again, outside.random()), outside.now()));
    }
}

} // namespace

task<answer> login_credentials(world& outside, profile_place place, source_memory& memory) {
    const auto cached = login_cache_file(outside, place.from.value("login_session"));
    if (!cached) {
        co_return cached.error();
    }
    const auto& file = cached->file;
    const auto text = read_cache(outside, file, memory);
    if (!text) {
        co_return text.error();
    }
    if (!*text) {
        co_return log_in(place, fmt::format("{}: no such file, so there is no session", shown(file)));
    }
    auto cache = read_login_cache((*text)->reveal());
    if (!cache) {
        co_return log_in(place, fmt::format("{}: {}", shown(file), cache.error().detail));
    }
    const auto left = *cache->keys.expiration - outside.now();
    if (left > refresh_before_end) {
        co_return std::move(cache->keys);
    }
    failure why{"a refresh failed a moment ago", true};
    if (begin_refresh(outside, file, memory)) {
        const auto fresh = co_await refresh(outside, place, *cache, (*text)->reveal());
        if (fresh) {
            write_cache(outside, file, **text, *fresh, memory);
            co_return std::move(read_login_cache(fresh->reveal())->keys);
        }
        why = fresh.error();
    }
    if (left > std::chrono::seconds(0)) {
        co_return std::move(cache->keys);
    }
    co_return failure{
        fmt::format("{}: the keys expired at {}: {}", shown(file), write_rfc3339(*cache->keys.expiration), why.detail),
        why.retryable};
}

std::vector<std::string> see_login(const world& outside, profile_place place) {
    const auto cached = login_cache_file(outside, place.from.value("login_session"));
    if (!cached) {
        return {cached.error().detail};
    }
    const auto& file = cached->file;
    std::vector<std::string> seen;
    const auto text = outside.read_file(file, longest_token_file);
    const auto cache = text && *text ? read_login_cache((*text)->reveal())
                                     : result<login_cache>(failure{text ? "no such file" : "cannot be read"});
    if (cache) {
        seen.push_back(fmt::format(
            "{}: keys {} until {}",
            shown(file),
            masked(cache->keys.access_key_id),
            write_rfc3339(*cache->keys.expiration)
        ));
    } else {
        seen.push_back(fmt::format("{}: {}", shown(file), cache.error().detail));
    }
    const auto address = sign_in_address(outside, place);
    if (!address) {
        seen.push_back(address.error().detail);
        return seen;
    }
    seen.push_back(fmt::format("{} ({})", printable(address->url, 200), address->origin));
    seen.insert(seen.end(), address->ignored.begin(), address->ignored.end());
    return seen;
}

} // namespace countersign::chain
