#include "signer/sigv4.hpp"

#include "signer/canonical.hpp"
#include "signer/date.hpp"
#include "signer/headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace countersign::signer {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view terminator = "aws4_request";
constexpr std::size_t date_size = 16;
constexpr std::size_t signature_size = 64;

// What sign() adds at most: x-amz-date, x-amz-security-token, x-amz-content-sha256, authorization.
constexpr std::size_t most_added = 4;
// X-Amz-Algorithm, -Credential, -Date, -Expires, -Security-Token, -SignedHeaders.
constexpr std::size_t most_parameters = 6;

template <class T>
T* allocate(std::pmr::memory_resource& memory, std::size_t count) {
    return static_cast<T*>(memory.allocate(count * sizeof(T), alignof(T)));
}

// A signature on its way. The steps are called in the order in which they stand here; each writes behind the
// one before it into one block of memory.
class draft {
public:
    draft(
        const request& what,
        const scope& where,
        const identity& who,
        const signing_key& key,
        const options& how,
        std::pmr::memory_resource& memory
    )
        : what_(what), where_(where), who_(who), key_(key), how_(how), memory_(memory),
          text_(allocate<char>(memory, bound())) {}

    void begin_string_to_sign(std::chrono::sys_seconds when) noexcept;
    void choose_headers();
    void choose_query();
    void finish() noexcept;

    instructions into_header();
    instructions into_query();

private:
    bool in_header() const noexcept { return how_.where == placement::header; }
    bool token_is_signed() const noexcept {
        return !who_.session_token.empty() && how_.token == token_rule::signed_with_the_rest;
    }
    std::size_t bound() const noexcept;
    void add_parameter(std::string_view name, std::string_view value) noexcept;
    std::string_view encoded(std::string_view text) noexcept;
    std::string_view names_for_query() noexcept;
    void put_credential() noexcept;
    instructions common() const noexcept;

    const request& what_;
    const scope& where_;
    const identity& who_;
    const signing_key& key_;
    const options& how_;
    std::pmr::memory_resource& memory_;
    pen text_;

    std::span<header> signed_;                             // sorted, names in lower case
    std::array<query_pair, most_parameters> parameters_{}; // those of the signature, encoded
    std::size_t parameter_count_ = 0;
    std::span<query_pair> query_; // all, sorted
    canonical_text canonical_;
    const char* string_to_sign_start_ = nullptr;
    char* hash_place_ = nullptr;
    std::string_view date_;
    std::string_view credential_scope_;
    std::string_view string_to_sign_;
    std::array<char, signature_size> signature_;
};

// Generous where a few bytes do not matter: what counts is that nothing written can be longer.
std::size_t draft::bound() const noexcept {
    std::size_t names = 64; // those that are added
    std::size_t values = 0;
    for (const header& field : what_.headers) {
        names += field.name.size() + 4;
        values += field.value.size();
    }
    const std::size_t scope_size = 8 + where_.region.size() + where_.service.size() + terminator.size() + 3;
    const std::size_t credential = who_.access_key_id.size() + 1 + scope_size;
    const std::size_t query = query_text_bound(what_.query) + 2 * query_pairs_bound(what_.query);
    std::size_t all = 2 * signature_size + 128 + scope_size;                            // string to sign
    all += names * 3 + values + canonical_path_bound(what_.path) + what_.method.size(); // canonical request,
    all += 2 * what_.payload_hash.size() + date_size + who_.session_token.size() + 64;  // its added headers
    if (in_header()) {
        all += query * 2 + 128 + credential + names + signature_size + who_.session_token.size();
    } else {
        const std::size_t added = 3 * (credential + names + who_.session_token.size()) + 256;
        all += 2 * query + 3 * added + what_.query.size() + signature_size;
    }
    return all;
}

void draft::begin_string_to_sign(std::chrono::sys_seconds when) noexcept {
    const date_text date(when);
    string_to_sign_start_ = text_.at();
    text_.put(algorithm);
    text_.put('\n');
    const char* const date_start = text_.at();
    text_.put(date.date());
    date_ = text_.since(date_start);
    text_.put('\n');
    const char* const scope_start = text_.at();
    text_.put(date.day());
    text_.put('/');
    text_.put(where_.region);
    text_.put('/');
    text_.put(where_.service);
    text_.put('/');
    text_.put(terminator);
    credential_scope_ = text_.since(scope_start);
    text_.put('\n');
    hash_place_ = text_.at();
    text_ = pen(hash_place_ + signature_size);
    string_to_sign_ = text_.since(string_to_sign_start_);
}

void draft::choose_headers() {
    header* const chosen = allocate<header>(memory_, what_.headers.size() + most_added);
    header* last = chosen;
    for (const header& field : what_.headers) {
        pen lower = text_;
        lower.put_lower(field.name);
        const std::string_view name = lower.since(text_.at());
        const bool wanted =
            how_.headers == header_rule::survives_the_hop ? lower_is_signed(name) : !lower_is_skipped(name);
        if (wanted) {
            *last++ = {name, field.value};
            text_ = lower;
        }
    }
    if (in_header()) {
        if (how_.content_sha256_header) {
            *last++ = {"x-amz-content-sha256", what_.payload_hash};
        }
        *last++ = {"x-amz-date", date_};
        if (token_is_signed()) {
            *last++ = {"x-amz-security-token", who_.session_token};
        }
    }
    signed_ = {chosen, last};
    sort_headers(signed_, memory_);
}

std::string_view draft::encoded(std::string_view text) noexcept {
    const char* const start = text_.at();
    text_.put_encoded(text, unreserved);
    return text_.since(start);
}

void draft::add_parameter(std::string_view name, std::string_view value) noexcept {
    parameters_[parameter_count_++] = {name, value};
}

// host;range → host%3Brange
std::string_view draft::names_for_query() noexcept {
    const char* const start = text_.at();
    for (std::size_t i = 0; i < signed_.size(); ++i) {
        if (i > 0 && signed_[i].name == signed_[i - 1].name) {
            continue;
        }
        if (i > 0) {
            text_.put("%3B");
        }
        text_.put_encoded(signed_[i].name, unreserved);
    }
    return text_.since(start);
}

void draft::choose_query() {
    const std::size_t room = query_pairs_bound(what_.query) + most_parameters;
    if (in_header()) {
        if (!what_.query.empty()) {
            query_pair* const pairs = allocate<query_pair>(memory_, room);
            query_ = {pairs, read_query(what_.query, pairs, text_)};
            sort_query(query_);
        }
        return;
    }
    add_parameter("X-Amz-Algorithm", algorithm);
    const char* const credential_start = text_.at();
    text_.put_encoded(who_.access_key_id, unreserved);
    text_.put("%2F");
    text_.put_encoded(credential_scope_, unreserved);
    add_parameter("X-Amz-Credential", text_.since(credential_start));
    add_parameter("X-Amz-Date", date_);
    char* const expires_start = text_.at();
    text_ = pen(std::to_chars(expires_start, expires_start + 20, how_.expires.count()).ptr);
    add_parameter("X-Amz-Expires", text_.since(expires_start));
    if (token_is_signed()) {
        add_parameter("X-Amz-Security-Token", encoded(who_.session_token));
    }
    add_parameter("X-Amz-SignedHeaders", names_for_query());

    query_pair* const pairs = allocate<query_pair>(memory_, room);
    std::copy_n(parameters_.begin(), parameter_count_, pairs); // these are in order already
    query_ = {pairs, parameter_count_ + read_query(what_.query, pairs + parameter_count_, text_)};
    sort_query(query_);
}

void draft::finish() noexcept {
    canonical_ =
        put_canonical_request({what_.method, what_.path, how_.path, query_, signed_, what_.payload_hash}, text_);
    write_hex(sha256_of(canonical_.request), hash_place_);
    write_hex(key_.mac(string_to_sign_), signature_.data());
}

instructions draft::common() const noexcept {
    instructions made;
    made.canonical_request = canonical_.request;
    made.string_to_sign = string_to_sign_;
    made.credential_scope = credential_scope_;
    made.signed_headers = canonical_.signed_headers;
    return made;
}

instructions draft::into_header() {
    instructions made = common();
    const char* const start = text_.at();
    text_.put(algorithm);
    text_.put(" Credential=");
    text_.put(who_.access_key_id);
    text_.put('/');
    text_.put(credential_scope_);
    text_.put(", SignedHeaders=");
    text_.put(canonical_.signed_headers);
    text_.put(", Signature=");
    const char* const signature_start = text_.at();
    text_.put(std::string_view(signature_.data(), signature_.size()));
    made.signature = text_.since(signature_start);
    const std::string_view authorization = text_.since(start);

    header* const added = allocate<header>(memory_, most_added);
    header* last = added;
    *last++ = {"X-Amz-Date", date_};
    if (how_.content_sha256_header) {
        *last++ = {"X-Amz-Content-Sha256", canonical_.payload_hash};
    }
    if (!who_.session_token.empty()) {
        // A copy: the credentials may be replaced before the request has been sent.
        const char* const token_start = text_.at();
        text_.put(who_.session_token);
        *last++ = {"X-Amz-Security-Token", text_.since(token_start)};
    }
    *last++ = {"Authorization", authorization};
    made.add = {added, last};
    return made;
}

instructions draft::into_query() {
    instructions made = common();
    const char* const start = text_.at();
    text_.put(what_.query);
    bool first = what_.query.empty();
    for (const query_pair& parameter : std::span(parameters_.data(), parameter_count_)) {
        if (!first) {
            text_.put('&');
        }
        first = false;
        text_.put(parameter.name);
        text_.put('=');
        text_.put(parameter.value);
    }
    text_.put("&X-Amz-Signature=");
    const char* const signature_start = text_.at();
    text_.put(std::string_view(signature_.data(), signature_.size()));
    made.signature = text_.since(signature_start);
    if (!who_.session_token.empty() && !token_is_signed()) {
        text_.put("&X-Amz-Security-Token=");
        text_.put_encoded(who_.session_token, unreserved);
    }
    made.query = text_.since(start);
    return made;
}

} // namespace

instructions sign(
    const request& what,
    const scope& where,
    const identity& who,
    const signing_key& key,
    std::chrono::sys_seconds when,
    const options& how,
    std::pmr::memory_resource& memory
) {
    draft d(what, where, who, key, how, memory);
    d.begin_string_to_sign(when);
    d.choose_headers();
    d.choose_query();
    d.finish();
    return how.where == placement::header ? d.into_header() : d.into_query();
}

} // namespace countersign::signer
