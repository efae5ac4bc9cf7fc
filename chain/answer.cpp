#include "chain/answer.hpp"

#include "chain/rfc3339.hpp"
#include "chain/secret_json.hpp"
#include "chain/text.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <optional>

namespace countersign::chain {

namespace json = boost::json;

namespace {

struct fields {
    const json::value* id = nullptr;
    const json::value* key = nullptr;
    const json::value* token = nullptr;
    const json::value* expiration = nullptr;
    const json::value* account = nullptr;
    const json::value* code = nullptr;
    const json::value* message = nullptr;
};

struct field_name {
    std::string_view name;
    const json::value* fields::*place;
};

std::optional<failure> find_fields(const json::object& object, const key_form& form, fields& found) {
    const field_name known[] = {
        {"AccessKeyId", &fields::id},
        {"SecretAccessKey", &fields::key},
        {form.token, &fields::token},
        {form.expiration, &fields::expiration},
        {"AccountId", &fields::account},
        {"Code", &fields::code},
        {"Message", &fields::message},
    };
    for (const auto& member : object) {
        for (const auto& [name, place] : known) {
            const std::string_view key(member.key().data(), member.key().size());
            if (name.empty() || !equal_ignoring_case(key, name)) {
                continue;
            }
            if (found.*place) {
                return failure{fmt::format("{} has {} twice", form.what, name)};
            }
            found.*place = &member.value();
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> text_of(const json::value* value) noexcept {
    if (!value || !value->is_string()) {
        return std::nullopt;
    }
    return std::string_view(value->get_string().data(), value->get_string().size());
}

// Strict: a number is not a string, and a key with a line end in it is not repaired.
std::optional<failure>
take(const json::value* value, std::string_view name, std::string_view what, std::string_view& into) {
    if (value && value->is_null()) {
        return failure{fmt::format("{} in {} is null", name, what)};
    }
    const auto text = text_of(value);
    if (!text) {
        return failure{fmt::format("{} has no {} that is a string", what, name)};
    }
    if (!is_visible(*text)) {
        return failure{fmt::format("{} in {} is empty or has blanks, control or non-ASCII characters", name, what)};
    }
    into = *text;
    return std::nullopt;
}

// The same for what keys may be without; `into` stays empty then.
std::optional<failure> take_if_said(
    const json::value* value, std::string_view name, const key_form& form, key_form::rule rule, std::string_view& into
) {
    if (value ? says_none(*value) : rule == key_form::rule::optional) {
        return std::nullopt;
    }
    return take(value, name, form.what, into);
}

std::optional<failure> refusal_in(const fields& f) {
    if (!f.code || says_none(*f.code) || text_of(f.code) == "Success") {
        return std::nullopt;
    }
    return failure{fmt::format(
        "the endpoint answered {}: {}",
        printable(text_of(f.code).value_or("with an unknown code")),
        printable(text_of(f.message).value_or("no message"))
    )};
}

result<credentials> credentials_in(const fields& f, const key_form& form, std::string_view provider) {
    std::string_view id, key, token, expiration, account;
    const auto expiration_rule = form.expiration.empty() ? key_form::rule::optional : form.expiration_rule;
    for (auto wrong :
         {take(f.id, "AccessKeyId", form.what, id),
          take(f.key, "SecretAccessKey", form.what, key),
          take_if_said(f.token, form.token, form, form.token_rule, token),
          take_if_said(f.expiration, form.expiration, form, expiration_rule, expiration),
          take_if_said(f.account, "AccountId", form, key_form::rule::optional, account)}) {
        if (wrong) {
            return *std::move(wrong);
        }
    }
    credentials c;
    c.access_key_id = id;
    c.secret_access_key = secret(key);
    c.session_token = secret(token);
    c.account_id = account;
    c.provider = provider;
    if (!expiration.empty()) {
        c.expiration = read_rfc3339(expiration);
    }
    if (c.expiration == latest_time) {
        c.stated_end = expiration;
    }
    if (!expiration.empty() && !c.expiration) {
        return failure{fmt::format("{} in {} is no RFC 3339 date", form.expiration, form.what)};
    }
    return c;
}

} // namespace

result<credentials> read_keys(const json::object& object, const key_form& form, std::string_view provider) {
    fields found;
    if (auto wrong = find_fields(object, form, found)) {
        return *std::move(wrong);
    }
    return credentials_in(found, form, provider);
}

result<credentials> read_answer(std::string_view text, std::string_view provider) {
    const auto object = read_secret_json(text, "the answer");
    if (!object) {
        return object.error();
    }
    const key_form form;
    fields found;
    if (auto wrong = find_fields(*object, form, found)) {
        return *std::move(wrong);
    }
    if (auto refused = refusal_in(found)) {
        return *std::move(refused);
    }
    return credentials_in(found, form, provider);
}

} // namespace countersign::chain
