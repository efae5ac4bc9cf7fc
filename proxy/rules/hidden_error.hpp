// S3 begins some answers before it knows how they end: 200, then white space for as long as its work lasts, then the
// result, or an error. Which requests are answered so, and which of the two a body is. Pure; any thread.
#pragma once

#include "proxy/http/answer_head.hpp"
#include "proxy/rules/plan.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace countersign::proxy {

// A 200 to CompleteMultipartUpload, CopyObject or UploadPartCopy. No other answer is ever looked into.
bool may_hide_error(
    const answer& a, const plan& where, std::string_view method, std::string_view query, std::span<const field> fields
) noexcept;

enum class xml_root : std::uint8_t {
    unknown, // not there yet
    error,   // <Error>
    other,   // another element, or no XML
};

// Of the beginning of a body, decoded: <?xml version="1.0"?> and white space → unknown.
xml_root root_of(std::string_view body) noexcept;

} // namespace countersign::proxy
