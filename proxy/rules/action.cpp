#include "proxy/rules/action.hpp"

#include "proxy/http/inbound.hpp"
#include "signer/encode.hpp"

#include <algorithm>
#include <array>

namespace countersign::proxy {

namespace {

using std::string_view;

constexpr std::size_t longest_action = 128;

bool is_alphanumeric(char c) noexcept {
    const char l = signer::to_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

bool is_action(string_view text) noexcept {
    return !text.empty() && text.size() <= longest_action && std::all_of(text.begin(), text.end(), is_alphanumeric);
}

// All that a request says about its action. `broken` once two of them differ or one cannot be read.
struct findings {
    std::string name;
    bool broken = false;
    bool by_target = false;
    bool by_parameter = false;
    bool by_path = false;

    void add(string_view found, bool& source) {
        if (!is_action(found) || (!name.empty() && !equal_ignoring_case(name, found))) {
            broken = true;
        } else if (name.empty()) {
            name = found;
        }
        source = true;
    }
};

// Percent-decoded, '+' as a blank; cut behind `most` bytes.
std::string decoded(string_view text, std::size_t most) {
    std::string out;
    for (std::size_t i = 0; i < text.size() && out.size() < most;) {
        out += signer::decode_next(text, i, signer::plus_sign::blank);
    }
    return out;
}

// "Action", " action", "ACTION\0x": what some server could take for it.
bool names_action(string_view encoded) {
    const std::string text = decoded(encoded, encoded.size());
    string_view name = string_view(text).substr(0, text.find('\0'));
    const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
    while (!name.empty() && is_blank(name.front())) {
        name.remove_prefix(1);
    }
    while (!name.empty() && is_blank(name.back())) {
        name.remove_suffix(1);
    }
    return equal_ignoring_case(name, "action");
}

void read_pairs(string_view text, string_view separators, findings& into) {
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(separators);
        const string_view pair = text.substr(0, end);
        text.remove_prefix(end == string_view::npos ? text.size() : end + 1);
        const std::size_t equals = pair.find('=');
        if (names_action(pair.substr(0, equals))) {
            const string_view value = equals == string_view::npos ? string_view{} : pair.substr(equals + 1);
            into.add(decoded(value, longest_action + 1), into.by_parameter);
        }
    }
}

void read_parameters(string_view text, findings& into) {
    read_pairs(text, "&", into);
    if (text.find(';') != string_view::npos) {
        read_pairs(text, "&;", into); // some servers part parameters by ';', too
    }
}

// DynamoDB_20120810.GetItem, com.amazonaws.x.Service_2013.LookupEvents
void read_target(string_view value, findings& into) {
    const std::size_t dot = value.rfind('.');
    const string_view prefix = value.substr(0, dot == string_view::npos ? 0 : dot);
    const bool is_plain =
        std::all_of(prefix.begin(), prefix.end(), [](char c) { return is_alphanumeric(c) || c == '_' || c == '.'; });
    into.add(is_plain ? value.substr(dot == string_view::npos ? 0 : dot + 1) : string_view{}, into.by_target);
}

// /service/GraniteServiceVersion20100801/operation/PutMetricData
void read_rpc_path(string_view path, findings& into) {
    constexpr string_view service = "/service/";
    constexpr string_view operation = "/operation/";
    const std::size_t behind = path.find('/', service.size());
    const bool has_form = path.starts_with(service) && behind != string_view::npos && behind > service.size() &&
                          path.substr(behind).starts_with(operation);
    into.add(has_form ? path.substr(behind + operation.size()) : string_view{}, into.by_path);
}

// A queue's own URL: /123456789012/name
bool is_queue_path(string_view path) noexcept {
    const std::size_t slash = path.find('/', 1);
    const string_view account = path.substr(1, slash == string_view::npos ? slash : slash - 1);
    const string_view name = slash == string_view::npos ? string_view{} : path.substr(slash + 1);
    const bool is_account = !account.empty() && account.find_first_not_of("0123456789") == string_view::npos;
    return is_account && !name.empty() && name.size() <= 85 && std::all_of(name.begin(), name.end(), [](char c) {
               return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
           });
}

struct body_kind {
    unsigned types = 0;
    bool is_form = false;
    bool is_multipart = false;
    bool has_other_charset = false; // Action in EBCDIC or UTF-16 would be found by the service alone
    bool is_coded = false;
};

void read_content_type(string_view value, body_kind& into) {
    ++into.types;
    std::string lower(value);
    signer::pen{lower.data()}.put_lower(value);
    const string_view type = string_view(lower).substr(0, lower.find_first_of("; \t"));
    into.is_form = into.is_form || is_form(value);
    into.is_multipart = into.is_multipart || type.starts_with("multipart/");
    const std::size_t charset = lower.find("charset");
    if (charset != std::string::npos) {
        string_view name = string_view(lower).substr(charset + 7);
        name.remove_prefix(std::min(name.find_first_not_of("= \t\""), name.size()));
        name = name.substr(0, name.find_first_of("; \t\""));
        into.has_other_charset = into.has_other_charset || (name != "utf-8" && name != "us-ascii");
    }
}

struct header_findings {
    body_kind body;
    unsigned rpc_protocols = 0;
    bool speaks_rpc = false;
};

header_findings read_fields(const action_source& from, findings& into) {
    header_findings found;
    for (const field& f : from.fields) {
        if (f.stays_here) {
            continue;
        }
        if (f.id == field_name::amz_target) {
            read_target(f.value, into);
        } else if (f.id == field_name::content_encoding) {
            found.body.is_coded = found.body.is_coded || !equal_ignoring_case(f.value, "identity");
        } else if (equal_ignoring_case(f.name, "content-type")) {
            read_content_type(f.value, found.body);
        } else if (equal_ignoring_case(f.name, "smithy-protocol")) {
            ++found.rpc_protocols;
            found.speaks_rpc = f.value == "rpc-v2-cbor" || f.value == "rpc-v2-json";
        }
    }
    return found;
}

// A service that speaks Query finds Action in any body; of others only a form could be taken for one.
void read_body(const action_source& from, const body_kind& kind, findings& into) {
    const bool is_read = speaks_query(from.service, from.traits) || kind.is_form;
    if (!is_read || (from.body && from.body->empty())) {
        return;
    }
    if (!from.body || kind.types > 1 || kind.is_multipart || kind.has_other_charset || kind.is_coded) {
        into.broken = true;
        return;
    }
    read_parameters(*from.body, into);
}

// Where a method and a path say what is meant, nothing else does.
bool has_actions(const action_source& from) noexcept {
    constexpr std::array<string_view, 6> of_customers{
        "aoss", "appsync", "es", "execute-api", "lambda", "vpc-lattice-svcs"};
    return from.traits.errors != signer::wire_protocol::rest_xml && from.traits.errors != signer::wire_protocol::text &&
           from.traits.path != signer::path_rule::s3 &&
           std::find(of_customers.begin(), of_customers.end(), from.service) == of_customers.end();
}

// Does what was found stand where this service looks for it?
bool is_meant(const action_source& from, const header_findings& fields, const findings& found) noexcept {
    const bool is_post = from.method == "POST";
    if (fields.rpc_protocols != 0) {
        return fields.rpc_protocols == 1 && fields.speaks_rpc && found.by_path && is_post;
    }
    const bool has_path = from.path == "/" || (from.service == "sqs" && is_queue_path(from.path));
    if (!has_path) {
        return false;
    }
    const bool by_query =
        found.by_parameter && speaks_query(from.service, from.traits) && (is_post || from.method == "GET");
    return by_query || (found.by_target && is_post);
}

} // namespace

std::optional<std::string> action_of(const action_source& from) {
    if (!has_actions(from)) {
        return std::nullopt;
    }
    findings found;
    const header_findings fields = read_fields(from, found);
    if (fields.rpc_protocols != 0) {
        read_rpc_path(from.path, found);
    }
    read_parameters(from.query, found);
    read_body(from, fields.body, found);
    if (found.broken || found.name.empty() || !is_meant(from, fields, found)) {
        return std::nullopt;
    }
    return std::move(found.name);
}

bool speaks_query(string_view service, const signer::service_traits& traits) noexcept {
    return service == "sqs" || traits.errors == signer::wire_protocol::query_xml ||
           traits.errors == signer::wire_protocol::ec2_xml;
}

bool is_form(string_view content_type) noexcept {
    return equal_ignoring_case(
        content_type.substr(0, content_type.find_first_of("; \t")), "application/x-www-form-urlencoded"
    );
}

bool overrides_method(std::span<const field> fields) noexcept {
    return std::any_of(fields.begin(), fields.end(), [](const field& f) {
        return !f.stays_here &&
               (equal_ignoring_case(f.name, "x-http-method-override") || equal_ignoring_case(f.name, "x-http-method") ||
                equal_ignoring_case(f.name, "x-method-override"));
    });
}

} // namespace countersign::proxy
