#include "proxy/http/refusal.hpp"

#include "proxy/http/escaped.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

namespace countersign::proxy {
namespace {

struct status_row {
    unsigned status;
    std::string_view reason;
    std::string_view xml_code;  // as S3 and the query services call it; "": not a refusal
    std::string_view json_code; // as the JSON services call it
};

// The codes are ones that SDKs have a name for; those that make a client repeat its request (RequestTimeout,
// SlowDown, ServiceUnavailable …) stand only where repeating can help.
constexpr std::array<status_row, 28> statuses{{
    {100, "Continue", "", ""},
    {200, "OK", "", ""},
    {204, "No Content", "", ""},
    {301, "Moved Permanently", "", ""},
    {302, "Found", "", ""},
    {304, "Not Modified", "", ""},
    {307, "Temporary Redirect", "", ""},
    {400, "Bad Request", "InvalidRequest", "InvalidRequestException"},
    {403, "Forbidden", "AccessDenied", "AccessDeniedException"},
    {404, "Not Found", "NotFound", "ResourceNotFoundException"},
    {405, "Method Not Allowed", "MethodNotAllowed", "InvalidRequestException"},
    {408, "Request Timeout", "RequestTimeout", "RequestTimeoutException"},
    {411, "Length Required", "MissingContentLength", "InvalidRequestException"},
    {413, "Content Too Large", "EntityTooLarge", "RequestEntityTooLargeException"},
    {414, "URI Too Long", "InvalidURI", "InvalidRequestException"},
    {417, "Expectation Failed", "InvalidRequest", "InvalidRequestException"},
    {421, "Misdirected Request", "InvalidRequest", "InvalidRequestException"},
    {426, "Upgrade Required", "InvalidRequest", "InvalidRequestException"},
    {429, "Too Many Requests", "SlowDown", "TooManyRequestsException"},
    {431, "Request Header Fields Too Large", "RequestHeaderSectionTooLarge", "InvalidRequestException"},
    {500, "Internal Server Error", "InternalError", "InternalServerException"},
    {501, "Not Implemented", "NotImplemented", "InvalidRequestException"},
    {502, "Bad Gateway", "InternalError", "InternalServerException"},
    {503, "Service Unavailable", "ServiceUnavailable", "ServiceUnavailableException"},
    {504, "Gateway Timeout", "RequestTimeout", "RequestTimeoutException"},
    {505, "HTTP Version Not Supported", "InvalidRequest", "InvalidRequestException"},
    {507, "Insufficient Storage", "InternalError", "InternalServerException"},
    {508, "Loop Detected", "InvalidRequest", "InvalidRequestException"},
}};

const status_row& row_of(unsigned status) noexcept {
    static constexpr status_row unknown{0, "Unknown", "InternalError", "InternalServerException"};
    const auto* found =
        std::find_if(statuses.begin(), statuses.end(), [status](const status_row& r) { return r.status == status; });
    return found != statuses.end() ? *found : unknown;
}

// What S3, Query services, EC2 and JSON services say when they throttle.
std::string_view code_in_body(const refusal& r, signer::wire_protocol protocol) noexcept {
    if (!r.aws_code.empty()) {
        return r.aws_code;
    }
    const bool throttled = r.kind == refusal_kind::throttled;
    switch (protocol) {
    case signer::wire_protocol::rest_xml:
        return throttled ? "SlowDown" : row_of(r.status).xml_code;
    case signer::wire_protocol::query_xml:
        return throttled ? "Throttling" : row_of(r.status).xml_code;
    case signer::wire_protocol::ec2_xml:
        return throttled ? "RequestLimitExceeded" : row_of(r.status).xml_code;
    default:
        return throttled ? "ThrottlingException" : row_of(r.status).json_code;
    }
}

struct document {
    std::string_view content_type;
    std::string text;
};

void append_text(pugi::xml_node parent, const char* name, std::string_view text) {
    parent.append_child(name).text().set(std::string(text).c_str());
}

// The places of <Code> and <Message> by protocol; http/service_error.cpp finds them there again.
document xml_document(const refusal& r, signer::wire_protocol protocol, std::string_view message) {
    pugi::xml_document xml;
    pugi::xml_node declaration = xml.append_child(pugi::node_declaration);
    declaration.append_attribute("version") = "1.0";
    declaration.append_attribute("encoding") = "UTF-8";
    pugi::xml_node parent = xml;
    if (protocol == signer::wire_protocol::query_xml) {
        parent = xml.append_child("ErrorResponse");
    }
    if (protocol == signer::wire_protocol::ec2_xml) {
        parent = xml.append_child("Response").append_child("Errors");
    }
    pugi::xml_node error = parent.append_child("Error");
    if (protocol == signer::wire_protocol::query_xml) {
        append_text(error, "Type", r.status < 500 ? "Sender" : "Receiver");
    }
    append_text(error, "Code", code_in_body(r, protocol));
    append_text(error, "Message", message);
    std::ostringstream out;
    xml.save(out, "", pugi::format_raw);
    const bool is_query = protocol != signer::wire_protocol::rest_xml;
    return {is_query ? "text/xml" : "application/xml", std::move(out).str()};
}

document make_document(const refusal& r, signer::wire_protocol protocol) {
    const std::string message = escaped(r.message);
    switch (protocol) {
    case signer::wire_protocol::rest_xml:
    case signer::wire_protocol::query_xml:
    case signer::wire_protocol::ec2_xml:
        return xml_document(r, protocol, message);
    case signer::wire_protocol::json: {
        const boost::json::object body{{"__type", code_in_body(r, protocol)}, {"message", message}};
        return {"application/json", boost::json::serialize(body)};
    }
    case signer::wire_protocol::text:
        break;
    }
    return {"text/plain; charset=utf-8", message + "\n"};
}

} // namespace

std::string_view reason_phrase(unsigned status) noexcept {
    return row_of(status).reason;
}

std::string render(const refusal& r, signer::wire_protocol protocol, bool head_request, bool close) {
    const document body = make_document(r, protocol);
    std::string answer;
    answer.reserve(384 + body.text.size());
    auto to = std::back_inserter(answer);
    fmt::format_to(
        to,
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: "
        "no-store\r\nx-countersign-error: {}\r\n",
        r.status,
        reason_phrase(r.status),
        body.content_type,
        body.text.size(),
        r.code
    );
    // A HEAD answer has no body to name the code in; JSON clients find it here.
    if (protocol == signer::wire_protocol::json) {
        fmt::format_to(to, "x-amzn-errortype: {}\r\n", code_in_body(r, protocol));
    }
    if (r.retry_after) {
        fmt::format_to(to, "Retry-After: {}\r\n", *r.retry_after);
    }
    if (close) {
        answer += "Connection: close\r\n";
    }
    answer += "\r\n";
    if (!head_request) {
        answer += body.text;
    }
    return answer;
}

} // namespace countersign::proxy
