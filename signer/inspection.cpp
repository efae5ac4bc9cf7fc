#include "signer/inspection.hpp"

#include "signer/canonical.hpp"
#include "signer/claim.hpp"
#include "signer/date.hpp"
#include "signer/inspection_check.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace countersign::signer {
namespace {

using std::chrono::seconds;

constexpr std::string_view hex_digits = "0123456789abcdef";

std::vector<std::string_view> pieces(std::string_view text, char at) {
    std::vector<std::string_view> all;
    while (true) {
        const std::size_t end = text.find(at);
        all.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return all;
        }
        text.remove_prefix(end + 1);
    }
}

// What stands at each of the places where a signature says something; none: nothing does.
struct spoken {
    std::optional<std::string> algorithm, credential, date, expires, signed_headers, signature, token, region_set;
};

// AKID/20260101/us-east-1/s3/aws4_request; SigV4A has no region in it.
void read_credential(const std::string& credential, inspection& found) {
    const auto parts = pieces(credential, '/');
    const std::size_t wanted = found.is_multi_region() ? 4 : 5;
    if (credential.find('%') != std::string::npos) {
        found.faults.emplace_back("Credential still holds a % after decoding: the query was percent-encoded twice");
    }
    if (parts.size() != wanted) {
        found.faults.push_back(joined(
            {"Credential has ",
             std::to_string(parts.size()),
             " parts, not the ",
             std::to_string(wanted),
             found.is_multi_region() ? " of ACCESS-KEY-ID/DAY/SERVICE/aws4_request"
                                     : " of ACCESS-KEY-ID/DAY/REGION/SERVICE/aws4_request"}
        ));
    }
    if (parts.size() < wanted) {
        return;
    }
    const std::size_t n = parts.size();
    found.terminator = parts[n - 1];
    found.service = parts[n - 2];
    found.region = wanted == 5 ? parts[n - 3] : std::string_view();
    found.day = parts[n + 1 - wanted];
    found.access_key_id = parts[0];
    const bool is_id = consists_of(make_byte_set("_"), found.access_key_id) && found.access_key_id.size() != 40;
    if (found.access_key_id.empty()) {
        found.faults.emplace_back("Credential has no access key id");
    } else if (!is_id) {
        found.access_key_id.clear(); // a secret in the wrong place must not be repeated
        found.faults.emplace_back("what stands first in Credential is no access key id (is it the secret?)");
    }
}

void read_signed_headers(const std::string& list, inspection& found) {
    std::string before;
    for (const std::string_view name : pieces(list, ';')) {
        if (name.empty()) {
            found.faults.emplace_back("SignedHeaders has an empty name");
            continue;
        }
        const std::string small = lower(name);
        if (small != name) {
            found.faults.push_back(joined({"SignedHeaders: ", name, " is not in lower case"}));
        }
        if (!before.empty() && before == small) {
            found.faults.push_back(joined({"SignedHeaders names ", name, " twice"}));
        } else if (before > small) {
            found.faults.push_back(joined({"SignedHeaders is not sorted: ", name, " stands behind ", before}));
        }
        before = small;
        found.signed_headers.emplace_back(name);
    }
}

// 64 digits; SigV4A: a DER sequence of two numbers, at most 72 bytes.
void read_signature(const std::string& signature, inspection& found) {
    const bool is_hex = signature.find_first_not_of(hex_digits) == std::string::npos;
    if (!found.is_multi_region()) {
        if (!is_lower_hex_hash(signature)) {
            found.faults.push_back(joined(
                {"the signature is not 64 lower-case hex digits; it has ",
                 std::to_string(signature.size()),
                 " characters",
                 is_hex ? "" : ", not all of them such digits"}
            ));
        }
        return;
    }
    const bool is_sequence = signature.starts_with("30") && signature.size() % 2 == 0 && signature.size() <= 144;
    if (!is_hex || !is_sequence || signature.size() < 16) {
        found.faults.emplace_back("the signature is not an ECDSA signature in lower-case hex (DER: 30...)");
    }
}

void read_expires(const std::string& text, inspection& found) {
    unsigned long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value <= 0xffffffffu) {
        found.expires = seconds(value);
    }
    if (!found.expires || value < 1 || value > 604800) {
        found.faults.emplace_back("X-Amz-Expires is not a number of seconds from 1 to 604800 (7 days)");
    }
}

void demand(const std::optional<std::string>& value, std::string_view name, inspection& found) {
    if (!value) {
        found.faults.push_back(joined({name, " is missing"}));
    }
}

void understand(const spoken& said, inspection& found) {
    const bool in_query = found.where == placement::query;
    found.is_signed = true;
    found.algorithm = said.algorithm.value_or("");
    if (said.algorithm && !found.is_multi_region() && found.algorithm != "AWS4-HMAC-SHA256") {
        found.faults.emplace_back("the algorithm is neither AWS4-HMAC-SHA256 nor AWS4-ECDSA-P256-SHA256");
    }
    demand(said.algorithm, "X-Amz-Algorithm", found);
    demand(said.credential, in_query ? "X-Amz-Credential" : "Credential", found);
    demand(said.signed_headers, in_query ? "X-Amz-SignedHeaders" : "SignedHeaders", found);
    demand(said.signature, in_query ? "X-Amz-Signature" : "Signature", found);
    if (in_query) {
        demand(said.date, "X-Amz-Date", found);
        demand(said.expires, "X-Amz-Expires", found);
    }
    if (said.credential) {
        read_credential(*said.credential, found);
    }
    if (said.signed_headers) {
        read_signed_headers(*said.signed_headers, found);
    }
    if (said.signature) {
        read_signature(*said.signature, found);
    }
    if (said.expires) {
        read_expires(*said.expires, found);
    }
    found.date = said.date.value_or("");
    found.signed_at = parse_date(found.date);
    if (said.date && !found.signed_at) {
        found.faults.emplace_back("X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ");
    }
    found.region_set = said.region_set.value_or("");
    if (said.token) {
        found.token_size = said.token->size();
    }
}

void keep(std::optional<std::string>& place, std::string_view value, std::string_view name, inspection& found) {
    if (place) {
        found.faults.push_back(joined({name, " stands twice"}));
        return;
    }
    place = std::string(value);
}

// Credential=…, SignedHeaders=…, Signature=…; what is parted by blanks alone is read too, and named.
void read_authorization(std::string_view text, spoken& said, inspection& found) {
    for (const std::string_view chunk : pieces(text, ',')) {
        std::size_t parts = 0;
        for (const std::string_view part : pieces(chunk, ' ')) {
            if (part.empty()) {
                continue;
            }
            if (++parts == 2) {
                found.faults.emplace_back("Authorization: a comma is missing between two of its parts");
            }
            const std::size_t equals = part.find('=');
            const std::string_view key = part.substr(0, equals);
            const std::string_view value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
            if (key == "Credential") {
                keep(said.credential, value, key, found);
            } else if (key == "SignedHeaders") {
                keep(said.signed_headers, value, key, found);
            } else if (key == "Signature") {
                keep(said.signature, value, key, found);
            } else {
                found.faults.emplace_back(
                    "Authorization has a part that is none of Credential, SignedHeaders, Signature (as written)"
                );
            }
        }
    }
}

// "Authenticating Requests (AWS Signature Version 2)" in the S3 API reference.
constexpr std::string_view who_takes_version_two =
    "which services no longer take (S3 does in its oldest regions, for buckets from before June 24, 2020)";

std::optional<std::string> header_of(const request& what, std::string_view name, inspection& found) {
    const auto values = values_of(what.headers, name);
    if (values.size() > 1) {
        found.faults.push_back(joined({"the header ", name, " stands ", std::to_string(values.size()), " times"}));
    }
    return values.empty() ? std::nullopt : std::optional<std::string>(values.front());
}

void inspect_header(const inspected_request& seen, const std::string& authorization, inspection& found) {
    const std::size_t blank = authorization.find(' ');
    const std::string scheme = authorization.substr(0, blank);
    if (scheme == "AWS") {
        found.faults.push_back(joined({"Authorization is of Signature Version 2, ", who_takes_version_two}));
        return;
    }
    if (!scheme.starts_with("AWS4-")) {
        found.faults.emplace_back("Authorization is no AWS signature: it does not begin with AWS4-HMAC-SHA256");
        return;
    }
    spoken said;
    said.algorithm = scheme;
    read_authorization(blank == std::string::npos ? "" : std::string_view(authorization).substr(blank), said, found);
    if (seen.kind == exhibit::message) {
        said.date = header_of(seen.what, "x-amz-date", found);
        said.token = header_of(seen.what, "x-amz-security-token", found);
        if (const auto session = header_of(seen.what, "x-amz-s3session-token", found); session && !said.token) {
            said.token = session;
        }
        said.region_set = header_of(seen.what, "x-amz-region-set", found);
    }
    understand(said, found);
}

std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size();) {
        plain += decode_next(text, i, plus_sign::blank);
    }
    return plain;
}

bool has_broken_escape(std::string_view text) {
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
        if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) {
            return true;
        }
    }
    return false;
}

struct parameter {
    std::string_view name;
    std::optional<std::string> spoken::*place;
};
constexpr std::array<parameter, 9> parameters{{
    {"X-Amz-Algorithm", &spoken::algorithm},
    {"X-Amz-Credential", &spoken::credential},
    {"X-Amz-Date", &spoken::date},
    {"X-Amz-Expires", &spoken::expires},
    {"X-Amz-SignedHeaders", &spoken::signed_headers},
    {"X-Amz-Signature", &spoken::signature},
    {"X-Amz-Security-Token", &spoken::token},
    {"X-Amz-S3session-Token", &spoken::token},
    {"X-Amz-Region-Set", &spoken::region_set},
}};

void read_parameter(const std::string& name, std::string_view raw_value, spoken& said, inspection& found) {
    for (const parameter& known : parameters) {
        if (lower(name) != lower(known.name)) {
            continue;
        }
        if (name != known.name) {
            found.faults.push_back(joined({known.name, " is written ", name, ", but names are case-sensitive"}));
        }
        if (raw_value.find('+') != std::string_view::npos) {
            found.faults.push_back(joined({known.name, " holds a raw +, which is read as a blank: write %2B"}));
        }
        keep(said.*known.place, decoded(raw_value), known.name, found);
    }
}

spoken read_query_parameters(std::string_view query, inspection& found) {
    spoken said;
    bool is_html = false;
    bool is_broken = false;
    for_each_pair(query, [&](std::string_view raw_name, std::string_view raw_value, bool) {
        if (raw_name.starts_with("amp;")) { // a=1&amp;b=2
            is_html = true;
            raw_name.remove_prefix(4);
        }
        is_broken = is_broken || has_broken_escape(raw_name) || has_broken_escape(raw_value);
        read_parameter(decoded(raw_name), raw_value, said, found);
    });
    if (is_html) {
        found.faults.emplace_back("the URL has &amp; where & belongs: it was copied out of HTML or XML");
    }
    if (is_broken) {
        found.faults.emplace_back("the query has a % without two hex digits behind it");
    }
    return said;
}

// What a URL of Signature Version 2 is, and how long it holds: Expires is in seconds since 1970.
std::string explain_version_two(std::string_view query, std::chrono::sys_seconds now) {
    std::string text = joined({"the URL is signed with Signature Version 2, ", who_takes_version_two});
    const auto said = parameters_of(query, "Expires");
    std::uint32_t end = 0;
    if (said.size() == 1) {
        std::from_chars(said[0].data(), said[0].data() + said[0].size(), end);
    }
    const std::chrono::sys_seconds expires{seconds(end)};
    if (end != 0 && expires < now) {
        text += joined({"; it expired ", in_words(now - expires), " ago"});
    }
    return text;
}

bool is_version_two(std::string_view query) {
    return !parameters_of(query, "AWSAccessKeyId").empty() && !parameters_of(query, "Signature").empty();
}

} // namespace

inspection inspect(const inspected_request& seen, std::chrono::sys_seconds now) {
    inspection found;
    const std::optional<std::string> authorization = header_of(seen.what, "authorization", found);
    const spoken said = read_query_parameters(seen.what.query, found);
    const bool is_presigned = said.signature || said.credential || said.algorithm;
    if (authorization && said.signature) {
        found.faults.emplace_back("both an Authorization header and X-Amz-Signature: services take one of them only");
    }
    if ((authorization || is_presigned) && is_version_two(seen.what.query)) {
        found.faults.emplace_back("Signature Version 2 beside it in the query: services take one signature only");
    }
    if (authorization) {
        inspect_header(seen, *authorization, found);
    } else if (is_presigned) {
        found.where = placement::query;
        understand(said, found);
    } else {
        found.faults.emplace_back(
            is_version_two(seen.what.query) ? explain_version_two(seen.what.query, now)
            : seen.kind == exhibit::url     ? "the URL is not signed: it has no X-Amz-Signature"
                                            : "not signed: neither an Authorization header nor X-Amz-Signature"
        );
    }
    if (found.is_signed) {
        check_inspection(seen, now, found);
    }
    return found;
}

} // namespace countersign::signer
