// What a server's SignatureDoesNotMatch answer tells of its own computation, in each form that AWS gives it: S3's XML
// elements, and the message of JSON and query services. Pure; throws std::runtime_error with one line for the user.
#pragma once

#include <string>
#include <string_view>

namespace countersign::proxy {

struct server_answer {
    std::string code;              // "" where there is none
    std::string canonical_request; // "" where the answer does not tell
    std::string string_to_sign;

    // `text`: the answer's body, or the whole answer with its head. Throws when it tells neither text.
    static server_answer parse(std::string_view text);
};

} // namespace countersign::proxy
