// The JSON with which container and instance endpoints hand out credentials → credentials, with every check
// that stands between a lying endpoint and a request header. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <string_view>

namespace countersign::chain {

// {"AccessKeyId","SecretAccessKey","Token","Expiration"} and perhaps "AccountId" and "Code"; names without
// case, as the SDKs read them, but none twice. All four are needed, as strings of visible ASCII. A "Code"
// other than "Success", or "code" and "message" of an error, become the failure's text. The failure is
// retryable when the text is no JSON.
result<credentials> read_answer(std::string_view json, std::string_view provider);

} // namespace countersign::chain
