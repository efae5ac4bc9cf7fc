// IAM Identity Center (SSO): a token of the cache file that `aws sso login` wrote, exchanged for a role's keys (IAM
// Identity Center Portal API Reference, GetRoleCredentials).
#include "chain/answer.hpp"
#include "chain/cache_file.hpp"
#include "chain/endpoints.hpp"
#include "chain/profile_sources.hpp"
#include "chain/region.hpp"
#include "chain/retry.hpp"
#include "chain/retry_settings.hpp"
#include "chain/rfc3339.hpp"
#include "chain/secret_json.hpp"
#include "chain/service_reply.hpp"
#include "chain/sso_token.hpp"
#include "chain/text.hpp"
#include "signer/encode.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

enum class sso_form : std::uint8_t { session, legacy };

struct sso_settings {
    sso_form form = sso_form::legacy;
    std::string region, account, role;
    std::string cache;
    unsigned attempts = most_attempts;
};

// "sso_region (FILE:LINE)"
std::string place_of(const profile& p, std::string_view property) {
    const auto* found = p.find(property);
    return fmt::format("{} ({})", property, found ? found->where : "not there");
}

// The session's section says region and start URL; beside it in the profile they may only say the same.
std::optional<failure> mixed_up(const profile& p, const profile& session) {
    for (const auto* property : {"sso_region", "sso_start_url"}) {
        if (!session.find(property)) {
            return failure{fmt::format("[sso-session {}] has no {}", printable(session.name), property)};
        }
        if (p.find(property) && p.value(property) != session.value(property)) {
            return failure{fmt::format(
                "{} differs from the one of [sso-session {}] ({}): take one of them out",
                place_of(p, property),
                printable(session.name),
                session.find(property)->where
            )};
        }
    }
    return std::nullopt;
}

// Region and the name of the cache file.
result<sso_settings> settings_in(const world& outside, const profile_place& place) {
    const profile& p = place.from;
    sso_settings s;
    s.account = p.value("sso_account_id");
    s.role = p.value("sso_role_name");
    if (!is_visible(s.account) || !is_visible(s.role)) {
        return failure{"sso_account_id and sso_role_name go together, without blanks and non-ASCII characters"};
    }
    const profile* origin = &p;
    std::string_view name = p.value("sso_start_url");
    if (const auto session = p.value("sso_session"); !session.empty()) {
        const auto found = place.profiles.sso_sessions.find(session);
        if (found == place.profiles.sso_sessions.end()) {
            return failure{fmt::format(
                "{}: there is no section [sso-session {}]", place_of(p, "sso_session"), printable(session)
            )};
        }
        origin = &found->second;
        if (!origin->fault.empty()) {
            return failure{fmt::format("[sso-session {}]: {}", printable(session), origin->fault)};
        }
        if (auto wrong = mixed_up(p, *origin)) {
            return *std::move(wrong);
        }
        s.form = sso_form::session;
        name = session;
    } else if (!p.find("sso_region") || name.empty()) {
        return failure{"SSO needs sso_session, or sso_region and sso_start_url"};
    }
    s.region = origin->value("sso_region");
    if (!is_region(s.region)) {
        return failure{fmt::format("{}: {} is no region", place_of(*origin, "sso_region"), printable(s.region))};
    }
    const auto cache = sso_cache_file(outside, name);
    if (!cache) {
        return cache.error();
    }
    s.cache = cache->file;
    const auto attempts = attempts_of(outside, &place.chosen);
    if (!attempts) {
        return attempts.error();
    }
    s.attempts = *attempts;
    return s;
}

failure log_in(const profile_place& place, std::string_view why) {
    return failure{fmt::format("{}: run `aws sso login --profile {}`", why, printable(place.from.name))};
}

std::string shown(const std::string& file) {
    return printable(file, 300);
}

task<http_result> ask(world& outside, http_ask question, unsigned attempts) {
    for (unsigned attempt = 1;; ++attempt) {
        auto reply = co_await outside.http(question);
        const auto again = repetition_after(reply, reply ? error_in(*reply).code : "");
        if (again == repetition::none || attempt >= attempts) {
            co_return reply;
        }
        co_await outside.pause(pause_told(reply, pause_after(attempt, again, outside.random()), outside.now()));
    }
}

http_ask question_to(const profile_place& place, std::string url) {
    http_ask question;
    question.url = std::move(url);
    question.ca_file = place.chosen.value("ca_bundle");
    question.fields.push_back({"Accept", secret("application/json")});
    return question;
}

// The cache file's new text.
task<result<secret>>
refresh(world& outside, profile_place place, const sso_settings& s, std::string_view old_text, const sso_token& token) {
    const auto address = address_of(aws_service::oidc, s.region, outside, place.profiles, &place.chosen);
    if (!address) {
        co_return address.error();
    }
    http_ask question = question_to(place, address->url + "/token");
    question.method = "POST";
    question.fields.push_back({"Content-Type", secret("application/json")});
    question.body = refresh_question(token);
    const auto reply = co_await ask(outside, std::move(question), s.attempts);
    if (!reply || reply->status != 200) {
        co_return refusal_of("CreateToken", reply);
    }
    co_return refreshed_token_text(old_text, reply->body.reveal(), outside.now());
}

// The token in the cache file, refreshed where it is about to end.
task<result<secret>> current_token(world& outside, profile_place place, const sso_settings& s, source_memory& memory) {
    const auto text = read_cache(outside, s.cache, memory);
    if (!text) {
        co_return text.error();
    }
    if (!*text) {
        co_return log_in(place, fmt::format("{}: no such file, so there is no token", shown(s.cache)));
    }
    auto token = read_sso_token((*text)->reveal(), outside.now());
    if (!token) {
        co_return log_in(place, fmt::format("{}: {}", shown(s.cache), token.error().detail));
    }
    const auto left = token->expires_at - outside.now();
    if (left >= refresh_before_end) {
        co_return token->access_token;
    }
    std::string why =
        s.form == sso_form::legacy ? "a profile without sso_session has no refresh" : token->not_refreshable;
    if (why.empty() && !begin_refresh(outside, s.cache, memory)) {
        why = "a refresh failed a moment ago";
    }
    if (why.empty()) {
        const auto fresh = co_await refresh(outside, place, s, (*text)->reveal(), *token);
        if (fresh) {
            write_cache(outside, s.cache, **text, *fresh, memory);
            co_return read_sso_token(fresh->reveal(), outside.now())->access_token;
        }
        why = fresh.error().detail;
    }
    if (left > std::chrono::seconds(0)) {
        co_return token->access_token;
    }
    co_return log_in(
        place, fmt::format("{}: the token expired at {} ({})", shown(s.cache), write_rfc3339(token->expires_at), why)
    );
}

std::string encoded(std::string_view text) {
    std::string room(3 * text.size(), '\0');
    signer::pen out(room.data());
    out.put_encoded(text, signer::unreserved);
    return std::string(out.since(room.data()));
}

result<service_address> keys_url(const world& outside, const profile_place& place, const sso_settings& s) {
    auto address = address_of(aws_service::sso, s.region, outside, place.profiles, &place.chosen);
    if (!address) {
        return address.error();
    }
    address->url +=
        fmt::format("/federation/credentials?role_name={}&account_id={}", encoded(s.role), encoded(s.account));
    return address;
}

result<credentials> keys_in(std::string_view text, const world& outside) {
    const auto answered = read_secret_json(text, "the answer");
    if (!answered) {
        return answered.error();
    }
    const auto* object = object_in(*answered, "roleCredentials");
    if (!object) {
        return failure{"the answer has no roleCredentials"};
    }
    key_form form;
    form.token = "sessionToken";
    form.expiration = ""; // a number here
    auto keys = read_keys(*object, form, "profile");
    if (!keys) {
        return keys;
    }
    const auto* said = object->if_contains("expiration");
    if (said && says_none(*said)) {
        return keys;
    }
    // Milliseconds. What the clock cannot count to never comes.
    const auto end = number_in(*object, "expiration");
    const auto latest = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::time_point::max());
    if (!end || *end < 0 || *end > latest.time_since_epoch().count()) {
        return failure{"expiration in the answer is no number of milliseconds"};
    }
    keys->expiration = std::chrono::system_clock::time_point(std::chrono::milliseconds(*end));
    if (keys->expired_at(outside.now())) {
        return failure{"the answer has credentials that expired at " + write_rfc3339(*keys->expiration)};
    }
    return keys;
}

} // namespace

task<answer> sso_credentials(world& outside, profile_place place, source_memory& memory) {
    if (!place.from.find("sso_account_id") && !place.from.find("sso_role_name")) {
        co_return not_mine{
            fmt::format("profile {} gives an SSO bearer token, not credentials", printable(place.from.name))};
    }
    const auto s = settings_in(outside, place);
    if (!s) {
        co_return s.error();
    }
    const auto address = keys_url(outside, place, *s);
    if (!address) {
        co_return address.error();
    }
    auto token = co_await current_token(outside, place, *s, memory);
    if (!token) {
        co_return token.error();
    }
    http_ask question = question_to(place, address->url);
    question.fields.push_back({"x-amz-sso_bearer_token", *std::move(token)});
    const auto reply = co_await ask(outside, std::move(question), s->attempts);
    if (reply && reply->status == 401) {
        co_return log_in(place, refusal_of("GetRoleCredentials", reply).detail);
    }
    if (!reply || reply->status != 200) {
        co_return refusal_of("GetRoleCredentials", reply);
    }
    auto keys = keys_in(reply->body.reveal(), outside);
    if (!keys) {
        co_return failure{"GetRoleCredentials: " + keys.error().detail, keys.error().retryable};
    }
    keys->account_id = s->account;
    co_return *std::move(keys);
}

std::vector<std::string> see_sso(const world& outside, profile_place place) {
    const auto s = settings_in(outside, place);
    if (!s) {
        return {s.error().detail};
    }
    std::vector<std::string> seen;
    const auto text = outside.read_file(s->cache, longest_token_file);
    const auto token = text && *text ? read_sso_token((*text)->reveal(), outside.now())
                                     : result<sso_token>(failure{text ? "no such file" : "cannot be read"});
    if (!token) {
        seen.push_back(fmt::format("{}: {}", shown(s->cache), token.error().detail));
    } else {
        seen.push_back(fmt::format(
            "{}: token until {}, {}",
            shown(s->cache),
            write_rfc3339(token->expires_at),
            s->form == sso_form::legacy      ? "not refreshed: there is no sso_session"
            : token->not_refreshable.empty() ? "can be refreshed"
                                             : "cannot be refreshed: " + token->not_refreshable
        ));
    }
    for (const auto service : {aws_service::oidc, aws_service::sso}) {
        const auto address = address_of(service, s->region, outside, place.profiles, &place.chosen);
        if (!address) {
            seen.push_back(address.error().detail);
            continue;
        }
        seen.push_back(fmt::format("{} ({})", printable(address->url, 200), address->origin));
        seen.insert(seen.end(), address->ignored.begin(), address->ignored.end());
    }
    return seen;
}

} // namespace countersign::chain
