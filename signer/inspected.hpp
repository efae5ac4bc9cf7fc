// What inspect() looks at, and what it finds there. Plain values; any thread.
#pragma once

#include "signer/request.hpp"
#include "signer/sigv4.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::signer {

// How far from its own clock a service lets X-Amz-Date be.
inline constexpr std::chrono::seconds clock_tolerance{900};

// What there is to look at. Rules about parts that are not there are left out.
enum class exhibit : std::uint8_t {
    message,       // a whole request
    url,           // method and headers are unknown, save Host
    authorization, // the Authorization header alone
};

struct inspected_request {
    exhibit kind = exhibit::message;
    request what;                              // payload_hash is not read
    std::string_view host;                     // lower-case, without port; "" where it is unknown
    std::optional<std::string_view> body_hash; // H(body) where there is a body to hash
};

struct inspection {
    bool is_signed = false; // some Signature Version 4 was found; otherwise the rest is empty
    placement where = placement::header;
    std::string algorithm, access_key_id;
    std::string day, region, service, terminator; // of the scope; region is empty for SigV4A
    std::string region_set;                       // X-Amz-Region-Set
    std::string date;                             // as written, "" where there is none
    std::optional<std::chrono::sys_seconds> signed_at;
    std::optional<std::chrono::seconds> expires; // query placement
    std::vector<std::string> signed_headers;     // as written
    std::optional<std::size_t> token_size;       // none: no session token
    std::string payload;                         // the last line of the canonical request, in words; "" unknown

    std::vector<std::string> faults; // each by itself makes a service refuse the request
    std::vector<std::string> notes;  // worth knowing, not wrong

    bool is_multi_region() const noexcept { return algorithm == "AWS4-ECDSA-P256-SHA256"; }
};

// "valid for another 12 min", "expired 3 days ago", "" where the request does not say.
std::string validity(const inspection& found, std::chrono::sys_seconds now);

// 45 s, 12 min, 5 hours, 3 days: the largest unit that fits twice, rounded down. REQUIRES: not negative.
std::string in_words(std::chrono::seconds span);

} // namespace countersign::signer
