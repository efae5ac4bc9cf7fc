#include "signer/inspection_check.hpp"

#include "signer/claim.hpp"
#include "signer/date.hpp"
#include "signer/scope.hpp"
#include "signer/sha256.hpp"

#include <algorithm>
#include <variant>

namespace countersign::signer {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

bool is_listed(const inspection& found, std::string_view name) {
    return std::find(found.signed_headers.begin(), found.signed_headers.end(), name) != found.signed_headers.end();
}

bool is_object_store(const inspection& found) {
    return traits_of(found.service).path == path_rule::s3;
}

void check_scope(const inspected_request& seen, inspection& found) {
    if (found.terminator.empty()) {
        return; // Credential was not read, which was said
    }
    if (found.terminator != "aws4_request") {
        found.faults.push_back(joined({"the scope ends with ", found.terminator, ", not with aws4_request"}));
    }
    for (const auto& [part, name] : {std::pair(&found.region, "region"), std::pair(&found.service, "service")}) {
        if (part->empty() && !(found.is_multi_region() && part == &found.region)) {
            found.faults.push_back(joined({"the scope has no ", name}));
        } else if (lower(*part) != *part) {
            found.faults.push_back(joined({"the scope's ", name, " is not in lower case: ", *part}));
        }
    }
    if (!parse_date(found.day + "T000000Z")) {
        found.faults.emplace_back("the scope's day is not of the form YYYYMMDD");
    } else if (found.signed_at && found.date.substr(0, 8) != found.day) {
        found.faults.push_back(joined({"the scope's day is ", found.day, ", but X-Amz-Date is of ", found.date}));
    }
    if (found.is_multi_region() && found.region_set.empty() && seen.kind != exhibit::authorization) {
        found.faults.emplace_back("X-Amz-Region-Set is missing, which AWS4-ECDSA-P256-SHA256 demands");
    }
    if (!found.is_multi_region() && !found.region_set.empty()) {
        found.faults.emplace_back("X-Amz-Region-Set goes with AWS4-ECDSA-P256-SHA256 only");
    }
}

// "AKIA…": long-lived keys; "ASIA…": temporary ones (IAM User Guide, "Unique identifiers").
void check_token(const inspected_request& seen, inspection& found) {
    if (seen.kind == exhibit::authorization || found.access_key_id.size() != 20) {
        return;
    }
    if (found.access_key_id.starts_with("ASIA") && !found.token_size) {
        found.faults.emplace_back("the access key is a temporary one (ASIA...), but there is no session token");
    }
    if (found.access_key_id.starts_with("AKIA") && found.token_size) {
        found.faults.emplace_back("the access key is a long-lived one (AKIA...), but there is a session token");
    }
    if (found.token_size == std::size_t(0)) {
        found.faults.emplace_back("the session token is empty");
    }
}

// The scope's day alone, where the date is not to be seen.
void check_day(sys_seconds now, inspection& found) {
    const auto begin = parse_date(found.day + "T000000Z");
    if (begin && (now > *begin + std::chrono::days(1) + clock_tolerance || now < *begin - clock_tolerance)) {
        found.faults.push_back(joined({"expired: the scope's day is ", found.day}));
    }
}

void check_time(const inspected_request& seen, sys_seconds now, inspection& found) {
    if (found.date.empty()) {
        check_day(now, found);
        if (seen.kind == exhibit::message && found.where == placement::header) {
            const bool has_date = !values_of(seen.what.headers, "date").empty();
            has_date ? found.notes.emplace_back("no X-Amz-Date: services take the time from Date then")
                     : found.faults.emplace_back("X-Amz-Date is missing");
        }
        return;
    }
    if (!found.signed_at) {
        return;
    }
    if (*found.signed_at > now + clock_tolerance) {
        found.faults.push_back(joined({"the date is ", in_words(*found.signed_at - now), " ahead: not valid yet"}));
    }
    if (found.where == placement::header && *found.signed_at < now - clock_tolerance) {
        found.faults.push_back(joined(
            {"expired: signed ", in_words(now - *found.signed_at), " ago, and services take a signature for 15 min"}
        ));
    }
    if (found.where == placement::query && found.expires && now > *found.signed_at + *found.expires) {
        found.faults.push_back(joined({"expired ", in_words(now - *found.signed_at - *found.expires), " ago"}));
    }
    constexpr seconds longest_session{36 * 3600};
    if (found.where == placement::query && found.token_size && found.expires && *found.expires > longest_session) {
        found.notes.emplace_back("signed with temporary credentials: the URL ends with them, within 36 hours at most");
    }
}

void check_signed_headers(const inspected_request& seen, inspection& found) {
    if (found.signed_headers.empty()) {
        return;
    }
    if (!is_listed(found, "host")) {
        found.faults.emplace_back("host is not among the signed headers");
    }
    for (const std::string& name : found.signed_headers) {
        if (is_skipped(name)) {
            found.notes.push_back(joined({name, " is signed, but may be changed on the way"}));
        }
    }
    if (seen.kind == exhibit::url && found.signed_headers.size() > 1) {
        std::string others;
        for (const std::string& name : found.signed_headers) {
            if (name != "host") {
                others.append(others.empty() ? "" : ", ").append(name);
            }
        }
        found.notes.push_back(joined({"whoever uses the URL has to send these headers as signed: ", others}));
    }
    if (seen.kind != exhibit::message) {
        return;
    }
    for (const header& field : seen.what.headers) {
        const std::string name = lower(field.name);
        if (name.starts_with("x-amz-") && !is_listed(found, name)) {
            found.faults.push_back(joined({"the header ", name, " is not signed, as all x-amz-* must be"}));
        } else if (name == "content-type" && !is_listed(found, name)) {
            found.notes.emplace_back("content-type is not signed");
        }
    }
    for (const std::string& name : found.signed_headers) {
        if (values_of(seen.what.headers, lower(name)).empty()) {
            found.faults.push_back(joined({"the header ", name, " is signed, but is not in the message"}));
        }
    }
}

std::string hash_in_words(std::string_view hash) {
    return hash == empty_hash ? "hash of an empty body" : "hash of a body";
}

void check_message_payload(const inspected_request& seen, inspection& found) {
    const auto values = values_of(seen.what.headers, "x-amz-content-sha256");
    if (values.empty()) {
        found.payload = found.where == placement::query && is_object_store(found)
                            ? "UNSIGNED-PAYLOAD (the rule for presigned S3)"
                            : "hash of the body (x-amz-content-sha256 is not sent)";
        if (found.where == placement::header && traits_of(found.service).content_sha256_header) {
            found.faults.push_back(joined({found.service, " demands the header x-amz-content-sha256"}));
        }
        return;
    }
    const std::string_view said = values.front();
    if (said == "UNSIGNED-PAYLOAD" || said.starts_with("STREAMING-")) {
        found.payload = said;
        return;
    }
    if (!is_lower_hex_hash(said)) {
        found.payload = "unreadable";
        found.faults.emplace_back(
            "x-amz-content-sha256 is neither 64 lower-case hex digits nor UNSIGNED-PAYLOAD nor STREAMING-..."
        );
        return;
    }
    found.payload = hash_in_words(said);
    const auto length = values_of(seen.what.headers, "content-length");
    const bool is_left_out = !seen.body_hash && ((!length.empty() && length.front() != "0") ||
                                                 !values_of(seen.what.headers, "transfer-encoding").empty());
    if (is_left_out) {
        found.notes.emplace_back("the body is not here: its hash is not checked");
    } else if (said != seen.body_hash.value_or(empty_hash)) {
        found.faults.emplace_back("x-amz-content-sha256 is not the hash of the body");
    }
}

void check_payload(const inspected_request& seen, inspection& found) {
    if (seen.kind == exhibit::message) {
        check_message_payload(seen, found);
    } else if (seen.kind == exhibit::url) {
        const auto said = parameters_of(seen.what.query, "X-Amz-Content-Sha256");
        found.payload = !said.empty()            ? (is_lower_hex_hash(said.front()) ? hash_in_words(said.front())
                                                                                    : "as X-Amz-Content-Sha256 says")
                        : is_object_store(found) ? "UNSIGNED-PAYLOAD (the rule for presigned S3)"
                                                 : "hash of the body";
    }
}

// us-east-1,eu-* takes in eu-west-1
bool takes_in(std::string_view region_set, std::string_view region) {
    while (!region_set.empty()) {
        const std::size_t end = region_set.find(',');
        std::string_view one = region_set.substr(0, end);
        region_set = end == std::string_view::npos ? std::string_view() : region_set.substr(end + 1);
        if (one == region) {
            return true;
        }
        if (one.ends_with('*') && region.starts_with(one.substr(0, one.size() - 1))) {
            return true;
        }
    }
    return false;
}

void check_service(std::string_view host, std::string_view expected, inspection& found) {
    // One endpoint, two signing names: HTTP and MQTT over WebSocket.
    const bool is_device = expected == "iotdata" && found.service == "iotdevicegateway";
    if (found.service != expected && !is_device) {
        found.faults.push_back(joined({"the scope's service is ", found.service, ", but ", host, " is of ", expected}));
    }
}

void check_region(std::string_view host, std::string_view expected, inspection& found) {
    const bool is_name = !expected.empty() && expected.find_first_of("*,") == std::string_view::npos;
    if (!is_name) {
        return;
    }
    if (found.is_multi_region()) {
        if (!found.region_set.empty() && !takes_in(found.region_set, expected)) {
            found.faults.push_back(joined({"X-Amz-Region-Set does not take in ", expected, ", where ", host, " is"}));
        }
        return;
    }
    if (found.region == expected) {
        return;
    }
    // S3's global endpoint leads to the bucket's own region, whichever it is.
    const bool is_global_store = is_object_store(found) && host.find(expected) == std::string_view::npos;
    std::string text = joined({"the scope's region is ", found.region, ", but ", host, " is of ", expected});
    if (is_global_store) {
        text += "; right only if the bucket is in the former";
    }
    (is_global_store ? found.notes : found.faults).push_back(std::move(text));
}

void check_host(const inspected_request& seen, inspection& found) {
    if (seen.host.empty() || found.service.empty()) {
        return;
    }
    const auto known = scope_of(seen.host);
    if (const auto* scope = std::get_if<host_scope>(&known)) {
        check_service(seen.host, scope->service, found);
        check_region(seen.host, scope->region, found);
        return;
    }
    found.notes.push_back(joined(
        {seen.host,
         std::get<scope_refusal>(known) == scope_refusal::not_aws ? " is not an AWS host"
                                                                  : " is no known form of an AWS endpoint",
         ": service and region cannot be compared with it"}
    ));
}

} // namespace

void check_inspection(const inspected_request& seen, sys_seconds now, inspection& found) {
    check_scope(seen, found);
    check_time(seen, now, found);
    check_token(seen, found);
    check_signed_headers(seen, found);
    check_payload(seen, found);
    check_host(seen, found);
}

} // namespace countersign::signer
