// Uploads to the sandbox's S3 as clients send them: takes the aws-chunked coding off (signer/aws_chunked.hpp), checking
// each chunk's signature, the length and the checksum on the way, and checks the checksums that the head names. Pure;
// any thread. Throws only where OpenSSL fails.
#pragma once

#include "proxy/sandbox/error.hpp"
#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/message.hpp"

#include <optional>

namespace countersign::proxy::sandbox {

// Makes `ask` what it would be with its content sent in one piece; leaves one that is not coded alone. S3's own error
// where something is wrong. REQUIRES: `who` signed it, and that signature was verified.
std::optional<service_error> take_off_chunks(request& ask, const identity& who);

// BadDigest, where an x-amz-checksum-… of the head is not that of the body.
std::optional<service_error> wrong_checksum(const request& ask);

} // namespace countersign::proxy::sandbox
