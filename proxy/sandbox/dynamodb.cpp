#include "proxy/sandbox/dynamodb.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace countersign::proxy::sandbox {

namespace json = boost::json;

namespace {

constexpr std::string_view target_prefix = "DynamoDB_20120810.";
constexpr std::size_t deepest_item = 32; // DynamoDB's own limit on nesting

service_error own_error(std::string_view code, std::string message) {
    return {400, fmt::format("com.amazonaws.dynamodb.v20120810#{}", code), std::move(message)};
}

service_error invalid(std::string message) {
    return {400, "com.amazon.coral.validate#ValidationException", std::move(message)};
}

service_error no_table() {
    return own_error("ResourceNotFoundException", "Requested resource not found");
}

service_error full() {
    return own_error("LimitExceededException", "The sandbox keeps 16 MiB of items in all. Start it anew.");
}

std::string text_of(const json::object& where, std::string_view name) {
    const json::value* found = where.if_contains(name);
    const json::string* text = found ? found->if_string() : nullptr;
    return text ? std::string(*text) : std::string();
}

// The key attributes of an item, in the order of the schema: ["S" of hash, "S" of range]. nullopt: one is
// missing.
std::optional<std::string> key_of(const json::object& item, const std::vector<std::string>& names) {
    json::array key;
    for (const std::string& name : names) {
        const json::value* value = item.if_contains(name);
        if (!value) {
            return std::nullopt;
        }
        key.push_back(*value);
    }
    return json::serialize(key);
}

// The attribute names of a KeySchema, empty when it is not one.
std::vector<std::string> names_of(const json::object& ask) {
    std::vector<std::string> names;
    const json::value* schema = ask.if_contains("KeySchema");
    const json::array* parts = schema ? schema->if_array() : nullptr;
    if (!parts || parts->size() > 2) {
        return {};
    }
    for (const json::value& part : *parts) {
        const json::object* element = part.if_object();
        std::string name = element ? text_of(*element, "AttributeName") : std::string();
        if (name.empty()) {
            return {};
        }
        names.push_back(std::move(name));
    }
    return names;
}

const json::object* object_in(const json::object& where, std::string_view name) {
    const json::value* found = where.if_contains(name);
    return found ? found->if_object() : nullptr;
}

// boost::json reports errors by code here, never by exception.
std::optional<json::object> parse_object(std::string_view text) {
    json::error_code error;
    json::parse_options how;
    how.max_depth = deepest_item * 2;
    json::value parsed = json::parse(text, error, {}, how);
    if (error || !parsed.is_object()) {
        return std::nullopt;
    }
    return std::move(parsed.as_object());
}

} // namespace

std::variant<answer, service_error> dynamodb::respond(const request& ask, std::chrono::sys_seconds now) {
    std::string_view operation = ask.header("x-amz-target");
    if (ask.method != "POST" || !operation.starts_with(target_prefix)) {
        return service_error{400, "com.amazon.coral.service#UnknownOperationException", "X-Amz-Target is missing"};
    }
    operation.remove_prefix(target_prefix.size());
    const auto body = parse_object(ask.body);
    if (!body) {
        return service_error{400, "com.amazon.coral.service#SerializationException", "The body is no JSON object"};
    }

    outcome done = service_error{
        400,
        "com.amazon.coral.service#UnknownOperationException",
        "The sandbox's DynamoDB knows CreateTable, DescribeTable, ListTables, PutItem and GetItem."};
    if (operation == "CreateTable") {
        done = create_table(*body, now);
    } else if (operation == "DescribeTable") {
        done = describe_table(*body);
    } else if (operation == "ListTables") {
        done = list_tables();
    } else if (operation == "PutItem") {
        done = put_item(*body);
    } else if (operation == "GetItem") {
        done = get_item(*body);
    }
    if (auto* error = std::get_if<service_error>(&done)) {
        return std::move(*error);
    }
    return text_answer(200, "application/x-amz-json-1.0", json::serialize(std::get<json::object>(done)));
}

dynamodb::outcome dynamodb::create_table(const json::object& ask, std::chrono::sys_seconds now) {
    const std::string name = text_of(ask, "TableName");
    if (name.size() < 3 || name.size() > 255) {
        return invalid("TableName must have 3 to 255 characters");
    }
    if (tables_.contains(name)) {
        return own_error("ResourceInUseException", fmt::format("Table already exists: {}", name));
    }
    table made;
    made.key_names = names_of(ask);
    if (made.key_names.empty()) {
        return invalid("KeySchema must name one or two attributes");
    }
    made.description = {
        {"TableName", name},
        {"TableStatus", "ACTIVE"},
        {"TableArn", fmt::format("arn:aws:dynamodb:us-east-1:000000000000:table/{}", name)},
        {"CreationDateTime", now.time_since_epoch().count()},
        {"KeySchema", ask.at("KeySchema")},
    };
    if (const json::value* attributes = ask.if_contains("AttributeDefinitions")) {
        made.description.emplace("AttributeDefinitions", *attributes);
    }
    if (!reserve(0, json::serialize(made.description).size() + name.size())) {
        return full();
    }
    json::object reply{{"TableDescription", made.description}};
    tables_.emplace(name, std::move(made));
    return reply;
}

dynamodb::outcome dynamodb::describe_table(const json::object& ask) {
    const table* found = find(ask);
    if (!found) {
        return no_table();
    }
    json::object description = found->description;
    description.emplace("ItemCount", found->items.size());
    return json::object{{"Table", std::move(description)}};
}

dynamodb::outcome dynamodb::list_tables() const {
    json::array names;
    for (const auto& [name, ignored] : tables_) {
        names.emplace_back(name);
    }
    return json::object{{"TableNames", std::move(names)}};
}

dynamodb::outcome dynamodb::put_item(const json::object& ask) {
    table* where = find(ask);
    if (!where) {
        return no_table();
    }
    const json::object* item = object_in(ask, "Item");
    const auto key = item ? key_of(*item, where->key_names) : std::nullopt;
    if (!key) {
        return invalid("One or more parameter values were invalid: Missing the key in the item");
    }
    std::string text = json::serialize(*item);
    const auto old = where->items.find(*key);
    const std::size_t freed = old == where->items.end() ? 0 : old->first.size() + old->second.size();
    if (!reserve(freed, key->size() + text.size())) {
        return full();
    }
    where->items.insert_or_assign(*key, std::move(text));
    return json::object{};
}

dynamodb::outcome dynamodb::get_item(const json::object& ask) {
    const table* where = find(ask);
    if (!where) {
        return no_table();
    }
    const json::object* asked = object_in(ask, "Key");
    const auto key =
        asked && asked->size() == where->key_names.size() ? key_of(*asked, where->key_names) : std::nullopt;
    if (!key) {
        return invalid("The provided key element does not match the schema");
    }
    const auto found = where->items.find(*key);
    if (found == where->items.end()) {
        return json::object{};
    }
    json::object reply;
    if (auto item = parse_object(found->second)) {
        reply.emplace("Item", std::move(*item));
    }
    return reply;
}

dynamodb::table* dynamodb::find(const json::object& ask) {
    const auto found = tables_.find(text_of(ask, "TableName"));
    return found == tables_.end() ? nullptr : &found->second;
}

bool dynamodb::reserve(std::size_t freed, std::size_t needed) {
    if (used_ - freed + needed > capacity_) {
        return false;
    }
    used_ = used_ - freed + needed;
    return true;
}

} // namespace countersign::proxy::sandbox
