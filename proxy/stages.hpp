// One request from the end of its head to the end of its answer, stage by stage. Each stage is made from those before
// it and does not change afterwards: received → admitted → prepared → an attempt, signed_as, with its outcome. What
// they point into is the exchange's memory. One worker's thread.
#pragma once

#include "proxy/body/payload.hpp"
#include "proxy/body/source.hpp"
#include "proxy/destination.hpp"
#include "proxy/http/answer_head.hpp"
#include "proxy/http/inbound.hpp"
#include "proxy/rules/signed_as.hpp"
#include "proxy/rules/tenant.hpp"
#include "proxy/upstream_pool.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy {

// What came.
struct received {
    inbound request;
    std::size_t head_size = 0;
    steady_time began{}; // its first byte
};

// Where it goes, and who signs.
struct admitted {
    destination_ptr destination;
    std::size_t identity = 0;           // the route's choice, or the tenant's
    std::optional<tenant_claim> tenant; // where clients have to sign; not believed before its body was read
    steady_time turn{};                 // reserved of the route's rate_limit: it must not go before

    bool is_signed() const noexcept { return destination->plan.sign != conf::sign_mode::none; }
};

// Its body, as far as that is known before it goes out: kept whole, or about to be streamed.
struct request_content {
    body::payload_choice choice;
    std::string_view bytes;         // where it lies in memory
    body::source* stream = nullptr; // where it does not
    std::uint64_t length = 0;
    std::span<const signer::trailer> trailers = {}; // of one that is kept
};

// As it goes out, whichever attempt it is.
struct prepared {
    std::string_view path, query;
    std::span<const field> fields;  // of the client's, those that go on
    std::string_view sdk_request;   // amz-sdk-request of a further attempt; "": the client's own
    std::string_view body;          // where it lies in memory
    body::source* stream = nullptr; // where it does not
    std::uint64_t content_length = 0;
    body::payload_plan payload = body::payload_plan::none;
    std::optional<signer::chunk_form> form; // aws-chunked coding, made on the way
    std::string_view payload_hash;          // "" where nothing is signed
    bool add_content_sha256 = false;
    steady_time ready{};     // when its attempts begin: with the request, or when a body that takes its time is there
    bool is_invited = false; // the body goes when the service asks for it (100 Continue): it cannot be sent twice

    bool can_be_sent() const noexcept { return !stream || stream->is_replayable(); }
};

// When all of it ends.
struct exchange_limits {
    std::chrono::milliseconds answer{0}; // request written to the end of the answer's head
    std::chrono::milliseconds pause{0};  // between two pieces of the answer's body
    steady_time give_up{};               // whatever is under way upstream then ends
};

// How much of a request may have reached the service.
enum class delivery : std::uint8_t { nothing, part, whole };

// What one attempt came to.
struct outcome {
    io_error error = io_error::none; // none: `reply` is an answer
    std::string failure;             // for the log and the client's error: where and why
    upstream_lease connection;       // the answer's bytes lie in its buffer, `reply` points into them
    signed_as with;                  // what an answer is compared with
    delivery delivered = delivery::nothing;
    std::chrono::nanoseconds upstream_time{0}; // begin of sending to the end of the answer's head, or to the failure
    answer reply;
    std::string_view code;        // the service's error code, when the answer is an error
    bool is_error_inside = false; // its status is 200, but its body is an error (rules/hidden_error.hpp)
    std::string_view region;      // … and the region that S3 says the signature should be for, or the bucket is in
    std::string_view endpoint;    // … and the host that S3's redirect names in its body
    bool is_whole = false;        // the answer's body lies in the connection's buffer, all of it
    std::size_t body_size = 0;    // … its size there, framing included
    io_error body_end = io_error::none; // … how the connection ended behind it, if it has
    bool is_unknown = false;            // an error, but the service may have carried the request out (RFC 9110 9.2.2)
    bool is_held_back = false;          // … and therefore it is not sent again, though time and attempts are left
    bool is_clients_fault = false;      // the error is one of the request's body, or its client's
};

// What is told of it afterwards: to the client's connection, the log, the counters.
struct exchange_record {
    unsigned status = 0; // as the client saw it; 0: none
    unsigned attempts = 0;
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    std::chrono::nanoseconds upstream_time{0}; // of the last attempt
    destination_ptr destination;               // of the last attempt; null: refused before it was known
    std::string region;                        // signed for; "" where nothing was signed
    body::payload_plan payload = body::payload_plan::none;
    bool keep_alive = false;   // the client's connection may carry another request
    bool broken_off = false;   // the answer is not whole: the connection must end
    bool reset_client = false; // … by a reset, since its end would look like the answer's
};

// Room for what the stages point into: lent while an exchange is under way, so that idle connections and heads that are
// still on their way hold none.
class exchange_memory {
public:
    field_array request_fields;
    field_array response_fields;

    // What lives as long as the request, and what is made anew for each attempt.
    std::pmr::memory_resource& of_request() noexcept { return request_memory_; }
    std::pmr::memory_resource& of_attempt() noexcept { return attempt_memory_; }
    void begin_attempt() noexcept { attempt_memory_.release(); }
    void reset() noexcept {
        request_memory_.release();
        attempt_memory_.release();
    }

private:
    std::array<std::byte, 16 * 1024> request_room_;
    std::array<std::byte, 32 * 1024> attempt_room_;
    std::pmr::monotonic_buffer_resource request_memory_{request_room_.data(), request_room_.size()};
    std::pmr::monotonic_buffer_resource attempt_memory_{attempt_room_.data(), attempt_room_.size()};
};

} // namespace countersign::proxy
