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

constexpr std::string_view terminator = "aws4_request";
constexpr std::size_t date_size = 16;
constexpr std::size_t hash_size = 64;
constexpr std::size_t most_signature = most_ecdsa_hex;

// What sign() adds at most: x-amz-date, -security-token, -content-sha256, -region-set, authorization.
constexpr std::size_t most_added = 5;
// X-Amz-Algorithm, -Credential, -Date, -SignedHeaders, -Expires, -Security-Token, -Region-Set.
constexpr std::size_t most_parameters = 7;

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
        const signing_key* key,
        const ecdsa_key* asymmetric_key,
        const options& how,
        std::pmr::memory_resource& memory
    )
        : what_(what), where_(where), who_(who), key_(key), asymmetric_key_(asymmetric_key), how_(how), memory_(memory),
          text_(allocate<char>(memory, bound())) {}

    void begin_string_to_sign(std::chrono::sys_seconds when) noexcept;
    void choose_headers();
    void choose_query();
    void finish();

    instructions into_header();
    instructions into_query();

private:
    bool in_header() const noexcept { return how_.where == placement::header; }
    bool is_v4a() const noexcept { return asymmetric_key_ != nullptr; }
    std::string_view algorithm() const noexcept { return is_v4a() ? sigv4a_algorithm : sigv4_algorithm; }
    bool token_is_signed() const noexcept {
        return !who_.session_token.empty() && how_.token == token_rule::signed_with_the_rest;
    }
    std::size_t bound() const noexcept;
    void add_parameter(std::string_view name, std::string_view value) noexcept;
    void put_algorithm() noexcept;
    std::string_view put_signature() noexcept;
    std::string_view copied(std::string_view text) noexcept;
    std::string_view encoded(std::string_view text) noexcept;
    bool is_exception(std::string_view lower_name, bool by_rule) const noexcept;
    std::string_view names_for_query() noexcept;
    void choose_parameters() noexcept;
    instructions common() const noexcept;

    const request& what_;
    const scope& where_;
    const identity& who_;
    const signing_key* key_;          // exactly one of
    const ecdsa_key* asymmetric_key_; // these two is there
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
    std::array<char, most_signature> signature_;
    std::size_t signature_size_ = hash_size;
};

// Generous where a few bytes do not matter: what counts is that nothing written can be longer.
std::size_t draft::bound() const noexcept {
    std::size_t names = 96; // those that are added
    std::size_t values = where_.region.size();
    for (const header& field : what_.headers) {
        names += field.name.size() + 4;
        values += field.value.size();
    }
    const std::size_t scope_size = 8 + where_.region.size() + where_.service.size() + terminator.size() + 3;
    const std::size_t credential = who_.access_key_id.size() + 1 + scope_size;
    const std::size_t query = query_text_bound(what_.query) + 2 * query_pairs_bound(what_.query);
    std::size_t all = 2 * hash_size + 128 + scope_size;                                 // string to sign
    all += names * 3 + values + canonical_path_bound(what_.path) + what_.method.size(); // canonical request,
    all += 2 * what_.payload_hash.size() + date_size + who_.session_token.size() + 64;  // its added headers
    if (in_header()) {
        all += query * 2 + 128 + credential + names + most_signature + who_.session_token.size();
        all += where_.region.size();
    } else {
        const std::size_t texts = credential + names + who_.session_token.size() + where_.region.size();
        const std::size_t added = 3 * texts + 256;
        all += 2 * query + 3 * added + what_.query.size() + most_signature;
    }
    return all;
}

void draft::begin_string_to_sign(std::chrono::sys_seconds when) noexcept {
    const date_text date(when);
    string_to_sign_start_ = text_.at();
    put_algorithm();
    text_.put('\n');
    const char* const date_start = text_.at();
    text_.put(date.date());
    date_ = text_.since(date_start);
    text_.put('\n');
    const char* const scope_start = text_.at();
    text_.put(date.day());
    text_.put('/');
    if (!is_v4a()) {
        text_.put(where_.region);
        text_.put('/');
    }
    text_.put(where_.service);
    text_.put('/');
    text_.put(terminator);
    credential_scope_ = text_.since(scope_start);
    text_.put('\n');
    hash_place_ = text_.at();
    text_ = pen(hash_place_ + hash_size);
    string_to_sign_ = text_.since(string_to_sign_start_);
}

bool has(std::span<const std::string> names, std::string_view name) noexcept {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// The exceptions are few and rare: a plain search.
bool draft::is_exception(std::string_view lower_name, bool by_rule) const noexcept {
    if (by_rule) {
        return has(how_.never_sign, lower_name) && can_be_left_out(lower_name);
    }
    return has(how_.also_sign, lower_name) && can_be_added(lower_name) && !has(how_.never_sign, lower_name);
}

void draft::choose_headers() {
    header* const chosen = allocate<header>(memory_, what_.headers.size() + most_added);
    header* last = chosen;
    const bool has_exceptions = !how_.also_sign.empty() || !how_.never_sign.empty();
    for (const header& field : what_.headers) {
        pen lower = text_;
        lower.put_lower(field.name);
        const std::string_view name = lower.since(text_.at());
        bool wanted = how_.headers == header_rule::survives_the_hop ? lower_is_signed(name) : !lower_is_skipped(name);
        if (has_exceptions) {
            wanted ^= is_exception(name, wanted);
        }
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
        if (is_v4a()) {
            *last++ = {"x-amz-region-set", where_.region};
        }
        if (token_is_signed()) {
            *last++ = {"x-amz-security-token", who_.session_token};
        }
    }
    signed_ = {chosen, last};
    sort_headers(signed_, memory_);
}

std::string_view draft::copied(std::string_view text) noexcept {
    const char* const start = text_.at();
    text_.put(text);
    return text_.since(start);
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

// Two branches with lengths known to the compiler: a few moves each instead of a call of memcpy.
void draft::put_algorithm() noexcept {
    if (is_v4a()) {
        text_.put(sigv4a_algorithm);
    } else {
        text_.put(sigv4_algorithm);
    }
}

std::string_view draft::put_signature() noexcept {
    const char* const start = text_.at();
    if (is_v4a()) {
        text_.put({signature_.data(), signature_size_});
    } else {
        text_.put({signature_.data(), hash_size});
    }
    return text_.since(start);
}

// In the order in which AWS's own signers write them.
void draft::choose_parameters() noexcept {
    add_parameter("X-Amz-Algorithm", algorithm());
    const char* const credential_start = text_.at();
    text_.put_encoded(who_.access_key_id, unreserved);
    text_.put("%2F");
    text_.put_encoded(credential_scope_, unreserved);
    add_parameter("X-Amz-Credential", text_.since(credential_start));
    add_parameter("X-Amz-Date", date_);
    add_parameter("X-Amz-SignedHeaders", names_for_query());
    if (how_.expires.count() > 0) {
        char* const expires_start = text_.at();
        text_ = pen(std::to_chars(expires_start, expires_start + 20, how_.expires.count()).ptr);
        add_parameter("X-Amz-Expires", text_.since(expires_start));
    }
    if (token_is_signed()) {
        add_parameter("X-Amz-Security-Token", encoded(who_.session_token));
    }
    if (is_v4a()) {
        add_parameter("X-Amz-Region-Set", encoded(where_.region));
    }
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
    choose_parameters();
    query_pair* const pairs = allocate<query_pair>(memory_, room);
    std::copy_n(parameters_.begin(), parameter_count_, pairs);
    query_ = {pairs, parameter_count_ + read_query(what_.query, pairs + parameter_count_, text_)};
    sort_query(query_);
}

void draft::finish() {
    canonical_ =
        put_canonical_request({what_.method, what_.path, how_.path, query_, signed_, what_.payload_hash}, text_);
    write_hex(sha256_of(canonical_.request), hash_place_);
    if (!is_v4a()) {
        write_hex(key_->mac(string_to_sign_), signature_.data());
        return;
    }
    const ecdsa_signature made = asymmetric_key_->sign(string_to_sign_);
    signature_size_ = made.hex().copy(signature_.data(), signature_.size());
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
    put_algorithm();
    text_.put(" Credential=");
    text_.put(who_.access_key_id);
    text_.put('/');
    text_.put(credential_scope_);
    text_.put(", SignedHeaders=");
    text_.put(canonical_.signed_headers);
    text_.put(", Signature=");
    made.signature = put_signature();
    const std::string_view authorization = text_.since(start);

    header* const added = allocate<header>(memory_, most_added);
    header* last = added;
    *last++ = {"X-Amz-Date", date_};
    if (how_.content_sha256_header) {
        *last++ = {"X-Amz-Content-Sha256", canonical_.payload_hash};
    }
    if (!who_.session_token.empty()) {
        // A copy: the credentials may be replaced before the request has been sent.
        *last++ = {"X-Amz-Security-Token", copied(who_.session_token)};
    }
    if (is_v4a()) {
        *last++ = {"X-Amz-Region-Set", copied(where_.region)};
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
    made.signature = put_signature();
    if (!who_.session_token.empty() && !token_is_signed()) {
        text_.put("&X-Amz-Security-Token=");
        text_.put_encoded(who_.session_token, unreserved);
    }
    made.query = text_.since(start);
    return made;
}

instructions run(draft d, std::chrono::sys_seconds when, const options& how) {
    d.begin_string_to_sign(when);
    d.choose_headers();
    d.choose_query();
    d.finish();
    return how.where == placement::header ? d.into_header() : d.into_query();
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
    return run(draft(what, where, who, &key, nullptr, how, memory), when, how);
}

instructions sign(
    const request& what,
    const scope& where,
    const identity& who,
    const ecdsa_key& key,
    std::chrono::sys_seconds when,
    const options& how,
    std::pmr::memory_resource& memory
) {
    return run(draft(what, where, who, nullptr, &key, how, memory), when, how);
}

} // namespace countersign::signer
