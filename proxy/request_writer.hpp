// The request as it goes out: target and payload hash once per request, the signed head once per attempt. The bytes of
// the client's head are never copied over; a new head is written from what was understood of it.
#pragma once

#include "proxy/exchange.hpp"
#include "proxy/http/refusal.hpp"

#include <optional>
#include <string_view>

namespace countersign::proxy {

class worker;

// Before the body is read: can this path, and a body of this kind and size, be signed for? A refusal when not.
// REQUIRES: x.destination.
std::optional<refusal> check_request(const exchange& x, const conf::config& c);

// Before the body is read, where AWS itself is signed for: a header that the signature covers must be ASCII. S3 and
// others read other bytes as Latin-1 and check the signature over the UTF-8 form of that, so the client would be told
// SignatureDoesNotMatch. Servers that a route names decide for themselves.
std::optional<refusal> check_signed_text(const exchange& x);

// H(x.body) in hex; computed once.
std::string_view hash_body(exchange& x) noexcept;

// Fills x.path, x.query, x.payload_hash and takes the fields off that signing replaces. REQUIRES: x.destination and x.body.
// Called again where x.destination has changed: fields that one route takes off stay off.
void prepare(exchange& x);

// The head, signed as of now with the worker's present credentials. The bytes lie in x.attempt_memory().
// REQUIRES: prepare(x); credentials that are not expired where the plan says to sign.
std::string_view write_request_head(exchange& x, worker& w);

} // namespace countersign::proxy
