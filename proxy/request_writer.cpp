#include "proxy/request_writer.hpp"

#include "proxy/body/chunk_signed.hpp"
#include "proxy/http/hop_by_hop.hpp"
#include "proxy/rules/action.hpp"
#include "proxy/rules/sdk_request.hpp"
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

// What describes the client's aws-chunked coding, or announces trailers: none of it goes on as it came.
bool is_of_coding(const field& f) noexcept {
    return f.id == field_name::content_encoding || f.id == field_name::amz_decoded_length ||
           f.id == field_name::amz_trailer;
}

std::size_t size_of_list(const inbound& in) noexcept {
    std::size_t n = 0;
    for (const field& f : in.fields) {
        n += f.id == field_name::content_encoding ? f.value.size() + 1 : 0;
    }
    return n;
}

// "aws-chunked" and the content's own codings ("gzip"), in order.
std::string_view codings(const inbound& in, bool is_chunked, std::pmr::memory_resource& memory) {
    constexpr std::string_view ours = "aws-chunked";
    appender out{static_cast<char*>(memory.allocate(ours.size() + size_of_list(in) + 1, 1))};
    bool is_first = true;
    const auto add = [&](std::string_view coding) {
        out << (is_first ? "" : ",") << coding;
        is_first = false;
    };
    if (is_chunked) {
        add(ours);
    }
    for (const field& f : in.fields) {
        if (f.id == field_name::content_encoding) {
            for_each_element(f.value, [&](std::string_view coding) {
                if (!equal_ignoring_case(coding, ours)) {
                    add(coding);
                }
            });
        }
    }
    return out.written();
}

std::string_view in_decimal(std::uint64_t n, std::pmr::memory_resource& memory) {
    constexpr std::size_t most = 20;
    char* const text = static_cast<char*>(memory.allocate(most, 1));
    return {text, static_cast<std::size_t>(std::to_chars(text, text + most, n).ptr - text)};
}

// The fields of a request whose body is taken out of one coding, or put into one.
class coded_fields {
public:
    coded_fields(field* out, const inbound& in, std::pmr::memory_resource& memory) noexcept
        : out_(out), in_(in), memory_(memory) {}

    void copy(const field& f) { new (out_ + n_++) field{f}; }
    void add(std::string_view name, std::string_view value) { copy({name, value, identify(name)}); }

    void describe(const prepared& p, const request_content& body) {
        if (const std::string_view left = codings(in_, p.form.has_value(), memory_); !left.empty()) {
            add("Content-Encoding", left);
        }
        if (p.form) {
            add("X-Amz-Decoded-Content-Length", in_decimal(p.content_length, memory_));
            if (signer::has_trailer(*p.form)) {
                add("X-Amz-Trailer", in_.amz_trailer);
            }
        }
        for (const signer::trailer& t : body.trailers) {
            if (!is_there(t.name)) {
                add(t.name, t.value);
            }
        }
    }
    std::size_t size() const noexcept { return n_; }

private:
    bool is_there(std::string_view name) const noexcept {
        return std::any_of(out_, out_ + n_, [&](const field& f) { return equal_ignoring_case(f.name, name); });
    }

    field* out_;
    const inbound& in_;
    std::pmr::memory_resource& memory_;
    std::size_t n_ = 0;
};

std::span<const field> fields_that_go_on(
    const inbound& in,
    const plan& where,
    const prepared& p,
    const request_content& body,
    std::pmr::memory_resource& memory
) {
    constexpr std::size_t most_added = 3;
    const bool is_signed = where.sign != conf::sign_mode::none;
    const bool is_coded = body.choice.takes || p.form || !body.trailers.empty();
    const std::size_t most = in.fields.size() + (is_coded ? most_added + body.trailers.size() : 0);
    auto* const room = static_cast<field*>(memory.allocate(most * sizeof(field), alignof(field)));
    coded_fields out{room, in, memory};
    for (const field& f : in.fields) {
        const bool is_replaced = (is_signed && is_replaced_by_signing(f.id)) || (is_coded && is_of_coding(f));
        if (!f.stays_here && !is_replaced && !is_removed(f, where)) {
            out.copy(f);
        }
    }
    if (is_coded) {
        out.describe(p, body);
    }
    return {room, out.size()};
}

// A body that is kept has its trailers in the head.
std::optional<signer::chunk_form> form_of(const request_content& body) noexcept {
    const auto& form = body.choice.sends;
    return form == signer::chunk_form::signed_v4_trailer && !body.choice.is_streamed ? signer::chunk_form::signed_v4
                                                                                     : form;
}

std::string_view hash_of(const prepared& p, const inbound& in, body::body_hash& hash) noexcept {
    if (p.form) {
        return signer::payload_hash_of(*p.form);
    }
    switch (p.payload) {
    case body::payload_plan::unsigned_:
        return "UNSIGNED-PAYLOAD";
    case body::payload_plan::given_hash:
        return p.stream ? in.content_sha256 : hash.of(p.body);
    case body::payload_plan::spilled:
        return hash.known();
    default:
        return hash.of(p.body);
    }
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
        const bool is_counted = !p.sdk_request.empty() && is_sdk_request(f);
        out[n++] = {f.name, is_counted ? p.sdk_request : f.value};
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
    std::chrono::sys_seconds now,
    const signer::options& how,
    worker_state& w,
    std::pmr::memory_resource& memory
) {
    const chain::credentials& who = *with.keys->value;
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

std::uint64_t wire_length(const prepared& p, const inbound& in) noexcept {
    if (!p.form) {
        return p.content_length;
    }
    const auto sum = body::announced_sum(in);
    const signer::trailer_shape last = sum ? signer::shape_of(*sum) : signer::trailer_shape{};
    const std::size_t count = signer::has_trailer(*p.form) ? 1 : 0;
    return signer::encoded_length(p.content_length, body::chunk_size, *p.form, std::span{&last, count}).value_or(0);
}

// For the body behind a head that was signed so.
std::optional<signer::chunk_encoder> chunks_of(
    const prepared& p,
    const plan& where,
    const signed_as& with,
    const signer::instructions& how,
    std::chrono::sys_seconds now,
    worker_state& w
) {
    if (!p.form) {
        return std::nullopt;
    }
    if (*p.form == signer::chunk_form::unsigned_trailer) {
        return signer::chunk_encoder{std::nullopt, body::chunk_size};
    }
    const chain::credentials& who = *with.keys->value;
    const signer::date_text date{now};
    const signer::signing_key& key =
        w.keys.find(who.access_key_id, who.secret_access_key.reveal(), date.day(), with.region, where.service);
    const signer::chunk_context context{date.date(), how.credential_scope, how.signature};
    return signer::chunk_encoder{*p.form, signer::chunk_signer{key, context}, std::nullopt, body::chunk_size};
}

} // namespace

prepared prepare(
    const received& r,
    const admitted& a,
    const request_content& body,
    body::body_hash& hash,
    std::pmr::memory_resource& memory
) {
    const inbound& in = r.request;
    const plan& where = a.destination->plan;
    prepared p;
    p.body = body.bytes;
    p.stream = body.stream;
    p.payload = body.choice.plan;
    p.form = form_of(body);
    p.is_invited = body.choice.is_streamed;
    p.query = in.query;
    p.path = in.path;
    if (a.is_signed()) {
        p.query = signer::wire_query(signer::without_signature(in.query, memory), memory);
        p.path = signer::wire_path(in.path, where.traits.path, memory);
        if (may_hold_signature(p.body, in, where)) {
            p.body = without_form_signature(p.body, hash);
        }
    }
    p.path = prefixed(where.path_prefix, p.path, memory);
    p.content_length = p.stream ? body.length : p.body.size();
    p.fields = fields_that_go_on(in, where, p, body, memory);
    if (a.is_signed()) {
        const bool is_hashed = p.payload != body::payload_plan::unsigned_ && !p.form;
        p.payload_hash = hash_of(p, in, hash);
        p.add_content_sha256 = where.traits.content_sha256_header || in.claim != payload_claim::none || !is_hashed;
    }
    return p;
}

written_head write_request_head(
    const received& r,
    const admitted& a,
    const prepared& p,
    worker_state& w,
    std::pmr::memory_resource& memory,
    signed_as& with
) {
    const plan& where = a.destination->plan;
    const std::string_view method = r.request.method;
    written_head made;
    const std::span<const signer::header> headers = collect_headers(p, where, memory);
    std::span<const signer::header> added;
    std::string_view query = p.query;
    if (a.is_signed()) {
        with.keys = w.identities[a.identity].keys;
        with.region.assign(a.destination->region());
        with.clock_offset = a.destination->clock_offset;
        const signer::request what{method, p.path, p.query, headers, p.payload_hash};
        const auto now = std::chrono::floor<std::chrono::seconds>(w.wall_now()) + with.clock_offset;
        const signer::instructions how =
            sign(what, where, with, now, options_of(where, p.add_content_sha256), w, memory);
        made.chunks = chunks_of(p, where, with, how, now, w);
        added = how.add;
        query = how.query.empty() ? p.query : how.query;
    }
    const std::string_view length = in_decimal(wire_length(p, r.request), memory);
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
    if (p.is_invited) {
        out << "Expect: 100-continue\r\n";
    }
    append_fields(out, added);
    out << "\r\n";
    made.text = out.written();
    return made;
}

} // namespace countersign::proxy
