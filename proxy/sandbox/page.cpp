#include "proxy/sandbox/page.hpp"

#include "proxy/sandbox/fault.hpp"
#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/metadata.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <array>
#include <string_view>

namespace countersign::proxy::sandbox {

namespace json = boost::json;

namespace {

constexpr std::string_view hidden = "(hidden)";
constexpr std::string_view signature_field = "Signature=";
constexpr std::size_t shown_digits = 8;

std::string without_signature(std::string_view authorization) {
    const std::size_t at = authorization.rfind(signature_field);
    if (!authorization.starts_with("AWS4-") || at == std::string_view::npos) {
        return std::string(hidden);
    }
    return fmt::format("{}...", authorization.substr(0, at + signature_field.size() + shown_digits));
}

// JSON must be UTF-8; requests need not be. Control bytes would also forge lines of the log.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c > ' ' && c < 0x7f) {
            out += c;
        } else {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == ' ' ? " " : escaped({&c, 1});
    }
    return out;
}

std::string_view or_dash(std::string_view text) {
    return text.empty() ? "-" : text;
}

} // namespace

std::vector<field> without_secrets(const std::vector<field>& headers) {
    constexpr std::array secret{
        "x-amz-security-token",
        "x-aws-ec2-metadata-token",
        "x-amz-s3session-token",
        "proxy-authorization",
        "cookie",
    };
    std::vector<field> out = headers;
    for (field& f : out) {
        for (const std::string_view name : secret) {
            if (equals_any_case(f.name, name)) {
                f.value = hidden;
            }
        }
        if (equals_any_case(f.name, "authorization")) {
            f.value = without_signature(f.value);
        }
    }
    return out;
}

std::string describe(const journal_entry& e) {
    const std::string scope = e.service.empty() ? "-" : escaped(fmt::format("{}/{}", e.region, e.service));
    std::string line = fmt::format(
        "{} {} {} {} {} {} {}",
        escaped(e.method),
        or_dash(escaped(e.host)),
        escaped(e.path),
        or_dash(escaped(e.access_key_id)),
        scope,
        e.verdict,
        e.status
    );
    if (!e.fault.empty()) {
        line += fmt::format(" fault={}", escaped(e.fault));
    }
    if (!e.detail.empty()) {
        line += fmt::format(" ({})", printable(e.detail));
    }
    return line;
}

std::string to_json(const std::deque<journal_entry>& journal) {
    json::array out;
    for (const journal_entry& e : journal) {
        json::array headers;
        for (const field& f : e.headers) {
            headers.push_back(json::array{printable(f.name), printable(f.value)});
        }
        out.push_back(json::object{
            {"time", iso_time(e.time)},
            {"method", printable(e.method)},
            {"host", printable(e.host)},
            {"path", printable(e.path)},
            {"access_key_id", printable(e.access_key_id)},
            {"service", printable(e.service)},
            {"region", printable(e.region)},
            {"verdict", e.verdict},
            {"detail", printable(e.detail)},
            {"fault", printable(e.fault)},
            {"status", e.status},
            {"headers", std::move(headers)},
        });
    }
    return json::serialize(out) + "\n";
}

std::string verified_json(const request& ask, const verdict& v) {
    const json::object body{
        {"verified", true},
        {"service", printable(v.found.service)},
        {"region", printable(v.found.region)},
        {"access_key_id", printable(v.found.access_key_id)},
        {"method", printable(ask.method)},
        {"path", printable(ask.path)},
    };
    return json::serialize(body) + "\n";
}

std::string explanation() {
    return fmt::format(
        R"(The countersign sandbox verifies AWS Signature Version 4 and answers like a little AWS.
Nothing here is real, nothing is kept.

Key that is always known (no secret)
  access key id      {}
  secret access key  {}

Host                                    answers
  s3.REGION.amazonaws.com               S3 in memory, path style (and bucket.s3.REGION...)
  sts.REGION.amazonaws.com              GetCallerIdentity, AssumeRole, GetSessionToken; without a signature
                                        AssumeRoleWithWebIdentity (any JWT with iss and sub; exp counts).
                                        As MFA code six digits are right, save 000000
  dynamodb.REGION.amazonaws.com         CreateTable, DescribeTable, ListTables, PutItem, GetItem
  any other AWS host                    JSON that says whose signature was verified
  this address, signed requests         the service that the signature names
  this address, GET /latest/...         IMDSv2: temporary keys of {}
  this address, GET /container/credentials
                                        container credentials; /container/guarded-credentials demands
                                        "Authorization: {}"
  this address, GET /_sandbox/requests  the last 100 requests and what became of their signatures

Faults on demand, as a query parameter of any request: x-fault=...
  throttle:2         the first 2 of these requests are throttled (SlowDown, ThrottlingException)
  error:1            the first gets 500
  status:503:2       the first 2 get 503
  retry-after:1      the first gets 503 with Retry-After: 1
  slow:500ms         each is answered half a second late
  close:1 reset:1    the first gets no answer: the connection is closed, or reset
  truncate           each answer breaks off in the middle
"These requests": same method, host, path and x-fault.
)",
        demo_access_key_id,
        demo_secret_access_key,
        metadata_role,
        container_token
    );
}

} // namespace countersign::proxy::sandbox
