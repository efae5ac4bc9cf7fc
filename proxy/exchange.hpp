// Everything that one request and its answer need while they are under way, in one piece of memory that the worker
// lends to a session from the end of the request's head to the last byte of the answer. Idle connections and heads
// that are still on their way hold none.
#pragma once

#include "chain/credentials.hpp"
#include "proxy/destination.hpp"
#include "proxy/http/inbound.hpp"
#include "proxy/rules/signed_as.hpp"
#include "proxy/rules/tenant.hpp"
#include "proxy/upstream_connection.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy {

// A request body in memory. Grows with what has really arrived.
class body_memory {
public:
    std::string_view view() const noexcept { return {bytes_.get(), size_}; }
    std::size_t capacity() const noexcept { return capacity_; }
    char* free_space() noexcept { return bytes_.get() + size_; }
    std::size_t free_size() const noexcept { return capacity_ - size_; }
    void added(std::size_t n) noexcept { size_ += n; }
    void reserve(std::size_t capacity);
    void append(std::string_view bytes);
    void clear() noexcept;

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

// How the end of an answer is told (RFC 9112 6.3).
enum class answer_framing : std::uint8_t { none, length, chunked, until_close };

struct answer {
    response_head head;
    answer_framing framing = answer_framing::none;
    std::uint64_t length = 0;
    bool keep_alive = false;
    std::size_t head_size = 0; // the head's bytes are the first of connection->bytes()
    std::string_view amz_retry_after, retry_after, amzn_errortype, amzn_query_error, amz_bucket_region;
    io_error end =
        io_error::none; // until_close: how its end came, if it has, behind what is in the connection's buffer
};

// How much of a request may have reached the service.
enum class delivery : std::uint8_t { nothing, part, whole };

struct exchange {
    exchange() = default;
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    // --- the request ---
    field_array request_fields;
    request_head head;
    inbound request;
    std::size_t head_size = 0;
    std::size_t block_used = 0; // bytes at the front of the session's that are this request
    block next_block;           // what was read behind a chunked body: the session goes on with it
    std::uint32_t next_begin = 0, next_end = 0;
    std::optional<refusal> refused; // we answer ourselves
    destination_ptr destination;
    std::size_t identity = 0;           // who signs: the route's choice, or the client's
    std::optional<tenant_claim> tenant; // where clients have to sign; empty: nobody is asked
    std::string_view path, query;       // as they go out
    std::string_view body;              // in the session's block or in body_room
    body_memory body_room;
    std::uint64_t body_reserved = 0; // counted in shared_state::body_bytes
    bool is_hashed = false;          // the body, into:
    std::array<char, 64> hash_text{};
    std::string_view payload_hash;
    bool add_content_sha256 = false;

    // --- the attempt ---
    upstream_ptr connection;
    signed_as signed_with;
    delivery delivered = delivery::nothing;
    std::chrono::milliseconds answer_limit{0}; // request written to the end of the answer's head
    std::chrono::milliseconds pause_limit{0};  // between two pieces of the answer's body
    steady_time give_up{};                     // whatever is under way upstream then ends
    field_array response_fields;
    answer reply;

    // --- for the log ---
    steady_time began{};
    steady_time sent{};
    std::chrono::nanoseconds upstream_time{0};
    unsigned status = 0; // as the client saw it; 0: none
    unsigned attempts = 0;
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    std::string_view payload_plan = "none";
    bool keep_alive = true;
    bool broken_off = false;   // the answer is not whole: the connection must end
    bool reset_client = false; // … by a reset, since its end would look like the answer's

    // What lives as long as the request, and what is made anew for each attempt.
    std::pmr::memory_resource& request_memory() noexcept { return request_memory_; }
    std::pmr::memory_resource& attempt_memory() noexcept { return attempt_memory_; }
    void begin_attempt() noexcept { attempt_memory_.release(); }
    void reset() noexcept; // for the next request

private:
    std::array<std::byte, 8 * 1024> request_room_;
    std::array<std::byte, 32 * 1024> attempt_room_;
    std::pmr::monotonic_buffer_resource request_memory_{request_room_.data(), request_room_.size()};
    std::pmr::monotonic_buffer_resource attempt_memory_{attempt_room_.data(), attempt_room_.size()};
};

} // namespace countersign::proxy
