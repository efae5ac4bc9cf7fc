// The JSON with which endpoints, commands and caches hand out credentials → credentials, with every check that
// stands between a lying endpoint and a request header. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <string_view>

namespace countersign::chain {

// {"AccessKeyId","SecretAccessKey","Token","Expiration"} and perhaps "AccountId" and "Code"; names without
// case, as the SDKs read them, but none twice. All four are needed, as strings of visible ASCII; null or "" for
// Token and Expiration say that there is none, as botocore takes them: keys of long life, keys that never expire. A
// "Code" other than "Success", or "code" and "message" of an error, become the failure's text. The failure is
// retryable when the text is no JSON.
result<credentials> read_answer(std::string_view json, std::string_view provider);

// What the others call the same fields, and what they may leave out.
struct key_form {
    std::string_view what = "the answer"; // the subject of a failure
    std::string_view token = "Token";
    std::string_view expiration = "Expiration"; // "": not read, the caller knows it
    // Of the field: what it says may be "none" (null, "") either way.
    enum class rule : std::uint8_t { needed, optional } token_rule = rule::needed, expiration_rule = rule::needed;
};

// AccessKeyId, SecretAccessKey, token, expiration and perhaps AccountId of an object that is already read; names
// without case as above.
result<credentials> read_keys(const boost::json::object& object, const key_form& form, std::string_view provider);

} // namespace countersign::chain
