#include "chain/sts.hpp"

#include "chain/retry.hpp"
#include "chain/rfc3339.hpp"
#include "chain/sts_answer.hpp"
#include "chain/text.hpp"
#include "signer/date.hpp"
#include "signer/encode.hpp"
#include "signer/sha256.hpp"
#include "signer/sigv4.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <memory_resource>
#include <string_view>
#include <utility>

namespace countersign::chain {

namespace {

using namespace std::chrono_literals;

struct form_field {
    std::string name;
    secret value;
};
using form = std::vector<form_field>;

form form_for(std::string_view action) {
    return {{"Action", secret(action)}, {"Version", secret("2011-06-15")}};
}

// Names and values, percent-encoded: Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws...
secret encoded(const form& fields) {
    std::size_t most = 0;
    for (const auto& f : fields) {
        most += 2 + 3 * (f.name.size() + f.value.reveal().size());
    }
    std::string text(most, '\0');
    signer::pen out(text.data());
    for (const auto& f : fields) {
        if (&f != fields.data()) {
            out.put('&');
        }
        out.put_encoded(f.name, signer::unreserved);
        out.put('=');
        out.put_encoded(f.value.reveal(), signer::unreserved);
    }
    secret body(out.since(text.data()));
    OPENSSL_cleanse(text.data(), text.size());
    return body;
}

struct sts_call {
    std::string_view action;
    sts_place where;
    form fields;
    std::optional<credentials> keys; // none: not signed
};

std::string hex_hash_of(std::string_view body) {
    std::string hex(64, '\0');
    signer::write_hex(signer::sha256_of(body), hex.data());
    return hex;
}

// Adds Authorization, X-Amz-Date and, for temporary keys, X-Amz-Security-Token.
void sign(http_ask& ask, const http_url& url, const sts_call& call, std::chrono::system_clock::time_point now) {
    const auto& keys = *call.keys;
    const auto when = std::chrono::floor<std::chrono::seconds>(now);
    const auto hash = hex_hash_of(ask.body.reveal());
    std::vector<signer::header> headers{{"Host", url.host_field}};
    for (const auto& f : ask.fields) {
        headers.push_back({f.name, f.value.reveal()});
    }
    const auto key = signer::signing_key::derive(
        keys.secret_access_key.reveal(), signer::date_text(when).day(), call.where.region, "sts"
    );
    // The session token is copied in here: memory that can be wiped, and large enough for any that AWS issues.
    std::vector<char> room(64 * 1024);
    {
        std::pmr::monotonic_buffer_resource memory(room.data(), room.size());
        const auto done = signer::sign(
            {"POST", url.target, "", headers, hash},
            {"sts", call.where.region},
            {keys.access_key_id, keys.session_token.reveal()},
            key,
            when,
            {},
            memory
        );
        for (const auto& add : done.add) {
            ask.fields.push_back({std::string(add.name), secret(add.value)});
        }
    }
    OPENSSL_cleanse(room.data(), room.size());
}

result<http_ask> ask_for(const sts_call& call, std::chrono::system_clock::time_point now) {
    const auto url = read_url(call.where.url);
    if (!url) {
        return failure{fmt::format("{}: {}", printable(call.where.url), url.error().detail)};
    }
    http_ask ask;
    ask.method = "POST";
    ask.url = call.where.url;
    ask.ca_file = call.where.ca_file;
    ask.connect_limit = 3s;
    ask.read_limit = 7s; // STS asks the identity provider for its keys meanwhile
    ask.fields.push_back({"Content-Type", secret("application/x-www-form-urlencoded")});
    ask.body = encoded(call.fields);
    if (call.keys) {
        sign(ask, *url, call, now);
    }
    return ask;
}

result<credentials> judge(const http_result& reply, const sts_error& told, const sts_call& call, const world& outside) {
    const auto wrong = [&](std::string_view what) {
        return failure{fmt::format("{} ({}): {}", call.action, printable(call.where.url), what)};
    };
    if (!reply) {
        return wrong(reply.error().detail);
    }
    if (reply->status != 200) {
        return wrong(
            told.code.empty() ? fmt::format("answered with status {}", reply->status)
                              : fmt::format("{}: {}", told.code, told.message)
        );
    }
    auto keys = read_sts_answer(reply->body.reveal(), call.action);
    if (!keys) {
        return wrong(keys.error().detail);
    }
    if (keys->expired_at(outside.now())) {
        return wrong("hands out credentials that expired at " + write_rfc3339(*keys->expiration));
    }
    return keys;
}

task<result<credentials>> carry_out(world& outside, sts_call call) {
    for (unsigned attempt = 1;; ++attempt) {
        // Signed anew each time: the date is a part of it.
        const auto ask = ask_for(call, outside.now());
        if (!ask) {
            co_return ask.error();
        }
        const auto reply = co_await outside.http(*ask);
        sts_error told;
        if (reply && reply->status >= 300) {
            told = read_sts_error(reply->body.reveal());
        }
        auto keys = judge(reply, told, call, outside);
        const auto again = repetition_after(reply, told.code);
        if (keys || again == repetition::none || attempt >= call.where.attempts) {
            co_return keys;
        }
        co_await outside.pause(pause_told(reply, pause_after(attempt, again, outside.random()), outside.now()));
    }
}

std::string session_name_or_made_up(const std::string& given, const world& outside) {
    if (!given.empty()) {
        return given;
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(outside.now());
    return fmt::format("countersign-{}", now.time_since_epoch().count());
}

void add_role(form& fields, const role_request& role, const world& outside) {
    fields.push_back({"RoleArn", secret(role.role_arn)});
    fields.push_back({"RoleSessionName", secret(session_name_or_made_up(role.session_name, outside))});
    if (!role.external_id.empty()) {
        fields.push_back({"ExternalId", secret(role.external_id)});
    }
    if (role.duration) {
        fields.push_back({"DurationSeconds", secret(std::to_string(role.duration->count()))});
    }
    if (!role.session_policy.empty()) {
        fields.push_back({"Policy", secret(role.session_policy)});
    }
    for (std::size_t i = 0; i < role.tags.size(); ++i) {
        fields.push_back({fmt::format("Tags.member.{}.Key", i + 1), secret(role.tags[i].first)});
        fields.push_back({fmt::format("Tags.member.{}.Value", i + 1), secret(role.tags[i].second)});
    }
    for (std::size_t i = 0; i < role.transitive_tags.size(); ++i) {
        fields.push_back({fmt::format("TransitiveTagKeys.member.{}", i + 1), secret(role.transitive_tags[i])});
    }
}

} // namespace

task<result<credentials>> assume_role(world& outside, sts_place where, role_request role, credentials keys) {
    sts_call call{"AssumeRole", std::move(where), form_for("AssumeRole"), std::move(keys)};
    add_role(call.fields, role, outside);
    co_return co_await carry_out(outside, std::move(call));
}

task<result<credentials>> get_session_token(world& outside, sts_place where, session_request ask, credentials keys) {
    const std::string account = keys.account_id;
    sts_call call{"GetSessionToken", std::move(where), form_for("GetSessionToken"), std::move(keys)};
    if (ask.duration) {
        call.fields.push_back({"DurationSeconds", secret(std::to_string(ask.duration->count()))});
    }
    if (!ask.mfa_serial.empty()) {
        call.fields.push_back({"SerialNumber", secret(ask.mfa_serial)});
        call.fields.push_back({"TokenCode", ask.mfa_code});
    }
    auto session = co_await carry_out(outside, std::move(call));
    // To be saved as a profile of its own: keys of long life would not be a session.
    if (session && (session->session_token.empty() || !session->expiration)) {
        co_return failure{"GetSessionToken: the answer has no SessionToken or no Expiration"};
    }
    if (session) {
        session->account_id = account;
    }
    co_return session;
}

task<result<credentials>> assume_role_with_web_identity(world& outside, sts_place where, web_identity_request role) {
    const auto token = outside.read_file(role.token_file, longest_token_file);
    if (!token) {
        co_return token.error();
    }
    if (!*token) {
        co_return failure{fmt::format("token file {}: no such file", printable(role.token_file, 300))};
    }
    if ((*token)->empty()) {
        co_return failure{fmt::format("token file {}: the file is empty", printable(role.token_file, 300))};
    }
    if (const auto encoding = foreign_encoding((*token)->reveal()); !encoding.empty()) {
        co_return failure{
            in_wrong_encoding(fmt::format("token file {}: the file", printable(role.token_file, 300)), encoding)};
    }
    constexpr std::string_view action = "AssumeRoleWithWebIdentity";
    sts_call call{action, std::move(where), form_for(action), std::nullopt};
    call.fields.push_back({"RoleArn", secret(role.role_arn)});
    call.fields.push_back({"RoleSessionName", secret(session_name_or_made_up(role.session_name, outside))});
    call.fields.push_back({"WebIdentityToken", **token});
    co_return co_await carry_out(outside, std::move(call));
}

} // namespace countersign::chain
