// A body in S3's aws-chunked coding, made around the bytes of another source: each block becomes a chunk, with its
// signature in front. REQUIRES of that source: pieces of a whole chunk, but for the last. One worker's thread.
#pragma once

#include "proxy/body/source.hpp"
#include "signer/chunk_encoder.hpp"

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>

namespace countersign::proxy::body {

inline constexpr std::uint64_t chunk_size = 256 * 1024; // block_pools::large

class chunk_signed final : public source {
public:
    // All outlive it; the last lines go into `memory`.
    chunk_signed(source& content, signer::chunk_encoder& encoder, std::pmr::memory_resource& memory) noexcept
        : content_(content), encoder_(encoder), memory_(memory) {}

    piece next() noexcept override;
    void consume(const piece& p) noexcept override;
    bool has_more_at_hand() const noexcept override { return is_at_end_ || content_.has_more_at_hand(); }
    task<io_error> wait() override { return content_.wait(); }
    void interrupt() noexcept override { content_.interrupt(); }
    io_error fault() const noexcept override { return content_.fault(); }
    std::optional<std::uint64_t> length() const noexcept override { return content_.length(); }
    bool is_replayable() const noexcept override { return false; } // an attempt's own
    void rewind() noexcept override {}

private:
    source& content_;
    signer::chunk_encoder& encoder_;
    std::pmr::memory_resource& memory_;
    std::string_view last_lines_;
    bool ends_ = false; // with the piece under way
    bool is_at_end_ = false;
};

} // namespace countersign::proxy::body
