// The XML that STS answers with → credentials, with every check that stands between a lying endpoint and a
// request header; and its errors (AWS STS API Reference). Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <string>
#include <string_view>

namespace countersign::chain {

// <{action}Response><{action}Result><Credentials> with AccessKeyId, SecretAccessKey, SessionToken and Expiration,
// each there once, as visible ASCII; the last two may be empty, which says that there is none. The account is that of
// AssumedRoleUser/Arn, where there is one. The provider is left open. The failure is retryable when the text is no XML.
result<credentials> read_sts_answer(std::string_view xml, std::string_view action);

struct sts_error {
    std::string code;    // "" when the text is not STS's
    std::string message; // printable, its first line only, cut
};

// <ErrorResponse><Error><Code/><Message/>
sts_error read_sts_error(std::string_view xml);

} // namespace countersign::chain
