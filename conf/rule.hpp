// The entries of policy.allow and policy.deny as they stand in the file: a host glob, or an inline table with any of
// host, service, region, action and method. What they mean for a request: proxy/rules/policy.hpp. Start-up code; throws
// conf::error.
#pragma once

#include "conf/value.hpp"

#include <string>
#include <vector>

namespace countersign::conf {

std::vector<rule> read_rules(const value& v);

// A host name with wildcards, in lower case. Hosts are matched without port and final dot; what could never match is
// an error.
std::string host_glob(const value& v);

// One method or a list: "GET", ["GET", "HEAD"].
std::vector<std::string> methods(const value& v);

} // namespace countersign::conf
