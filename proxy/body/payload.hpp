// What a request's payload is to its signature: how it is read and what is signed of it. Pure; any thread.
#pragma once

#include "conf/config.hpp"
#include "proxy/http/inbound.hpp"
#include "proxy/http/refusal.hpp"
#include "signer/scope.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::proxy::body {

enum class payload_plan : std::uint8_t {
    none,      // there is no body
    memory,    // read whole, hashed
    unsigned_, // read whole, UNSIGNED-PAYLOAD
};
std::string_view to_string(payload_plan p) noexcept; // as the access log has it

// What the choice depends on.
struct payload_question {
    const signer::service_traits& traits;
    conf::payload_mode mode; // the route's
    conf::sign_mode sign;
    payload_claim claim = payload_claim::none;
    bool is_empty = false;
};
payload_plan choose_payload(const payload_question& q) noexcept;

// Before the body is read: can one of this kind and size be taken? A refusal when not.
std::optional<refusal> check_payload(const inbound& in, conf::sign_mode sign, const conf::payload_settings& limits);

// H(body) in hex, computed once for a request, where it is asked for.
class body_hash {
public:
    std::string_view of(std::string_view body) noexcept; // the same body each time, until forget()
    void forget() noexcept { is_known_ = false; }

private:
    std::array<char, 64> text_{};
    bool is_known_ = false;
};

} // namespace countersign::proxy::body
