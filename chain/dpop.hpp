// Proof that who asks has the key that a token was given to (RFC 9449, DPoP), as `aws login` wants it: a JWT signed
// with ES256 (RFC 7518 section 3.4). It must never let the key into a text. Pure but for OpenSSL's random numbers;
// any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace countersign::chain {

// A proof for one POST to `url`. `pem` is a P-256 private key without a password (SEC1 or PKCS #8); `id` is new for
// each proof. REQUIRES: `url` is an address that read_url took and `id` a UUID: neither needs escapes in JSON. A
// failure: the key is none, or there is no `id`.
result<secret>
dpop_proof(std::string_view pem, std::string_view url, std::string_view id, std::chrono::system_clock::time_point now);

// A random UUID, version 4 (RFC 9562 section 5.4); "" when there is no randomness to be had.
std::string random_uuid();

} // namespace countersign::chain
