#include "proxy/body/payload.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace countersign::proxy::body {

namespace {

bool is_s3(const payload_question& q) noexcept {
    return q.traits.path == signer::path_rule::s3;
}

// UNSIGNED-PAYLOAD is S3's own; elsewhere a body is always hashed.
bool is_left_unsigned(const payload_question& q) noexcept {
    if (q.traits.payload_unsigned || q.mode == conf::payload_mode::unsigned_body) {
        return true;
    }
    return is_s3(q) && q.mode != conf::payload_mode::signed_body &&
           (q.in.claim == payload_claim::unsigned_payload || q.sign == conf::sign_mode::query);
}

// S3 takes the coding for uploads of objects and parts, all of them PUT. A key for SigV4A may leave its cache before
// a long upload ends.
bool can_be_chunked(const payload_question& q) noexcept {
    return is_s3(q) && q.sign == conf::sign_mode::header && !q.is_sigv4a && q.in.method == "PUT" &&
           q.mode != conf::payload_mode::signed_body;
}

payload_plan plan_of(const payload_question& q) noexcept {
    if (q.sign != conf::sign_mode::none && is_left_unsigned(q)) {
        return payload_plan::unsigned_;
    }
    if (q.sign != conf::sign_mode::none && q.in.claim == payload_claim::hash) {
        return payload_plan::given_hash;
    }
    return payload_plan::memory;
}

// The trailers of a streamed body must be known in advance for the length of what we send.
bool are_trailers_known(const payload_question& q) noexcept {
    return q.in.amz_trailer.empty() || announced_sum(q.in);
}

// In which coding it goes on as it comes, if it can.
bool choose_stream(const payload_question& q, payload_choice& c) noexcept {
    switch (c.plan) {
    case payload_plan::given_hash:
        return true;
    case payload_plan::unsigned_:
        if (!q.in.amz_trailer.empty() && c.takes) {
            c.sends = signer::chunk_form::unsigned_trailer;
            return q.sign == conf::sign_mode::header && is_s3(q) && are_trailers_known(q);
        }
        return true;
    case payload_plan::memory:
        if (q.sign == conf::sign_mode::none) {
            return true;
        }
        if (!can_be_chunked(q) || !are_trailers_known(q)) {
            return false;
        }
        c.plan = payload_plan::chunked;
        c.sends = c.takes && !q.in.amz_trailer.empty() ? signer::chunk_form::signed_v4_trailer
                                                       : signer::chunk_form::signed_v4;
        return true;
    default:
        return false;
    }
}

refusal too_large(std::uint64_t length, const conf::payload_settings& limits) {
    return {
        413,
        "body-too-large",
        fmt::format(
            "The request body has {} bytes, payload.spill_limit is {}. Raise it, or send less.",
            length,
            std::max(limits.spill_limit, limits.memory_limit)
        )};
}

refusal unknown_form() {
    return {
        400,
        "unknown-payload-form",
        "X-Amz-Content-Sha256 names a STREAMING- form that is not known: send the body as it is, or in one of AWS's "
        "forms."};
}

} // namespace

std::string_view to_string(payload_plan p) noexcept {
    switch (p) {
    case payload_plan::none:
        return "none";
    case payload_plan::given_hash:
        return "given-hash";
    case payload_plan::memory:
        return "memory";
    case payload_plan::chunked:
        return "chunked";
    case payload_plan::spilled:
        return "spilled";
    case payload_plan::unsigned_:
        return "unsigned";
    }
    return "";
}

std::variant<payload_choice, refusal>
choose_payload(const payload_question& q, const conf::payload_settings& limits, std::uint64_t in_use) {
    payload_choice c;
    c.memory = limits.memory_limit;
    if (q.sign != conf::sign_mode::none && q.in.claim == payload_claim::streaming) {
        c.takes = signer::chunk_form_of(q.in.content_sha256);
        if (!c.takes) {
            return unknown_form();
        }
    }
    const auto length = content_length_of(q.in, c.takes.has_value());
    c.plan = plan_of(q);
    if (q.in.framing == body_framing::none || (length == 0 && !c.takes)) {
        c.plan = c.plan == payload_plan::memory ? payload_plan::none : c.plan;
        return c;
    }
    payload_choice streamed = c;
    const bool can_stream = length && !q.is_wanted_whole && choose_stream(q, streamed);
    if (can_stream) {
        const std::uint64_t kept = std::max(limits.memory_limit, limits.replay_limit);
        if (*length > kept || in_use + *length > limits.memory_total) {
            streamed.is_streamed = true;
            return streamed;
        }
        c.memory = kept;
        if (q.mode == conf::payload_mode::streaming) {
            streamed.memory = kept;
            return streamed;
        }
    }
    if (length && *length > std::max(limits.spill_limit, c.memory)) {
        return too_large(*length, limits);
    }
    return c;
}

std::optional<std::uint64_t> content_length_of(const inbound& in, bool is_decoded) noexcept {
    if (is_decoded) {
        return in.decoded_length;
    }
    return in.framing == body_framing::length ? std::optional{in.content_length} : std::nullopt;
}

std::optional<signer::checksum_kind> announced_sum(const inbound& in) noexcept {
    return signer::checksum_of_header(in.amz_trailer);
}

std::string_view body_hash::of(std::string_view body) noexcept {
    if (body.empty()) {
        return signer::empty_hash;
    }
    if (!is_known_) {
        set(signer::sha256_of(body));
    }
    return known();
}

void body_hash::set(const signer::digest& known) noexcept {
    signer::write_hex(known, text_.data());
    is_known_ = true;
}

} // namespace countersign::proxy::body
