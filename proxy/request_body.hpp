// Reads the content of a request's body from its client: takes off the framing (RFC 9112 6, 7.1) and the aws-chunked
// coding of S3's SDKs, verified for form, length, checksum and, for tenants, signatures. Of the trailers of chunked
// framing S3's checksums are kept. What comes behind the body belongs to the next request. On the worker's thread.
#pragma once

#include "proxy/client.hpp"
#include "proxy/http/chunked.hpp"
#include "proxy/http/refusal.hpp"
#include "proxy/stages.hpp"
#include "proxy/worker_state.hpp"
#include "signer/chunk_decoder.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy {

// Faults that the client is told of, as opposed to a client that has gone.
bool is_fault_of_body(io_error e) noexcept;

class request_body {
public:
    request_body(client& c, const received& r, worker_state& w) noexcept
        : client_(c), received_(r), worker_(w), behind_(w.blocks) {}

    // Before the first byte. Where the head names no framing there is no body. What a tenant has signed and is not so
    // is refused as its signature would be.
    void begin(bool is_tenants) noexcept;
    void decode(const signer::chunk_rules& rules, const signer::chunk_verifier* verifier); // the aws-chunked coding

    // All of it, where it lies in the client's buffer as it is: nearly every small body. nullopt: it does not.
    std::optional<std::string_view> take_in_place() noexcept;

    // Reads content into `into`: until that is full, or the body has ended; unless `whole`, until there is something.
    // `got` is right after an error, too. Asks the client for the body where it waits for that (100 Continue).
    // io_error::malformed: the framing; wrong_body: the coding; else the client has gone, or is late (timed_out).
    task<io_error> fill(std::span<char> into, std::size_t& got, bool whole);
    task<io_error> allow();    // says 100 Continue, once, to a client that waits for it
    void interrupt() noexcept; // a fill() that waits for the client ends with io_error::interrupted

    bool has_begun() const noexcept { return has_begun_; }     // a byte of it was taken
    bool is_complete() const noexcept { return is_complete_; } // the next request begins behind it
    std::uint64_t size() const noexcept { return size_; }      // of the content so far
    std::span<const signer::trailer> trailers() const noexcept;

    // What the client is told after an error.
    refusal explain(io_error e) const;

    // How much of the client's buffer, behind the head, was the body's; and what was read beyond a body that did not
    // lie in that buffer: the client's connection goes on with it.
    std::size_t taken_from_buffer() const noexcept { return taken_; }
    read_buffer& behind() noexcept { return behind_; }

private:
    static constexpr std::size_t most_trailers = 4;

    // Few bodies have any of it.
    struct behind_chunks {
        std::string lines; // of framing's trailers, not yet whole
        std::array<signer::trailer, most_trailers> trailers;
        std::array<std::array<char, 44>, most_trailers> values; // of those that framing had
        std::size_t count = 0;
    };

    task<io_error> read_raw(std::span<char> into, std::size_t& got);
    io_error take_framing(std::string_view raw, char*& out);
    io_error take_lines(std::string_view raw);
    void take_trailer(std::string_view line);
    io_error take_content(std::string_view content, char*& out);
    io_error end(std::string_view rest);
    std::string_view arrived() const noexcept { return client_.buffer().bytes().substr(received_.head_size + taken_); }

    client& client_;
    const received& received_;
    worker_state& worker_;
    read_buffer behind_;
    chunked_decoder framing_;
    std::unique_ptr<signer::chunk_decoder> coding_;
    std::unique_ptr<behind_chunks> last_; // once the last chunk is behind us
    std::size_t taken_ = 0;
    std::uint64_t left_ = 0; // of Content-Length
    std::uint64_t size_ = 0;
    bool has_begun_ = false;
    bool is_allowed_ = false;
    bool is_complete_ = false;
    bool is_tenants_ = false;
    bool is_from_buffer_ = false; // the bytes read last
    bool is_waiting_ = false;
    bool is_interrupted_ = false;
};

} // namespace countersign::proxy
