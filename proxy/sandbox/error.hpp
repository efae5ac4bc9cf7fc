// Errors of the sandbox's services in the wire protocol that the caller's client library understands.
// Pure; any thread. Texts never hold a secret.
#pragma once

#include "proxy/sandbox/message.hpp"
#include "signer/scope.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy::sandbox {

struct service_error {
    unsigned status = 400;
    std::string code; // as the service names it: NoSuchKey, ThrottlingException, …
    std::string message;
    std::vector<field> details = {}; // further elements of a REST-XML error: Key, StringToSign, …
};

// REST-XML: <Error><Code>…<RequestId>; Query: <ErrorResponse><Error><Type>…; EC2: <Response><Errors><Error>…;
// JSON: {"__type":…,"message":…} with x-amzn-errortype; text: the message.
answer render(const service_error& e, signer::wire_protocol protocol, std::string_view request_id);

// The three ways in which a service says "later" or "I am ill".
service_error throttled(signer::wire_protocol protocol);
service_error broken(signer::wire_protocol protocol);

// An error of that very status, when the caller asked for one.
service_error of_status(unsigned status);

} // namespace countersign::proxy::sandbox
