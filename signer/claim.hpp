// What a request says about its own signature, read strictly: the first half of verify(). Says nothing about
// whether it is true. Pure; any thread.
#pragma once

#include "signer/mismatch.hpp"
#include "signer/request.hpp"
#include "signer/sigv4.hpp"

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::signer {

// What the request says about its signature, wherever it says so.
struct claim {
    placement where = placement::header;
    bool asymmetric = false; // SigV4A: `region` is the region set then, no part of the scope
    std::string access_key_id, day, region, service, terminator;
    std::vector<std::string> signed_headers;
    std::string signature;
    std::string date;
    std::optional<std::string> token;
    std::chrono::seconds expires{0}; // query placement only
};

struct objection {
    mismatch what = mismatch::none;
    std::string detail;
};
using verdict = std::optional<objection>; // nullopt: go on

// Reads Authorization or the X-Amz-* parameters. Anything twice, both at once, or not as the standard writes
// it is an objection.
verdict read_claim(const request& what, claim& c);

// --- Shared with verify.cpp
// -------------------------------------------------------------------------------------------

objection malformed(std::string_view what);
std::string joined(std::initializer_list<std::string_view> parts);
std::string lower(std::string_view text);
bool is_lower_hex_hash(std::string_view text) noexcept;

// Day, region, service and terminator as the string to sign has them: the credential without the access key id.
std::string scope_text(const claim& c);

// Headers of this name.
std::size_t count_of(std::span<const header> headers, std::string_view lower_name) noexcept;

// Trimmed values of all headers of this name, in their order.
std::vector<std::string_view> values_of(std::span<const header> headers, std::string_view lower_name);

// Decoded values of a query parameter. Its name must match exactly, as everything in a URL does.
std::vector<std::string> parameters_of(std::string_view query, std::string_view name);

} // namespace countersign::signer
