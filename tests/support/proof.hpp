// Takes a DPoP proof apart (RFC 9449 section 4.2) and verifies it as its receiver would, by OpenSSL's own ECDSA
// verification.
#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>

namespace countersign::tests {

struct read_proof {
    std::string wrong = "no proof"; // "": it is good
    boost::json::object header, payload;
};

// Good: signed by the key in its header, and that key is the public half of `pem`.
read_proof verify_proof(std::string_view token, const std::string& pem);

} // namespace countersign::tests
