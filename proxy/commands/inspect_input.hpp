// What somebody hands to `countersign inspect`: a URL, a request message, a header section, or an Authorization header,
// as it came out of a browser, a log or `curl -v`. Read leniently: what cannot be read becomes a fault, not an end.
// Pure; throws std::runtime_error only where there is nothing to look at.
#pragma once

#include "signer/inspection.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::proxy {

class inspect_input {
public:
    static inspect_input read_url(std::string_view text);
    static inspect_input read_any(std::string_view text);

    inspect_input(inspect_input&&) = default; // views point into texts_, whose elements stay where they are
    inspect_input(const inspect_input&) = delete;

    // Views into this object.
    signer::inspected_request request() const;

    const std::vector<std::string>& faults() const noexcept { return faults_; }

private:
    inspect_input() = default;
    void take_url(std::string_view text);
    void take_request_line(std::string_view line);
    void take_header(std::string_view line);
    void take_head(std::string_view& rest);
    void take_body(std::string_view rest);
    void find_host();
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

    std::deque<std::string> texts_;
    signer::exhibit kind_ = signer::exhibit::message;
    std::string_view method_, path_, query_, host_, body_hash_;
    std::vector<signer::header> headers_;
    std::vector<std::string> faults_;
};

} // namespace countersign::proxy
