// Where our canonical request (or string to sign) and a server's part, and why that usually happens: what a
// SignatureDoesNotMatch answer is good for. Values of tokens, signatures and customers' keys are never in the result,
// only their lengths. Pure; any thread; not made for speed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::signer {

// The lines of a canonical request, then those of a string to sign.
enum class signed_line : std::uint8_t {
    form, // one of the texts is not of the form that it should be of
    method,
    path,
    query,
    header,
    signed_headers,
    payload_hash,
    algorithm,
    date,
    scope,
    request_hash,
};
std::string_view to_string(signed_line line) noexcept;

struct difference {
    signed_line line = signed_line::form;
    std::string name;                        // of the header or the query parameter
    std::optional<std::string> ours, theirs; // none: it stands on the other side only
    std::size_t column = 1;                  // in both values, from 1: the first byte that differs
    std::string cause;                       // the likely one, in words, with what to do
};

// The first difference from top to bottom; nullopt when the texts are equal. Line ends at the end of a text do not
// count.
std::optional<difference> compare_canonical_requests(std::string_view ours, std::string_view theirs);
std::optional<difference> compare_strings_to_sign(std::string_view ours, std::string_view theirs);

} // namespace countersign::signer
