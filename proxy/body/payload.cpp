#include "proxy/body/payload.hpp"

#include "signer/sha256.hpp"

#include <fmt/format.h>

namespace countersign::proxy::body {

namespace {

// UNSIGNED-PAYLOAD is S3's own; elsewhere a body is always hashed.
bool is_left_unsigned(const payload_question& q) noexcept {
    if (q.traits.payload_unsigned || q.mode == conf::payload_mode::unsigned_body) {
        return true;
    }
    const bool s3 = q.traits.path == signer::path_rule::s3;
    return s3 && q.mode == conf::payload_mode::automatic &&
           (q.claim == payload_claim::unsigned_payload || q.sign == conf::sign_mode::query);
}

} // namespace

std::string_view to_string(payload_plan p) noexcept {
    switch (p) {
    case payload_plan::none:
        return "none";
    case payload_plan::memory:
        return "memory";
    case payload_plan::unsigned_:
        return "unsigned";
    }
    return "";
}

payload_plan choose_payload(const payload_question& q) noexcept {
    if (q.sign != conf::sign_mode::none && is_left_unsigned(q)) {
        return payload_plan::unsigned_;
    }
    return q.is_empty ? payload_plan::none : payload_plan::memory;
}

std::optional<refusal> check_payload(const inbound& in, conf::sign_mode sign, const conf::payload_settings& limits) {
    if (in.framing == body_framing::length && in.content_length > limits.memory_limit) {
        return refusal{
            413,
            "body-too-large",
            fmt::format(
                "The request body has {} bytes, payload.memory_limit is {}. Raise it, or send less.",
                in.content_length,
                limits.memory_limit
            )};
    }
    if (in.claim == payload_claim::streaming && sign != conf::sign_mode::none) {
        return refusal{
            501,
            "aws-chunked-not-available",
            "Bodies in aws-chunked coding cannot be signed again in this version. Send the body as it is: SDKs do with "
            "AWS_REQUEST_CHECKSUM_CALCULATION=when_required, and payload signing off."};
    }
    return std::nullopt;
}

std::string_view body_hash::of(std::string_view body) noexcept {
    if (body.empty()) {
        return signer::empty_hash;
    }
    if (!is_known_) {
        signer::write_hex(signer::sha256_of(body), text_.data());
        is_known_ = true;
    }
    return {text_.data(), text_.size()};
}

} // namespace countersign::proxy::body
