#include "chain/answer.hpp"

#include "chain/rfc3339.hpp"
#include "chain/text.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <optional>

namespace countersign::chain {

namespace json = boost::json;

namespace {

// The parser copies keys and tokens: this memory is wiped when it is given back.
class wiped_memory final : public json::memory_resource {
    void* do_allocate(std::size_t size, std::size_t) override { return ::operator new(size); }
    void do_deallocate(void* at, std::size_t size, std::size_t) override {
        OPENSSL_cleanse(at, size);
        ::operator delete(at);
    }
    bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }
};

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
constexpr field_name known[] = {
    {"AccessKeyId", &fields::id},
    {"SecretAccessKey", &fields::key},
    {"Token", &fields::token},
    {"Expiration", &fields::expiration},
    {"AccountId", &fields::account},
    {"Code", &fields::code},
    {"Message", &fields::message},
};

std::optional<failure> find_fields(const json::object& object, fields& found) {
    for (const auto& member : object)
        for (const auto& [name, place] : known) {
            const std::string_view key(member.key().data(), member.key().size());
            if (!equal_ignoring_case(key, name))
                continue;
            if (found.*place)
                return failure{fmt::format("the answer has {} twice", name)};
            found.*place = &member.value();
        }
    return std::nullopt;
}

std::optional<std::string_view> text_of(const json::value* value) noexcept {
    if (!value || !value->is_string())
        return std::nullopt;
    return std::string_view(value->get_string().data(), value->get_string().size());
}

// Strict: a number is not a string, and a key with a line end in it is not repaired.
std::optional<failure> take(const json::value* value, std::string_view name, std::string_view& into) {
    const auto text = text_of(value);
    if (!text)
        return failure{fmt::format("the answer has no {} that is a string", name)};
    if (!is_visible(*text))
        return failure{fmt::format("{} in the answer is empty or has blanks, control or non-ASCII characters", name)};
    into = *text;
    return std::nullopt;
}

std::optional<failure> refusal_in(const fields& f) {
    if (!f.code || text_of(f.code) == "Success")
        return std::nullopt;
    return failure{fmt::format(
        "the endpoint answered {}: {}",
        printable(text_of(f.code).value_or("with an unknown code")),
        printable(text_of(f.message).value_or("no message"))
    )};
}

result<credentials> credentials_in(const fields& f, std::string_view provider) {
    if (auto refused = refusal_in(f))
        return *std::move(refused);
    std::string_view id, key, token, expiration, account;
    for (auto wrong :
         {take(f.id, "AccessKeyId", id),
          take(f.key, "SecretAccessKey", key),
          take(f.token, "Token", token),
          take(f.expiration, "Expiration", expiration),
          f.account ? take(f.account, "AccountId", account) : std::nullopt})
        if (wrong)
            return *std::move(wrong);
    credentials c;
    c.access_key_id = id;
    c.secret_access_key = secret(key);
    c.session_token = secret(token);
    c.account_id = account;
    c.provider = provider;
    c.expiration = read_rfc3339(expiration);
    if (!c.expiration)
        return failure{"Expiration in the answer is no RFC 3339 date"};
    return c;
}

} // namespace

result<credentials> read_answer(std::string_view text, std::string_view provider) {
    wiped_memory memory;
    json::parse_options strict;
    strict.max_depth = 8;
    json::error_code error;
    const json::value value = json::parse(text, error, &memory, strict);
    if (error || !value.is_object())
        return failure{"the answer is no JSON object", true};
    fields found;
    if (auto wrong = find_fields(value.get_object(), found))
        return *std::move(wrong);
    return credentials_in(found, provider);
}

} // namespace countersign::chain
