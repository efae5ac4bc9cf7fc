// JSON that holds keys and tokens: read into memory that is wiped when it is given back, and written without a
// copy left behind. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::chain {

// `what` is the subject of the failure, which is retryable: "the answer" is no JSON object. Deeper than eight
// levels is none either. A text in UTF-16 is called so, and that is not retryable.
result<boost::json::object> read_secret_json(std::string_view text, std::string_view what);

// In the order in which the fields came.
secret write_secret_json(const boost::json::object& object);

// The same kind of memory for an object that is made here.
boost::json::storage_ptr wiped_storage();

// null or "": how many a tool says that there is none of it.
bool says_none(const boost::json::value& value) noexcept;

// Of a value that is there, of that type, and not the empty string: else "" or none. Views into the object.
std::string_view text_in(const boost::json::object& object, std::string_view name) noexcept;
std::optional<std::int64_t> number_in(const boost::json::object& object, std::string_view name) noexcept;
const boost::json::object* object_in(const boost::json::object& object, std::string_view name) noexcept;

} // namespace countersign::chain
