#include "chain/secret_json.hpp"

#include "chain/text.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <new>
#include <string>
#include <utility>

namespace countersign::chain {

namespace json = boost::json;

namespace {

// The parser copies keys and tokens.
class wiped_memory final : public json::memory_resource {
    void* do_allocate(std::size_t size, std::size_t) override { return ::operator new(size); }
    void do_deallocate(void* at, std::size_t size, std::size_t) override {
        OPENSSL_cleanse(at, size);
        ::operator delete(at);
    }
    bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }
};

} // namespace

json::storage_ptr wiped_storage() {
    return json::make_shared_resource<wiped_memory>();
}

result<json::object> read_secret_json(std::string_view text, std::string_view what) {
    json::parse_options strict;
    strict.max_depth = 8;
    json::error_code error;
    json::value value = json::parse(text, error, wiped_storage(), strict);
    if (const auto encoding = error ? foreign_encoding(text) : ""; !encoding.empty()) {
        return failure{in_wrong_encoding(what, encoding)};
    }
    if (error || !value.is_object()) {
        return failure{fmt::format("{} is no JSON object", what), true};
    }
    return std::move(value.get_object());
}

secret write_secret_json(const json::object& object) {
    std::string text = json::serialize(object);
    secret out(text);
    OPENSSL_cleanse(text.data(), text.size());
    return out;
}

bool says_none(const json::value& value) noexcept {
    const auto* text = value.if_string();
    return value.is_null() || (text && text->empty());
}

std::string_view text_in(const json::object& object, std::string_view name) noexcept {
    const auto* value = object.if_contains(name);
    const auto* text = value ? value->if_string() : nullptr;
    return text ? std::string_view(text->data(), text->size()) : std::string_view{};
}

std::optional<std::int64_t> number_in(const json::object& object, std::string_view name) noexcept {
    const auto* value = object.if_contains(name);
    const auto* number = value ? value->if_int64() : nullptr;
    return number ? std::optional(*number) : std::nullopt;
}

const json::object* object_in(const json::object& object, std::string_view name) noexcept {
    const auto* value = object.if_contains(name);
    return value ? value->if_object() : nullptr;
}

} // namespace countersign::chain
