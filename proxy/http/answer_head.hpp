// The head of an upstream's answer: parsed with exactly one framing, and written anew for the client. Pure; any thread.
// RFC 9112 section 6.3, seen from the side of a proxy that trusts nothing.
#pragma once

#include "proxy/http/head.hpp"
#include "proxy/net/io_error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string_view>

namespace countersign::proxy {

// How the end of an answer is told (RFC 9112 6.3).
enum class answer_framing : std::uint8_t { none, length, chunked, until_close };

struct answer {
    response_head head;
    answer_framing framing = answer_framing::none;
    std::uint64_t length = 0;
    bool keep_alive = false;
    bool names_hop_by_hop = false; // its Connection names fields: trailers may be among them
    std::size_t head_size = 0;
    std::string_view amz_retry_after, retry_after, amzn_errortype, amzn_query_error, amz_bucket_region, date;
};

// io_error::none or malformed. `is_head`: it answers a HEAD request. The result's views point into `head` and `room`.
// Interim (1xx) heads are parsed too.
io_error parse_answer_head(std::string_view head, bool is_head, field_array& room, answer& out) noexcept;

// How the client is told where the answer ends.
enum class client_framing : std::uint8_t {
    same,      // as the upstream has it, but without trailers
    trailers,  // as the upstream has it: chunked, and the client takes trailers
    dechunked, // an HTTP/1.0 client: the connection's end is the answer's
    chunked,   // the upstream's connection ended it; a truncation must stay visible
};
client_framing framing_for(const answer& a, bool http_1_0, bool takes_trailers = false) noexcept; // of the client

// Status line and fields, their order and spelling untouched; only what ends here (RFC 9110 7.6.1) is left out, and
// what the client's connection needs is added. Lies in `memory`.
std::string_view write_answer_head(
    const answer& a, client_framing framing, bool http_1_0, bool keep_alive, std::pmr::memory_resource& memory
);

} // namespace countersign::proxy
