// One HTTP/1.1 request message as text, for `countersign sign` only: read whole, taken apart without changing
// a byte of it, and written again. What the proxy itself receives from the network goes through a parser of
// its own that refuses much more. Pure; may throw (it belongs to start-up code).
#pragma once

#include "signer/sigv4.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy {

struct message {
    message() = default;
    message(message&&) = default;
    message(const message&) = delete; // `headers` points into `unfolded`

    std::string_view method;
    std::string_view path; // origin-form, as it stands
    std::string_view query;
    std::string_view version;
    std::vector<signer::header> headers; // values trimmed, a folded line joined by one blank
    std::string_view body;
    std::string_view line_end; // "\r\n", or "\n" where the message has bare ones

    // All views point into `text` (REQUIRES: it lives as long) or into this object. Throws std::runtime_error
    // with one line that says what is wrong.
    static message parse(std::string_view text);

    // The value of the first header with this (lower-case) name.
    std::optional<std::string_view> find(std::string_view lower_name) const;

    // The message as it stands now.
    std::string text() const;

    std::deque<std::string> unfolded; // holds the values of folded headers
};

} // namespace countersign::proxy
