#include "signer/claim.hpp"

#include "signer/canonical.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace countersign::signer {
namespace {

using std::chrono::seconds;

constexpr seconds longest_expiry{604800};
constexpr std::ptrdiff_t most_signed_headers = 256; // a claim's memory; no server takes as many fields

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

// RFC 9110 5.6.2. What is none could hold anything, the signature too, and is not shown.
bool is_token(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const char l = to_lower(c);
        return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

objection of_older_version(std::string_view which) {
    return malformed(joined({"signed with ", which, ", which is not taken any more: sign with Signature Version 4"}));
}

verdict read_algorithm(std::string_view name, std::string_view where, claim& c) {
    c.asymmetric = name == sigv4a_algorithm;
    if (c.asymmetric || name == sigv4_algorithm) {
        return std::nullopt;
    }
    if (name == "AWS") {
        return of_older_version("Signature Version 2");
    }
    return malformed(joined({where, " is neither AWS4-HMAC-SHA256 nor AWS4-ECDSA-P256-SHA256"}));
}

// AKID/20260101/us-east-1/s3/aws4_request, SigV4A: AKID/20260101/s3/aws4_request. Read from its end: only the
// access key id could hold a slash.
verdict read_credential(std::string_view credential, claim& c) {
    const std::vector<std::string_view> parts = split(credential, '/');
    if (parts.size() < (c.asymmetric ? 4 : 5)) {
        return malformed(
            c.asymmetric ? "Credential is not ACCESS-KEY-ID/DAY/SERVICE/aws4_request"
                         : "Credential is not ACCESS-KEY-ID/DAY/REGION/SERVICE/aws4_request"
        );
    }
    auto last = parts.rbegin();
    if (!std::all_of(last, last + (c.asymmetric ? 3 : 4), is_token)) {
        return malformed("Credential has a character that no credential scope has");
    }
    c.terminator = *last++;
    c.service = *last++;
    if (!c.asymmetric) {
        c.region = *last++;
    }
    c.day = *last;
    const std::size_t scope_size = scope_text(c).size();
    c.access_key_id = credential.substr(0, credential.size() - scope_size - 1);
    if (c.access_key_id.empty()) {
        return malformed("Credential has no access key id");
    }
    return std::nullopt;
}

// us-east-1,eu-*: at least one region or pattern, none empty.
verdict read_region_set(const std::vector<std::string>& values, claim& c) {
    if (values.size() != 1) {
        return values.empty() ? malformed("X-Amz-Region-Set is missing")
                              : objection{mismatch::ambiguous_signature, "X-Amz-Region-Set stands twice"};
    }
    c.region = values.front();
    for (const std::string_view pattern : split(c.region, ',')) {
        if (pattern.empty() || pattern.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-*") != pattern.npos) {
            return malformed("X-Amz-Region-Set is not a list of regions, as in us-east-1,eu-* or *");
        }
    }
    return std::nullopt;
}

verdict read_signed_headers(std::string_view list, claim& c) {
    if (std::count(list.begin(), list.end(), ';') >= most_signed_headers) {
        return malformed("SignedHeaders has more than 256 names");
    }
    for (const std::string_view name : split(list, ';')) {
        if (name.empty()) {
            return malformed("SignedHeaders has an empty name");
        }
        if (!is_token(name)) {
            return malformed("SignedHeaders has a name that no header can have");
        }
        if (std::any_of(name.begin(), name.end(), [](char b) { return to_lower(b) != b; })) {
            return malformed(joined({"SignedHeaders is not in lower case: ", name}));
        }
        if (!c.signed_headers.empty() && c.signed_headers.back() >= name) {
            return malformed(joined({"SignedHeaders is not sorted, or names a header twice: ", name}));
        }
        c.signed_headers.emplace_back(name);
    }
    return std::nullopt;
}

verdict read_signature(std::string_view signature, claim& c) {
    if (c.asymmetric) {
        const bool is_hex = signature.find_first_not_of("0123456789abcdef") == std::string_view::npos;
        if (!is_hex || signature.empty() || signature.size() > most_ecdsa_hex || signature.size() % 2 != 0) {
            return malformed("Signature is not DER in lower-case hex, at most 144 digits");
        }
    } else if (!is_lower_hex_hash(signature)) {
        return malformed("Signature is not 64 lower-case hex digits");
    }
    c.signature = signature;
    return std::nullopt;
}

// ALGORITHM Credential=…, SignedHeaders=…, Signature=… in any order, each once.
verdict read_authorization(std::string_view text, claim& c) {
    const std::size_t blank = text.find(' ');
    if (const verdict bad = read_algorithm(text.substr(0, blank), "the algorithm of Authorization", c)) {
        return bad;
    }
    if (blank == std::string_view::npos) {
        return malformed("Authorization has no Credential");
    }
    std::optional<std::string_view> credential, names, signature;
    for (const std::string_view raw : split(text.substr(blank + 1), ',')) {
        const std::string_view part = trimmed(raw);
        const std::size_t equals = part.find('=');
        const std::string_view key = part.substr(0, equals);
        std::optional<std::string_view>* const place = key == "Credential"      ? &credential
                                                       : key == "SignedHeaders" ? &names
                                                       : key == "Signature"     ? &signature
                                                                                : nullptr;
        if (place == nullptr || equals == std::string_view::npos) {
            return malformed("Authorization has a part that is none of Credential, SignedHeaders, Signature");
        }
        if (*place) {
            return objection{mismatch::ambiguous_signature, joined({key, " stands twice in Authorization"})};
        }
        *place = part.substr(equals + 1);
    }
    if (!credential || !names || !signature) {
        return malformed("Authorization lacks one of Credential, SignedHeaders, Signature");
    }
    verdict bad = read_credential(*credential, c);
    bad = bad ? bad : read_signed_headers(*names, c);
    return bad ? bad : read_signature(*signature, c);
}

verdict read_header_claim(const request& what, std::string_view authorization, claim& c) {
    if (const verdict bad = read_authorization(authorization, c)) {
        return bad;
    }
    const auto dates = values_of(what.headers, "x-amz-date");
    if (dates.empty()) {
        return malformed("X-Amz-Date is missing");
    }
    c.date = dates.front();
    if (const auto tokens = values_of(what.headers, "x-amz-security-token"); !tokens.empty()) {
        c.token = tokens.front();
    }
    if (c.asymmetric) {
        const auto sets = values_of(what.headers, "x-amz-region-set");
        return read_region_set({sets.begin(), sets.end()}, c);
    }
    return std::nullopt;
}

verdict read_expires(const std::string& text, claim& c) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 || seconds(value) > longest_expiry) {
        return malformed("X-Amz-Expires is not a number of seconds from 1 to 604800");
    }
    c.expires = seconds(value);
    return std::nullopt;
}

verdict read_query_claim(const request& what, std::string_view signature, claim& c) {
    c.where = placement::query;
    std::array<std::string, 5> found;
    constexpr std::array<std::string_view, 5> wanted{
        "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto values = parameters_of(what.query, wanted[i]);
        if (values.size() != 1) {
            return values.empty() ? malformed(joined({wanted[i], " is missing"}))
                                  : objection{mismatch::ambiguous_signature, joined({wanted[i], " stands twice"})};
        }
        found[i] = values.front();
    }
    if (const verdict bad = read_algorithm(found[0], "X-Amz-Algorithm", c)) {
        return bad;
    }
    c.date = found[3];
    const auto tokens = parameters_of(what.query, "X-Amz-Security-Token");
    if (tokens.size() > 1) {
        return objection{mismatch::ambiguous_signature, "X-Amz-Security-Token stands twice"};
    }
    if (!tokens.empty()) {
        c.token = tokens.front();
    }
    verdict bad = read_credential(found[1], c);
    if (!bad && c.asymmetric) {
        bad = read_region_set(parameters_of(what.query, "X-Amz-Region-Set"), c);
    }
    bad = bad ? bad : read_signed_headers(found[2], c);
    bad = bad ? bad : read_expires(found[4], c);
    return bad ? bad : read_signature(signature, c);
}

// Two of one of these, and two readers might each believe another one.
verdict refuse_repeated(const request& what) {
    constexpr std::array<std::string_view, 6> single{
        "authorization", "host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amz-region-set"};
    for (const std::string_view name : single) {
        if (count_of(what.headers, name) > 1) {
            return objection{mismatch::ambiguous_signature, joined({"the header ", name, " stands twice"})};
        }
    }
    return std::nullopt;
}

objection refuse_unsigned(const request& what) {
    if (!parameters_of(what.query, "AWSAccessKeyId").empty()) {
        return of_older_version("Signature Version 2 (AWSAccessKeyId in the query)");
    }
    if (count_of(what.headers, "x-amzn-authorization") > 0) {
        return of_older_version("Signature Version 3 (X-Amzn-Authorization)");
    }
    return {mismatch::missing_signature, "neither an Authorization header nor X-Amz-Signature"};
}

} // namespace

objection malformed(std::string_view what) {
    return {mismatch::malformed_signature, std::string(what)};
}

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string all;
    for (const std::string_view part : parts) {
        all.append(part);
    }
    return all;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), to_lower);
    return result;
}

bool is_lower_hex_hash(std::string_view text) noexcept {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string scope_text(const claim& c) {
    return c.asymmetric ? joined({c.day, "/", c.service, "/", c.terminator})
                        : joined({c.day, "/", c.region, "/", c.service, "/", c.terminator});
}

std::size_t count_of(std::span<const header> headers, std::string_view lower_name) noexcept {
    return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(), [&](const header& field) {
        return equals_ignoring_case(field.name, lower_name);
    }));
}

std::vector<std::string_view> values_of(std::span<const header> headers, std::string_view lower_name) {
    std::vector<std::string_view> values;
    for (const header& field : headers) {
        if (equals_ignoring_case(field.name, lower_name)) {
            values.push_back(trimmed(field.value));
        }
    }
    return values;
}

std::vector<std::string> parameters_of(std::string_view query, std::string_view name) {
    const auto decoded = [](std::string_view text) {
        std::string plain;
        for (std::size_t i = 0; i < text.size();) {
            plain += decode_next(text, i, plus_sign::blank);
        }
        return plain;
    };
    std::vector<std::string> values;
    for_each_pair(query, [&](std::string_view raw_name, std::string_view raw_value, bool) {
        if (decoded(raw_name) == name) {
            values.push_back(decoded(raw_value));
        }
    });
    return values;
}

verdict read_claim(const request& what, claim& c) {
    if (const verdict bad = refuse_repeated(what)) {
        return bad;
    }
    const auto authorizations = values_of(what.headers, "authorization");
    const auto signatures = parameters_of(what.query, "X-Amz-Signature");
    if (authorizations.empty() && signatures.empty()) {
        return refuse_unsigned(what);
    }
    if (signatures.size() > 1) {
        return objection{mismatch::ambiguous_signature, "X-Amz-Signature stands twice"};
    }
    if (!authorizations.empty() && !signatures.empty()) {
        return objection{mismatch::ambiguous_signature, "both an Authorization header and X-Amz-Signature"};
    }
    return signatures.empty() ? read_header_claim(what, authorizations.front(), c)
                              : read_query_claim(what, signatures.front(), c);
}

} // namespace countersign::signer
