#include "proxy/sandbox/upload.hpp"

#include "signer/checksum.hpp"
#include "signer/chunk_decoder.hpp"
#include "signer/claim.hpp"
#include "signer/key.hpp"
#include "signer/sigv4a.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::proxy::sandbox {

namespace {

constexpr std::string_view coding_name = "aws-chunked";

// "a, b,c" → a b c
std::vector<std::string_view> elements_of(std::string_view list) {
    std::vector<std::string_view> all;
    while (!list.empty()) {
        std::string_view one = list.substr(0, list.find(','));
        list.remove_prefix(std::min(one.size() + 1, list.size()));
        one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
        one = one.substr(0, one.find_last_not_of(" \t") + 1);
        if (!one.empty()) {
            all.push_back(one);
        }
    }
    return all;
}

// A header, or the parameter of a presigned URL.
std::string said_hash(const request& ask) {
    const std::string_view header = ask.header("x-amz-content-sha256");
    return header.empty() ? find_value(parse_form(ask.query), "X-Amz-Content-Sha256").value_or("")
                          : std::string(header);
}

bool says_coding(const request& ask) {
    for (const std::string_view one : elements_of(ask.header("content-encoding"))) {
        if (equals_any_case(one, coding_name)) {
            return true;
        }
    }
    return false;
}

std::optional<std::uint64_t> length_of(std::string_view text) noexcept {
    std::uint64_t length = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, length);
    return error == std::errc{} && stop == end ? std::optional(length) : std::nullopt;
}

std::optional<signer::checksum_kind> announced_sum(const request& ask) {
    for (const std::string_view name : elements_of(ask.header("x-amz-trailer"))) {
        if (const auto kind = signer::checksum_of_header(name)) {
            return kind;
        }
    }
    return std::nullopt;
}

signer::claim claim_of(const request& ask) {
    std::vector<signer::header> headers;
    for (const field& f : ask.headers) {
        headers.push_back({f.name, f.value});
    }
    signer::claim said;
    signer::read_claim({ask.method, ask.path, ask.query, headers, {}}, said); // it was read before, without objection
    return said;
}

// `public_key` is made for SigV4A, and has to outlive the decoder.
signer::chunk_decoder decoder_of(
    const signer::chunk_rules& rules,
    const signer::claim& said,
    const identity& who,
    std::optional<signer::ecdsa_public_key>& public_key
) {
    if (rules.form == signer::chunk_form::unsigned_trailer) {
        return signer::chunk_decoder(rules);
    }
    const std::string scope = signer::scope_text(said);
    const signer::chunk_context context{said.date, scope, said.signature};
    if (said.asymmetric) {
        public_key = signer::ecdsa_key::derive(who.access_key_id, who.secret_access_key).public_key();
        return {rules, signer::chunk_verifier(*public_key, context)};
    }
    const auto key = signer::signing_key::derive(who.secret_access_key, said.day, said.region, said.service);
    return {rules, signer::chunk_verifier(key, context)};
}

service_error bad_digest(const std::string& where) {
    return {400, "BadDigest", "The checksum you specified did not match the calculated checksum." + where};
}

service_error explain(const signer::chunk_error& what) {
    const std::string where = fmt::format(" (sandbox: {}, byte {} of the coded body)", what.reason, what.position);
    if (what.reason.ends_with("signature does not match")) {
        return {
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing "
            "method." +
                where};
    }
    if (what.reason == "the checksum does not match") {
        return bad_digest(where);
    }
    if (what.reason.find("trailer") != std::string_view::npos) {
        return {
            400,
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema." +
                where};
    }
    return {
        400,
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header" + where};
}

std::optional<service_error> decode(signer::chunk_decoder& decoder, std::string_view coded, std::string& content) {
    using step = signer::chunk_decoder::step;
    std::string_view piece;
    step last = step::more;
    do {
        last = decoder.next(coded, piece);
        if (last == step::content) {
            content += piece;
        }
    } while (last != step::broken && !coded.empty());
    if (last == step::broken || decoder.finish() == step::broken) {
        return explain(decoder.error());
    }
    return std::nullopt;
}

// Each trailer that the head announces has come.
std::optional<service_error> missing_trailer(const request& ask, const signer::chunk_decoder& decoder) {
    for (const std::string_view name : elements_of(ask.header("x-amz-trailer"))) {
        bool has_come = false;
        for (std::size_t i = 0; i < decoder.trailer_count(); ++i) {
            has_come = has_come || equals_any_case(decoder.trailer_at(i).name, name);
        }
        if (!has_come) {
            return explain({0, "a trailer that x-amz-trailer names is missing"});
        }
    }
    return std::nullopt;
}

// aws-chunked,gzip → gzip; the field goes where nothing is left.
void drop_coding(request& ask) {
    std::vector<field> kept;
    for (field& f : ask.headers) {
        if (!equals_any_case(f.name, "content-encoding")) {
            kept.push_back(std::move(f));
            continue;
        }
        std::string left;
        for (const std::string_view one : elements_of(f.value)) {
            if (!equals_any_case(one, coding_name)) {
                left.append(left.empty() ? "" : ",").append(one);
            }
        }
        if (!left.empty()) {
            kept.push_back({std::move(f.name), std::move(left)});
        }
    }
    ask.headers = std::move(kept);
}

} // namespace

std::optional<service_error> take_off_chunks(request& ask, const identity& who) {
    const std::string hash = said_hash(ask);
    const auto form = signer::chunk_form_of(hash);
    if (!form) {
        if (hash.starts_with("STREAMING-") || says_coding(ask)) {
            return service_error{
                501,
                "NotImplemented",
                "The sandbox's S3 takes aws-chunked bodies only where X-Amz-Content-Sha256 names one of S3's forms."};
        }
        return std::nullopt;
    }
    const auto length = length_of(ask.header("x-amz-decoded-content-length"));
    if (!length) {
        return service_error{
            411, "MissingContentLength", "You must provide the Content-Length HTTP header. (sandbox: the decoded one)"};
    }
    const signer::chunk_rules rules{*form, *length, signer::has_trailer(*form) ? announced_sum(ask) : std::nullopt};
    std::optional<signer::ecdsa_public_key> public_key;
    signer::chunk_decoder decoder = decoder_of(rules, claim_of(ask), who, public_key);
    std::string content;
    if (auto wrong = decode(decoder, ask.body, content)) {
        return wrong;
    }
    if (signer::has_trailer(*form)) {
        if (auto wrong = missing_trailer(ask, decoder)) {
            return wrong;
        }
    }
    ask.body = std::move(content);
    drop_coding(ask);
    return std::nullopt;
}

std::optional<service_error> wrong_checksum(const request& ask) {
    for (const field& f : ask.headers) {
        const auto kind = signer::checksum_of_header(f.name);
        if (!kind) {
            continue;
        }
        signer::checksum sum(*kind);
        sum.update(ask.body);
        if (sum.value().view() != f.value) {
            return bad_digest(fmt::format(" (sandbox: {})", f.name));
        }
    }
    return std::nullopt;
}

} // namespace countersign::proxy::sandbox
