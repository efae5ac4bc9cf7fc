// The sandbox's DynamoDB: tables in memory with CreateTable, DescribeTable, ListTables, PutItem and GetItem
// over JSON 1.0. Signatures were checked before. Other operations are refused, never pretended. One thread.
#pragma once

#include "proxy/sandbox/error.hpp"
#include "proxy/sandbox/message.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::proxy::sandbox {

class dynamodb {
public:
    // `capacity`: bytes of all items and table descriptions, as JSON text.
    explicit dynamodb(std::size_t capacity) : capacity_(capacity) {}

    std::variant<answer, service_error> respond(const request& ask, std::chrono::sys_seconds now);

private:
    using outcome = std::variant<boost::json::object, service_error>;

    struct table {
        boost::json::object description;
        std::vector<std::string> key_names;
        std::map<std::string, std::string, std::less<>> items; // key attributes as JSON → the item as JSON
    };

    outcome create_table(const boost::json::object& ask, std::chrono::sys_seconds now);
    outcome describe_table(const boost::json::object& ask);
    outcome list_tables() const;
    outcome put_item(const boost::json::object& ask);
    outcome get_item(const boost::json::object& ask);

    table* find(const boost::json::object& ask);
    bool reserve(std::size_t freed, std::size_t needed);

    std::map<std::string, table, std::less<>> tables_;
    std::size_t capacity_;
    std::size_t used_ = 0;
};

} // namespace countersign::proxy::sandbox
