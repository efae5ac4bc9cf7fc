// A request's body on its way from the client to the service, a block at a time: the next block is read when the one
// before has been sent. Can be begun anew as long as nothing of it was read. On the worker's thread.
#pragma once

#include "proxy/body/source.hpp"
#include "proxy/net/buffers.hpp"
#include "proxy/request_body.hpp"
#include "signer/sha256.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::proxy {

class streamed_body final : public body::source {
public:
    // `whole_blocks`: pieces are as long as a block, but for the last. `hash`: of the content in hex, which the last
    // piece waits for; "": not checked. All outlive it.
    streamed_body(
        request_body& from,
        client& c,
        block_pool& blocks,
        std::optional<std::uint64_t> length,
        bool whole_blocks,
        std::string_view hash
    ) noexcept
        : from_(from), client_(c), blocks_(blocks), length_(length), is_whole_(whole_blocks), hash_(hash) {}

    body::piece next() noexcept override;
    void consume(const body::piece& p) noexcept override { begin_ += p.consumed; }
    bool has_more_at_hand() const noexcept override { return begin_ < end_; }
    task<io_error> wait() override;
    void interrupt() noexcept override { from_.interrupt(); }
    io_error fault() const noexcept override { return io_error::wrong_body; }
    std::optional<std::uint64_t> length() const noexcept override { return length_; }
    bool is_replayable() const noexcept override { return !from_.has_begun(); }
    void rewind() noexcept override {}
    std::span<const signer::trailer> trailers() const noexcept override { return from_.trailers(); }

private:
    bool is_as_said() noexcept;

    request_body& from_;
    client& client_;
    block_pool& blocks_;
    std::optional<std::uint64_t> length_;
    bool is_whole_;
    bool is_wrong_ = false;
    std::string_view hash_;
    signer::sha256 running_;
    block block_;
    std::size_t begin_ = 0, end_ = 0;
};

} // namespace countersign::proxy
