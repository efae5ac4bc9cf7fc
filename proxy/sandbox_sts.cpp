#include "proxy/sandbox_sts.hpp"

#include "proxy/sandbox_xml.hpp"

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
    if (!arn.starts_with("arn:") || role == std::string_view::npos)
        return {};
    return std::string(arn.substr(std::max(arn.rfind('/'), role) + 1));
}

// STS: [\w+=,.@-]{2,64}
bool is_session_name(std::string_view name) noexcept {
    return name.size() >= 2 && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("_+=,.@-").find(c) != std::string_view::npos;
           });
}

} // namespace

std::variant<answer, service_error>
sts::respond(const request& ask, const identity& who, std::string_view request_id, std::chrono::sys_seconds now) {
    std::vector<field> form = parse_form(ask.query);
    const std::vector<field> body = parse_form(ask.body);
    form.insert(form.end(), body.begin(), body.end());
    const std::string action = find_value(form, "Action").value_or("");
    if (action == "GetCallerIdentity")
        return caller_identity(who, request_id);
    if (action == "AssumeRole")
        return assume_role(form, request_id, now);
    return service_error{400, "InvalidAction", "The sandbox's STS knows the actions GetCallerIdentity and AssumeRole."};
}

std::variant<answer, service_error>
sts::assume_role(const std::vector<field>& form, std::string_view request_id, std::chrono::sys_seconds now) {
    const std::string role = role_name(find_value(form, "RoleArn").value_or(""));
    if (role.empty())
        return invalid("RoleArn is not the ARN of a role.");
    const std::string session = find_value(form, "RoleSessionName").value_or("");
    if (!is_session_name(session))
        return invalid("RoleSessionName must be 2 to 64 of letters, digits and _+=,.@-");
    unsigned seconds = 3600;
    if (const auto text = find_value(form, "DurationSeconds")) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
        if (error != std::errc{} || end != text->data() + text->size() || seconds < 900 || seconds > 43200)
            return invalid("DurationSeconds must be 900 to 43200.");
    }
    const identity& made = keys_.issue(role, session, now + std::min(std::chrono::seconds(seconds), lifetime_));

    pugi::xml_document document;
    pugi::xml_node result = begin(document, "AssumeRole", request_id);
    pugi::xml_node keys = result.append_child("Credentials");
    add_text(keys, "AccessKeyId", made.access_key_id);
    add_text(keys, "SecretAccessKey", made.secret_access_key);
    add_text(keys, "SessionToken", made.session_token);
    add_text(keys, "Expiration", iso_time(*made.expires));
    pugi::xml_node user = result.append_child("AssumedRoleUser");
    add_text(user, "Arn", made.arn);
    add_text(user, "AssumedRoleId", made.user_id);
    return xml_answer(200, document);
}

} // namespace countersign::proxy::sandbox
