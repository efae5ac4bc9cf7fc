#include "proxy/sandbox/error.hpp"

#include "proxy/sandbox/xml.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <pugixml.hpp>

#include <utility>

namespace countersign::proxy::sandbox {

namespace {

answer rest_xml(const service_error& e, std::string_view request_id) {
    pugi::xml_document document;
    pugi::xml_node error = document.append_child("Error");
    add_text(error, "Code", e.code);
    add_text(error, "Message", e.message);
    for (const field& f : e.details) {
        add_text(error, f.name.c_str(), f.value);
    }
    add_text(error, "RequestId", request_id);
    return xml_answer(e.status, document);
}

answer query_xml(const service_error& e, std::string_view request_id) {
    pugi::xml_document document;
    pugi::xml_node response = document.append_child("ErrorResponse");
    pugi::xml_node error = response.append_child("Error");
    add_text(error, "Type", e.status < 500 ? "Sender" : "Receiver");
    add_text(error, "Code", e.code);
    add_text(error, "Message", e.message);
    add_text(response, "RequestId", request_id);
    return xml_answer(e.status, document);
}

answer ec2_xml(const service_error& e, std::string_view request_id) {
    pugi::xml_document document;
    pugi::xml_node response = document.append_child("Response");
    pugi::xml_node error = response.append_child("Errors").append_child("Error");
    add_text(error, "Code", e.code);
    add_text(error, "Message", e.message);
    add_text(response, "RequestID", request_id);
    return xml_answer(e.status, document);
}

answer json_answer(const service_error& e) {
    const boost::json::object body{{"__type", e.code}, {"message", e.message}};
    answer a = text_answer(e.status, "application/x-amz-json-1.0", boost::json::serialize(body));
    a.headers.push_back({"x-amzn-errortype", e.code});
    return a;
}

} // namespace

answer render(const service_error& e, signer::wire_protocol protocol, std::string_view request_id) {
    switch (protocol) {
    case signer::wire_protocol::rest_xml:
        return rest_xml(e, request_id);
    case signer::wire_protocol::query_xml:
        return query_xml(e, request_id);
    case signer::wire_protocol::ec2_xml:
        return ec2_xml(e, request_id);
    case signer::wire_protocol::json:
        return json_answer(e);
    case signer::wire_protocol::text:
        break;
    }
    return text_answer(e.status, "text/plain", e.message + "\n");
}

service_error throttled(signer::wire_protocol protocol) {
    switch (protocol) {
    case signer::wire_protocol::rest_xml:
        return {503, "SlowDown", "Please reduce your request rate."};
    case signer::wire_protocol::query_xml:
        return {400, "Throttling", "Rate exceeded"};
    case signer::wire_protocol::ec2_xml:
        return {503, "RequestLimitExceeded", "Request limit exceeded."};
    case signer::wire_protocol::json:
        return {400, "ThrottlingException", "Rate exceeded"};
    case signer::wire_protocol::text:
        break;
    }
    return {429, "TooManyRequests", "Rate exceeded"};
}

service_error broken(signer::wire_protocol protocol) {
    if (protocol == signer::wire_protocol::rest_xml) {
        return {500, "InternalError", "We encountered an internal error. Please try again."};
    }
    return {500, "InternalFailure", "The request processing has failed because of an unknown error."};
}

service_error of_status(unsigned status) {
    return {status, fmt::format("SandboxStatus{}", status), "You asked for this status with x-fault."};
}

} // namespace countersign::proxy::sandbox
