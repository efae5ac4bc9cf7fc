// What the sandbox tells people and test programs about itself: log lines, the journal as JSON, the help
// page. Pure; any thread. No output of this file holds a token or a whole signature.
#pragma once

#include "proxy/sandbox/gate.hpp"
#include "proxy/sandbox/message.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <vector>

namespace countersign::proxy::sandbox {

// What is remembered of a request.
struct journal_entry {
    std::chrono::sys_seconds time;
    std::string method, host, path; // without the query
    std::string access_key_id, service, region;
    std::string verdict; // "verified", why not, or "unsigned" where no signature is asked for
    std::string detail;
    std::string fault;          // the x-fault that hit, "" for none
    unsigned status = 0;        // 0: a fault closed the connection instead
    std::vector<field> headers; // without secrets
};

// Values of tokens and foreign Authorization schemes become "(hidden)", a SigV4 signature its first 8 digits.
std::vector<field> without_secrets(const std::vector<field>& headers);

// "PUT s3.us-east-1.amazonaws.com /bucket/key AKIA… us-east-1/s3 verified 200", all but printable ASCII
// escaped.
std::string describe(const journal_entry& e);

std::string to_json(const std::deque<journal_entry>& journal);

// The answer of every service that the sandbox does not play.
std::string verified_json(const request& ask, const verdict& v);

// GET /_sandbox/
std::string explanation();

} // namespace countersign::proxy::sandbox
