#include "proxy/sandbox/sts.hpp"

#include "proxy/sandbox/identity_token.hpp"
#include "proxy/sandbox/xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace countersign::proxy::sandbox {

namespace {

// <ActionResponse><ActionResult>…</ActionResult><ResponseMetadata><RequestId>…: returns the result's node.
pugi::xml_node begin(pugi::xml_document& document, const std::string& action, std::string_view request_id) {
    pugi::xml_node root = document.append_child((action + "Response").c_str());
    root.append_attribute("xmlns") = "https://sts.amazonaws.com/doc/2011-06-15/";
    pugi::xml_node result = root.append_child((action + "Result").c_str());
    add_text(root.append_child("ResponseMetadata"), "RequestId", request_id);
    return result;
}

answer caller_identity(const identity& who, std::string_view request_id) {
    pugi::xml_document document;
    pugi::xml_node result = begin(document, "GetCallerIdentity", request_id);
    add_text(result, "Arn", who.arn);
    add_text(result, "UserId", who.user_id);
    add_text(result, "Account", account_id);
    return xml_answer(200, document);
}

service_error invalid(std::string message) {
    return {400, "ValidationError", std::move(message)};
}

// arn:aws:iam::000000000000:role/path/name → name; "" for anything else.
std::string role_name(std::string_view arn) {
    const std::size_t role = arn.find(":role/");
    if (!arn.starts_with("arn:") || role == std::string_view::npos) {
        return {};
    }
    return std::string(arn.substr(std::max(arn.rfind('/'), role) + 1));
}

// STS: [\w+=,.@-]{2,64}
bool is_session_name(std::string_view name) noexcept {
    return name.size() >= 2 && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("_+=,.@-").find(c) != std::string_view::npos;
           });
}

std::vector<field> form_of(const request& ask) {
    std::vector<field> form = parse_form(ask.query);
    const std::vector<field> body = parse_form(ask.body);
    form.insert(form.end(), body.begin(), body.end());
    return form;
}

// What is wrong with SerialNumber and TokenCode. Six digits are a right code, save 000000.
std::optional<service_error> wrong_code(const std::vector<field>& form) {
    const auto serial = find_value(form, "SerialNumber");
    const auto code = find_value(form, "TokenCode");
    if (!serial && !code) {
        return std::nullopt;
    }
    if (!serial || !code) {
        return service_error{
            403,
            "AccessDenied",
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."};
    }
    const bool is_code = code->size() == 6 && code->find_first_not_of("0123456789") == std::string::npos;
    if (!is_code) {
        return invalid("TokenCode must be six digits.");
    }
    if (*code == "000000") {
        return service_error{
            403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code."};
    }
    return std::nullopt;
}

void add_keys(pugi::xml_node result, const identity& made) {
    pugi::xml_node keys = result.append_child("Credentials");
    add_text(keys, "AccessKeyId", made.access_key_id);
    add_text(keys, "SecretAccessKey", made.secret_access_key);
    add_text(keys, "SessionToken", made.session_token);
    add_text(keys, "Expiration", iso_time(*made.expires));
}

void add_role(pugi::xml_node result, const identity& made) {
    pugi::xml_node user = result.append_child("AssumedRoleUser");
    add_text(user, "Arn", made.arn);
    add_text(user, "AssumedRoleId", made.user_id);
}

struct role_session {
    std::string role, name;
};

std::variant<role_session, service_error> role_session_of(const std::vector<field>& form) {
    role_session asked{
        role_name(find_value(form, "RoleArn").value_or("")), find_value(form, "RoleSessionName").value_or("")};
    if (asked.role.empty()) {
        return invalid("RoleArn is not the ARN of a role.");
    }
    if (!is_session_name(asked.name)) {
        return invalid("RoleSessionName must be 2 to 64 of letters, digits and _+=,.@-");
    }
    return asked;
}

constexpr unsigned an_hour = 3600;
constexpr std::string_view by_token = "AssumeRoleWithWebIdentity";

} // namespace

sts::outcome
sts::respond(const request& ask, const identity& who, std::string_view request_id, std::chrono::sys_seconds now) {
    const std::vector<field> form = form_of(ask);
    const std::string action = find_value(form, "Action").value_or("");
    if (action == "GetCallerIdentity") {
        return caller_identity(who, request_id);
    }
    if (action == "AssumeRole") {
        return assume_role(form, request_id, now);
    }
    if (action == "GetSessionToken") {
        return get_session_token(form, who, request_id, now);
    }
    if (action == by_token) {
        return assume_by_token(form, request_id, now);
    }
    return service_error{
        400,
        "InvalidAction",
        "The sandbox's STS knows the actions GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity and "
        "GetSessionToken."};
}

bool sts::is_for_anyone(const request& ask) {
    return find_value(form_of(ask), "Action") == by_token;
}

sts::outcome sts::respond_to_anyone(const request& ask, std::string_view request_id, std::chrono::sys_seconds now) {
    return assume_by_token(form_of(ask), request_id, now);
}

std::optional<std::chrono::sys_seconds>
sts::end_of(const form_fields& form, unsigned usual, unsigned most, std::chrono::sys_seconds now) const {
    unsigned seconds = usual;
    if (const auto text = find_value(form, "DurationSeconds")) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
        if (error != std::errc{} || end != text->data() + text->size() || seconds < 900 || seconds > most) {
            return std::nullopt;
        }
    }
    return now + std::min(std::chrono::seconds(seconds), lifetime_);
}

sts::outcome sts::assume_role(const form_fields& form, std::string_view request_id, std::chrono::sys_seconds now) {
    const auto asked = role_session_of(form);
    if (const auto* wrong = std::get_if<service_error>(&asked)) {
        return *wrong;
    }
    if (auto wrong = wrong_code(form)) {
        return *std::move(wrong);
    }
    const auto end = end_of(form, an_hour, 12 * an_hour, now);
    if (!end) {
        return invalid("DurationSeconds must be 900 to 43200.");
    }
    const auto& session = std::get<role_session>(asked);
    const identity& made = keys_.issue(session.role, session.name, *end);

    pugi::xml_document document;
    pugi::xml_node result = begin(document, "AssumeRole", request_id);
    add_keys(result, made);
    add_role(result, made);
    return xml_answer(200, document);
}

sts::outcome sts::get_session_token(
    const form_fields& form, const identity& who, std::string_view request_id, std::chrono::sys_seconds now
) {
    if (who.expires) {
        return service_error{403, "AccessDenied", "Cannot call GetSessionToken with session credentials"};
    }
    if (auto wrong = wrong_code(form)) {
        return *std::move(wrong);
    }
    const auto end = end_of(form, 12 * an_hour, 36 * an_hour, now);
    if (!end) {
        return invalid("DurationSeconds must be 900 to 129600.");
    }
    pugi::xml_document document;
    add_keys(begin(document, "GetSessionToken", request_id), keys_.issue_session(*end));
    return xml_answer(200, document);
}

sts::outcome sts::assume_by_token(const form_fields& form, std::string_view request_id, std::chrono::sys_seconds now) {
    const auto asked = role_session_of(form);
    if (const auto* wrong = std::get_if<service_error>(&asked)) {
        return *wrong;
    }
    const auto token = read_identity_token(find_value(form, "WebIdentityToken").value_or(""));
    if (!token) {
        return service_error{
            400, "InvalidIdentityToken", "The web identity token is no JWT with iss and sub that are text."};
    }
    if (token->expires && *token->expires <= now) {
        return service_error{
            400,
            "ExpiredTokenException",
            fmt::format(
                "Token expired: current date/time {} must be before the expiration date/time {}",
                now.time_since_epoch().count(),
                token->expires->time_since_epoch().count()
            )};
    }
    const auto end = end_of(form, an_hour, 12 * an_hour, now);
    if (!end) {
        return invalid("DurationSeconds must be 900 to 43200.");
    }
    const auto& session = std::get<role_session>(asked);
    const identity& made = keys_.issue(session.role, session.name, *end);

    pugi::xml_document document;
    pugi::xml_node result = begin(document, std::string(by_token), request_id);
    add_keys(result, made);
    add_role(result, made);
    add_text(result, "Provider", token->issuer);
    add_text(result, "SubjectFromWebIdentityToken", token->subject);
    return xml_answer(200, document);
}

} // namespace countersign::proxy::sandbox
