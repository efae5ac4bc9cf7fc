// Signatures that a request brings along as parameters, of every generation, found as a server would find them: names
// percent-decoded and compared without case (X%2DAmz-Date is x-amz-date). Pure; any thread.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>

namespace countersign::signer {

// The query without the parameters of an earlier signature:
//  - Version 4, 4A and S3 Express: X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders, -Signature,
//    -Security-Token, -Region-Set, -S3session-Token, -Content-Sha256;
//  - Version 2: AWSAccessKeyId, and beside it Signature, Expires, SignatureVersion, SignatureMethod, Timestamp and
//    SecurityToken. Without AWSAccessKeyId those are the caller's own: CloudFront's URLs, too, have an Expires and a
//    Signature.
// Allocates from `memory`, and nothing at all where there is no such parameter: the result is then a view of the input.
std::string_view without_signature(std::string_view query, std::pmr::memory_resource& memory);

// Takes the parameters of Version 2 out of a form (application/x-www-form-urlencoded), where query APIs had them; the
// rest moves to the front. Returns how many bytes are left: form.size() where there was no signature.
std::size_t remove_form_signature(std::span<char> form) noexcept;

} // namespace countersign::signer
