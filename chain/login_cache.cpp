#include "chain/login_cache.hpp"

#include "chain/answer.hpp"
#include "chain/rfc3339.hpp"
#include "chain/secret_json.hpp"
#include "chain/text.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

namespace countersign::chain {

namespace json = boost::json;

namespace {

constexpr std::int64_t longest_life = 7 * 24 * 3600; // seconds; sign-in says 900

key_form form_of(std::string_view what, std::string_view expiration) {
    key_form form;
    form.what = what;
    form.token = "sessionToken";
    form.expiration = expiration;
    return form;
}

} // namespace

result<login_cache> read_login_cache(std::string_view text) {
    const auto object = read_secret_json(text, "the file");
    if (!object) {
        return failure{object.error().detail};
    }
    const auto* token = object_in(*object, "accessToken");
    if (!token) {
        return failure{"the file has no accessToken"};
    }
    for (const auto* name : {"refreshToken", "clientId", "dpopKey"}) {
        if (text_in(*object, name).empty()) {
            return failure{fmt::format("the file has no {}", name)};
        }
    }
    auto keys = read_keys(*token, form_of("accessToken", "expiresAt"), "profile");
    if (!keys) {
        return keys.error();
    }
    if (!keys->expiration) {
        return failure{"accessToken has no expiresAt"};
    }
    login_cache cache;
    cache.keys = *std::move(keys);
    cache.refresh_token = secret(text_in(*object, "refreshToken"));
    cache.client_id = secret(text_in(*object, "clientId"));
    cache.dpop_key = secret(text_in(*object, "dpopKey"));
    return cache;
}

secret refresh_question(const login_cache& cache) {
    json::object question(wiped_storage());
    const auto put = [&](std::string_view name, std::string_view value) { question[name] = value; };
    put("clientId", cache.client_id.reveal());
    put("refreshToken", cache.refresh_token.reveal());
    put("grantType", "refresh_token");
    return write_secret_json(question);
}

result<secret>
refreshed_login_text(std::string_view old_text, std::string_view said, std::chrono::system_clock::time_point now) {
    auto object = read_secret_json(old_text, "the file");
    if (!object) {
        return object.error();
    }
    const auto fresh = read_secret_json(said, "the answer");
    if (!fresh) {
        return fresh.error();
    }
    const auto* token = object_in(*fresh, "accessToken");
    if (!token) {
        return failure{"the answer has no accessToken"};
    }
    const auto keys = read_keys(*token, form_of("the answer", ""), "profile");
    if (!keys) {
        return keys.error();
    }
    const auto life = number_in(*fresh, "expiresIn");
    if (!life || *life <= 0 || *life > longest_life) {
        return failure{"expiresIn in the answer is no number of seconds"};
    }
    const auto next = text_in(*fresh, "refreshToken");
    if (next.empty()) {
        return failure{"the answer has no refreshToken"};
    }
    json::value& kept = (*object)["accessToken"];
    if (!kept.is_object()) {
        return failure{"the file has no accessToken"};
    }
    json::object& into = kept.get_object();
    // Names were read without case; a second spelling of one would make the file unreadable.
    const auto put = [&](std::string_view name, std::string_view value) {
        for (auto* member = into.begin(); member != into.end();) {
            member =
                equal_ignoring_case(member->key(), name) && member->key() != name ? into.erase(member) : member + 1;
        }
        into[name] = value;
    };
    put("accessKeyId", keys->access_key_id);
    put("secretAccessKey", keys->secret_access_key.reveal());
    put("sessionToken", keys->session_token.reveal());
    put("expiresAt", write_rfc3339(now + std::chrono::seconds(*life)));
    (*object)["refreshToken"] = next;
    if (const auto type = text_in(*fresh, "tokenType"); !type.empty()) {
        (*object)["tokenType"] = type;
    }
    return write_secret_json(*object);
}

} // namespace countersign::chain
