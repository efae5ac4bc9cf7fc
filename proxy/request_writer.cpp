#include "proxy/request_writer.hpp"

#include "proxy/rules/action.hpp"
#include "proxy/worker.hpp"
#include "signer/bucket_host.hpp"
#include "signer/date.hpp"
#include "signer/earlier_signature.hpp"
#include "signer/headers.hpp"
#include "signer/sigv4.hpp"
#include "signer/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace countersign::proxy {

namespace {

constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

// Writes into memory whose size was computed before.
class appender {
public:
    explicit appender(char* at) noexcept : begin_(at), at_(at) {}
    appender& operator<<(std::string_view text) noexcept {
        at_ += text.copy(at_, text.size());
        return *this;
    }
    std::string_view written() const noexcept { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }

private:
    char* begin_;
    char* at_;
};

// UNSIGNED-PAYLOAD is S3's own; elsewhere a body is always hashed.
bool leaves_payload_unsigned(const exchange& x) noexcept {
    const plan& p = x.destination->plan;
    if (p.traits.payload_unsigned || p.payload == conf::payload_mode::unsigned_body) {
        return true;
    }
    const bool s3 = p.traits.path == signer::path_rule::s3;
    return s3 && p.payload == conf::payload_mode::automatic &&
           (x.request.claim == payload_claim::unsigned_payload || p.sign == conf::sign_mode::query);
}

void hash_payload(exchange& x) noexcept {
    if (leaves_payload_unsigned(x)) {
        x.payload_hash = unsigned_payload;
        x.payload_plan = "unsigned";
    } else {
        x.payload_hash = hash_body(x);
    }
    x.add_content_sha256 = x.destination->plan.traits.content_sha256_header || x.request.claim != payload_claim::none ||
                           x.payload_hash == unsigned_payload;
}

bool is_replaced_by_signing(field_name id) noexcept {
    return id == field_name::authorization || id == field_name::amz_owned || id == field_name::amz_content_sha256;
}

// A form posted to a query API, where boto 2 and its like put Signature Version 2.
bool may_hold_signature(const exchange& x) noexcept {
    return !x.body.empty() && speaks_query(x.destination->plan.service, x.destination->plan.traits) &&
           std::any_of(x.request.fields.begin(), x.request.fields.end(), [](const field& f) {
               return equal_ignoring_case(f.name, "content-type") && is_form(f.value);
           });
}

void remove_body_signature(exchange& x) noexcept {
    // The bytes are the session's, in its block or in x.body_room, and nobody reads them again as they came.
    char* const bytes = const_cast<char*>(x.body.data());
    const std::size_t left = signer::remove_form_signature({bytes, x.body.size()});
    x.is_hashed = x.is_hashed && left == x.body.size();
    x.body = {bytes, left};
}

bool is_ascii(std::string_view text) noexcept {
    unsigned char seen = 0;
    for (const char c : text) {
        seen |= static_cast<unsigned char>(c);
    }
    return seen < 0x80;
}

bool is_among(std::span<const std::string> names, std::string_view name) noexcept {
    return std::any_of(names.begin(), names.end(), [name](const std::string& n) {
        return equal_ignoring_case(n, name);
    });
}

// Will the signature be over this field of the client's?
bool is_covered(const field& f, const plan& p) noexcept {
    const bool goes_on = !f.hop && !is_replaced_by_signing(f.id) && !is_among(p.remove_headers, f.name);
    return goes_on && !is_among(p.unsigned_headers, f.name) &&
           (signer::is_signed(f.name) || is_among(p.sign_headers, f.name));
}

// RFC 9110 8.6: methods that mean something by a body say so even when it is empty.
bool tells_length(const inbound& in) noexcept {
    return in.framing != body_framing::none || in.method == "POST" || in.method == "PUT" || in.method == "PATCH";
}

std::span<const signer::header> collect_headers(exchange& x) {
    auto* const out = static_cast<signer::header*>(x.attempt_memory().allocate(
        (x.request.fields.size() + x.destination->plan.add_headers.size() + 1) * sizeof(signer::header),
        alignof(signer::header)
    ));
    std::size_t n = 0;
    out[n++] = {"Host", x.destination->plan.authority};
    for (const field& f : x.request.fields) {
        if (!f.hop) {
            out[n++] = {f.name, f.value};
        }
    }
    for (const conf::header_line& h : x.destination->plan.add_headers) {
        out[n++] = {h.name, h.value};
    }
    return {out, n};
}

signer::instructions sign(exchange& x, worker& w, std::span<const signer::header> headers) {
    const plan& p = x.destination->plan;
    x.signed_with.keys = w.identities[x.identity].keys;
    x.signed_with.region.assign(x.destination->region());
    const chain::credentials& who = *x.signed_with.keys->value;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const signer::request what{x.request.method, x.path, x.query, headers, x.payload_hash};
    signer::options how;
    how.where = p.sign == conf::sign_mode::query ? signer::placement::query : signer::placement::header;
    how.path = p.traits.path;
    how.content_sha256_header = x.add_content_sha256;
    how.also_sign = p.sign_headers;
    how.never_sign = p.unsigned_headers;
    const signer::scope where{p.service, x.signed_with.region};
    const signer::identity name{who.access_key_id, who.session_token.reveal()};
    const std::string_view secret = who.secret_access_key.reveal();
    if (p.sigv4a) {
        const signer::ecdsa_key& key = w.ecdsa_keys.find(who.access_key_id, secret);
        return signer::sign(what, where, name, key, now, how, x.attempt_memory());
    }
    const signer::date_text date{now};
    const signer::signing_key& key = w.keys.find(who.access_key_id, secret, date.day(), where.region, p.service);
    return signer::sign(what, where, name, key, now, how, x.attempt_memory());
}

// "/my.bucket" in front of "//key".
std::string_view prefixed(std::string_view prefix, std::string_view path, std::pmr::memory_resource& memory) {
    if (prefix.empty()) {
        return path;
    }
    appender out{static_cast<char*>(memory.allocate(prefix.size() + path.size(), 1))};
    out << prefix << path;
    return out.written();
}

std::size_t size_of_fields(std::span<const signer::header> headers) noexcept {
    std::size_t n = 0;
    for (const signer::header& h : headers) {
        n += h.name.size() + h.value.size() + 4;
    }
    return n;
}

void append_fields(appender& out, std::span<const signer::header> headers) noexcept {
    for (const signer::header& h : headers) {
        out << h.name << ": " << h.value << "\r\n";
    }
}

// S3 takes dots in a path literally. Behind a bucket in the path "/../other/key" would be another bucket's to whoever
// does not, so it must not leave the one that policy and routes were asked about.
std::optional<refusal> check_path(const exchange& x) {
    if (x.destination->plan.path_prefix.empty() || !signer::leaves_bucket(x.request.path)) {
        return std::nullopt;
    }
    return refusal{
        400,
        "ambiguous-path",
        "The path has \"..\" segments that lead out of the bucket, and the bucket's name has to be sent in the path: "
        "no "
        "certificate covers it as a part of the host's."};
}

std::optional<refusal> check_payload(const exchange& x, const conf::config& c) {
    if (x.request.framing == body_framing::length && x.request.content_length > c.payload.memory_limit) {
        return refusal{
            413,
            "body-too-large",
            fmt::format(
                "The request body has {} bytes, payload.memory_limit is {}. Raise it, or send less.",
                x.request.content_length,
                c.payload.memory_limit
            )};
    }
    if (x.request.claim == payload_claim::streaming && x.destination->plan.sign != conf::sign_mode::none) {
        return refusal{
            501,
            "aws-chunked-not-available",
            "Bodies in aws-chunked coding cannot be signed again in this version. Send the body as it is: SDKs do with "
            "AWS_REQUEST_CHECKSUM_CALCULATION=when_required, and payload signing off."};
    }
    return std::nullopt;
}

} // namespace

std::optional<refusal> check_request(const exchange& x, const conf::config& c) {
    auto no = check_path(x);
    return no ? no : check_payload(x, c);
}

std::optional<refusal> check_signed_text(const exchange& x) {
    constexpr std::size_t longest_name = 64;
    if (!x.destination->plan.public_only) { // another server than AWS's, which may well take them
        return std::nullopt;
    }
    for (const field& f : x.request.fields) {
        if (!is_ascii(f.value) && is_covered(f, x.destination->plan)) {
            return refusal{
                400,
                "non-ascii-header",
                fmt::format(
                    "The value of the header {} is not ASCII, which AWS allows in no header that is signed. Encode it, "
                    "by RFC 2047, Base64 or with percent signs, and decode it where it is read.",
                    f.name.substr(0, longest_name)
                )};
        }
    }
    return std::nullopt;
}

std::string_view hash_body(exchange& x) noexcept {
    if (x.body.empty()) {
        return signer::empty_hash;
    }
    if (!x.is_hashed) {
        signer::write_hex(signer::sha256_of(x.body), x.hash_text.data());
        x.is_hashed = true;
    }
    return {x.hash_text.data(), x.hash_text.size()};
}

void prepare(exchange& x) {
    const plan& p = x.destination->plan;
    x.path = prefixed(p.path_prefix, x.request.path, x.request_memory());
    x.query = x.request.query;
    x.payload_plan = x.body.empty() ? "none" : "memory";
    for (const std::string& name : p.remove_headers) {
        for (field& f : x.request.fields) {
            f.hop = f.hop || equal_ignoring_case(f.name, name);
        }
    }
    if (p.sign == conf::sign_mode::none) {
        return;
    }
    x.query = signer::wire_query(signer::without_signature(x.request.query, x.request_memory()), x.request_memory());
    const std::string_view path = signer::wire_path(x.request.path, p.traits.path, x.request_memory());
    x.path = prefixed(p.path_prefix, path, x.request_memory());
    for (field& f : x.request.fields) {
        f.hop = f.hop || is_replaced_by_signing(f.id);
    }
    if (may_hold_signature(x)) {
        remove_body_signature(x);
    }
    hash_payload(x);
}

std::string_view write_request_head(exchange& x, worker& w) {
    x.begin_attempt();
    const std::span<const signer::header> headers = collect_headers(x);
    std::span<const signer::header> added;
    std::string_view query = x.query;
    if (x.destination->plan.sign != conf::sign_mode::none) {
        const signer::instructions how = sign(x, w, headers);
        added = how.add;
        query = how.query.empty() ? x.query : how.query;
    }
    char length_text[24];
    const auto length_end = std::to_chars(length_text, length_text + sizeof length_text, x.body.size()).ptr;
    const std::string_view length{length_text, static_cast<std::size_t>(length_end - length_text)};

    constexpr std::size_t fixed = 128; // everything below that is not counted
    const std::size_t size = x.request.method.size() + x.path.size() + query.size() + size_of_fields(headers) +
                             size_of_fields(added) + w.shared.via_name.size() + length.size() + fixed;
    appender out{static_cast<char*>(x.attempt_memory().allocate(size, 1))};
    out << x.request.method << " " << x.path << (query.empty() ? "" : "?") << query << " HTTP/1.1\r\n";
    append_fields(out, headers);
    out << "Via: 1.1 " << w.shared.via_name << "\r\n";
    if (tells_length(x.request)) {
        out << "Content-Length: " << length << "\r\n";
    }
    append_fields(out, added);
    out << "\r\n";
    return out.written();
}

} // namespace countersign::proxy
