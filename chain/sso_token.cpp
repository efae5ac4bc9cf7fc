#include "chain/sso_token.hpp"

#include "chain/rfc3339.hpp"
#include "chain/secret_json.hpp"
#include "chain/text.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace countersign::chain {

namespace json = boost::json;

namespace {

std::string why_not_refreshable(const json::object& object, std::chrono::system_clock::time_point now) {
    for (const auto* name : {"refreshToken", "clientId", "clientSecret"}) {
        if (text_in(object, name).empty()) {
            return fmt::format("the file has no {}", name);
        }
    }
    const auto end = read_rfc3339(text_in(object, "registrationExpiresAt"));
    if (!end) {
        return "the file has no registrationExpiresAt that is an RFC 3339 date";
    }
    if (*end <= now) {
        return "the client's registration expired at " + write_rfc3339(*end);
    }
    return {};
}

} // namespace

result<sso_token> read_sso_token(std::string_view text, std::chrono::system_clock::time_point now) {
    const auto object = read_secret_json(text, "the file");
    if (!object) {
        return failure{object.error().detail};
    }
    sso_token token;
    token.access_token = secret(text_in(*object, "accessToken"));
    if (!is_visible(token.access_token.reveal())) {
        return failure{"accessToken is missing, or has blanks, control or non-ASCII characters"};
    }
    const auto end = read_rfc3339(text_in(*object, "expiresAt"));
    if (!end) {
        return failure{"expiresAt is missing, or no RFC 3339 date"};
    }
    token.expires_at = *end;
    token.refresh_token = secret(text_in(*object, "refreshToken"));
    token.client_id = secret(text_in(*object, "clientId"));
    token.client_secret = secret(text_in(*object, "clientSecret"));
    token.not_refreshable = why_not_refreshable(*object, now);
    return token;
}

secret refresh_question(const sso_token& token) {
    json::object question(wiped_storage());
    const auto put = [&](std::string_view name, std::string_view value) { question[name] = value; };
    put("grantType", "refresh_token");
    put("clientId", token.client_id.reveal());
    put("clientSecret", token.client_secret.reveal());
    put("refreshToken", token.refresh_token.reveal());
    return write_secret_json(question);
}

result<secret>
refreshed_token_text(std::string_view old_text, std::string_view said, std::chrono::system_clock::time_point now) {
    auto object = read_secret_json(old_text, "the file");
    if (!object) {
        return object.error();
    }
    const auto fresh = read_secret_json(said, "the answer");
    if (!fresh) {
        return fresh.error();
    }
    const auto token = text_in(*fresh, "accessToken");
    const auto life = number_in(*fresh, "expiresIn");
    if (!is_visible(token)) {
        return failure{"accessToken in the answer is missing, or has blanks, control or non-ASCII characters"};
    }
    if (!life || *life <= 0 || *life > longest_token_life.count()) {
        return failure{"expiresIn in the answer is no number of seconds"};
    }
    (*object)["accessToken"] = token;
    (*object)["expiresAt"] = write_rfc3339(now + std::chrono::seconds(*life));
    if (const auto next = text_in(*fresh, "refreshToken"); !next.empty()) {
        (*object)["refreshToken"] = next;
    }
    return write_secret_json(*object);
}

} // namespace countersign::chain
