#include "proxy/request_writer.hpp"

#include "proxy/rules/action.hpp"
#include "signer/bucket_host.hpp"
#include "signer/date.hpp"
#include "signer/earlier_signature.hpp"
#include "signer/headers.hpp"
#include "signer/sigv4.hpp"
#include "signer/target.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace countersign::proxy {

namespace {

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

// A form posted to a query API, where boto 2 and its like put Signature Version 2.
bool may_hold_signature(std::string_view body, const inbound& in, const plan& p) noexcept {
    return !body.empty() && speaks_query(p.service, p.traits) &&
           std::any_of(in.fields.begin(), in.fields.end(), [](const field& f) {
               return equal_ignoring_case(f.name, "content-type") && is_form(f.value);
           });
}

std::string_view without_form_signature(std::string_view body, body::body_hash& hash) noexcept {
    // The bytes are the client's, in its buffer or in the body's memory, and nobody reads them again as they came.
    char* const bytes = const_cast<char*>(body.data());
    const std::size_t left = signer::remove_form_signature({bytes, body.size()});
    if (left != body.size()) {
        hash.forget();
    }
    return {bytes, left};
}

bool is_removed(const field& f, const plan& p) noexcept {
    return std::any_of(p.remove_headers.begin(), p.remove_headers.end(), [&f](const std::string& name) {
        return equal_ignoring_case(f.name, name);
    });
}

std::span<const field> fields_that_go_on(const inbound& in, const plan& p, std::pmr::memory_resource& memory) {
    const bool is_signed = p.sign != conf::sign_mode::none;
    auto* const out = static_cast<field*>(memory.allocate(in.fields.size() * sizeof(field), alignof(field)));
    std::size_t n = 0;
    for (const field& f : in.fields) {
        if (!f.stays_here && !(is_signed && is_replaced_by_signing(f.id)) && !is_removed(f, p)) {
            new (out + n++) field{f};
        }
    }
    return {out, n};
}

// RFC 9110 8.6: methods that mean something by a body say so even when it is empty.
bool tells_length(const inbound& in) noexcept {
    return in.framing != body_framing::none || in.method == "POST" || in.method == "PUT" || in.method == "PATCH";
}

std::span<const signer::header>
collect_headers(const prepared& p, const plan& where, std::pmr::memory_resource& memory) {
    const std::size_t most = p.fields.size() + where.add_headers.size() + 1;
    auto* const out =
        static_cast<signer::header*>(memory.allocate(most * sizeof(signer::header), alignof(signer::header)));
    std::size_t n = 0;
    out[n++] = {"Host", where.authority};
    for (const field& f : p.fields) {
        out[n++] = {f.name, f.value};
    }
    for (const conf::header_line& h : where.add_headers) {
        out[n++] = {h.name, h.value};
    }
    return {out, n};
}

signer::options options_of(const plan& p, bool add_content_sha256) {
    signer::options how;
    how.where = p.sign == conf::sign_mode::query ? signer::placement::query : signer::placement::header;
    how.path = p.traits.path;
    how.content_sha256_header = add_content_sha256;
    how.also_sign = p.sign_headers;
    how.never_sign = p.unsigned_headers;
    return how;
}

signer::instructions sign(
    const signer::request& what,
    const plan& p,
    const signed_as& with,
    const signer::options& how,
    worker_state& w,
    std::pmr::memory_resource& memory
) {
    const chain::credentials& who = *with.keys->value;
    const auto now = std::chrono::floor<std::chrono::seconds>(w.wall_now());
    const signer::scope where{p.service, with.region};
    const signer::identity name{who.access_key_id, who.session_token.reveal()};
    const std::string_view secret = who.secret_access_key.reveal();
    if (p.sigv4a) {
        const signer::ecdsa_key& key = w.ecdsa_keys.find(who.access_key_id, secret);
        return signer::sign(what, where, name, key, now, how, memory);
    }
    const signer::date_text date{now};
    const signer::signing_key& key = w.keys.find(who.access_key_id, secret, date.day(), where.region, p.service);
    return signer::sign(what, where, name, key, now, how, memory);
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

} // namespace

prepared prepare(
    const received& r,
    const admitted& a,
    std::string_view body,
    body::body_hash& hash,
    std::pmr::memory_resource& memory
) {
    const inbound& in = r.request;
    const plan& where = a.destination->plan;
    prepared p;
    p.fields = fields_that_go_on(in, where, memory);
    p.body = body;
    p.query = in.query;
    p.path = in.path;
    if (a.is_signed()) {
        p.query = signer::wire_query(signer::without_signature(in.query, memory), memory);
        p.path = signer::wire_path(in.path, where.traits.path, memory);
        if (may_hold_signature(body, in, where)) {
            p.body = without_form_signature(body, hash);
        }
    }
    p.path = prefixed(where.path_prefix, p.path, memory);
    p.payload = body::choose_payload({where.traits, where.payload, where.sign, in.claim, p.body.empty()});
    if (a.is_signed()) {
        const bool is_hashed = p.payload != body::payload_plan::unsigned_;
        p.payload_hash = is_hashed ? hash.of(p.body) : std::string_view{"UNSIGNED-PAYLOAD"};
        p.add_content_sha256 = where.traits.content_sha256_header || in.claim != payload_claim::none || !is_hashed;
    }
    return p;
}

std::string_view write_request_head(
    const received& r,
    const admitted& a,
    const prepared& p,
    worker_state& w,
    std::pmr::memory_resource& memory,
    signed_as& with
) {
    const plan& where = a.destination->plan;
    const std::string_view method = r.request.method;
    const std::span<const signer::header> headers = collect_headers(p, where, memory);
    std::span<const signer::header> added;
    std::string_view query = p.query;
    if (a.is_signed()) {
        with.keys = w.identities[a.identity].keys;
        with.region.assign(a.destination->region());
        const signer::request what{method, p.path, p.query, headers, p.payload_hash};
        const signer::instructions how = sign(what, where, with, options_of(where, p.add_content_sha256), w, memory);
        added = how.add;
        query = how.query.empty() ? p.query : how.query;
    }
    char length_text[24];
    const auto length_end = std::to_chars(length_text, length_text + sizeof length_text, p.body.size()).ptr;
    const std::string_view length{length_text, static_cast<std::size_t>(length_end - length_text)};

    constexpr std::size_t fixed = 128; // everything below that is not counted
    const std::size_t size = method.size() + p.path.size() + query.size() + size_of_fields(headers) +
                             size_of_fields(added) + w.shared.via_name.size() + length.size() + fixed;
    appender out{static_cast<char*>(memory.allocate(size, 1))};
    out << method << " " << p.path << (query.empty() ? "" : "?") << query << " HTTP/1.1\r\n";
    append_fields(out, headers);
    out << "Via: 1.1 " << w.shared.via_name << "\r\n";
    if (tells_length(r.request)) {
        out << "Content-Length: " << length << "\r\n";
    }
    append_fields(out, added);
    out << "\r\n";
    return out.written();
}

} // namespace countersign::proxy
