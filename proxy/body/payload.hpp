// What a request's payload is to its signature, and how it gets from the client to the service: decided from the head.
// Pure; any thread.
#pragma once

#include "conf/config.hpp"
#include "proxy/http/inbound.hpp"
#include "proxy/http/refusal.hpp"
#include "signer/aws_chunked.hpp"
#include "signer/scope.hpp"
#include "signer/sha256.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace countersign::proxy::body {

enum class payload_plan : std::uint8_t {
    none,       // there is no body
    given_hash, // the caller's own hash is signed, and the body checked against it on its way
    memory,     // kept in memory, hashed
    chunked,    // in S3's aws-chunked coding, each chunk signed
    spilled,    // kept in a temporary file, hashed
    unsigned_,  // UNSIGNED-PAYLOAD
};
std::string_view to_string(payload_plan p) noexcept; // as the access log has it

// What the choice depends on.
struct payload_question {
    const signer::service_traits& traits;
    conf::payload_mode mode; // the route's
    conf::sign_mode sign;
    const inbound& in;
    bool is_sigv4a = false;
    bool is_wanted_whole = false; // before a byte of it goes on: to be shown, or a tenant's chunks to be verified
};

struct payload_choice {
    payload_plan plan = payload_plan::none;       // memory: spilled, where it comes to that
    bool is_streamed = false;                     // passed on as it comes; else kept whole first
    std::uint64_t memory = 0;                     // … in memory up to so much
    std::optional<signer::chunk_form> takes = {}; // the client's aws-chunked coding, which ends here
    std::optional<signer::chunk_form> sends = {}; // ours
};

// `in_use`: what request bodies in memory hold now. A refusal: it is too large, or in a form that nobody knows.
std::variant<payload_choice, refusal>
choose_payload(const payload_question& q, const conf::payload_settings& limits, std::uint64_t in_use);

// Bytes of the content, where the head tells: what is left when the client's coding is taken off.
std::optional<std::uint64_t> content_length_of(const inbound& in, bool is_decoded) noexcept;

// The checksum that x-amz-trailer announces, where it is one and nothing else.
std::optional<signer::checksum_kind> announced_sum(const inbound& in) noexcept;

// H(body) in hex, computed once for a request, where it is asked for.
class body_hash {
public:
    std::string_view of(std::string_view body) noexcept; // the same body each time, until forget()
    void set(const signer::digest& known) noexcept;
    std::string_view known() const noexcept { return {text_.data(), text_.size()}; } // REQUIRES: set() or of()
    void forget() noexcept { is_known_ = false; }

private:
    std::array<char, 64> text_{};
    bool is_known_ = false;
};

} // namespace countersign::proxy::body
