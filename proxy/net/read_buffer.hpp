// Bytes that were read from a socket and not yet used: a block, lent while there is something to hold, and the part of
// it that is unread. Starts with a small block; a large one on request. Not thread-safe: one worker's.
#pragma once

#include "proxy/net/buffers.hpp"

#include <boost/asio/buffer.hpp>

#include <cstdint>
#include <string_view>

namespace countersign::proxy {

struct block_pools {
    block_pool small{16 * 1024, 64};
    block_pool large{256 * 1024, 8};
};

class read_buffer {
public:
    explicit read_buffer(block_pools& blocks) noexcept : blocks_(blocks) {}

    std::string_view bytes() const noexcept { return {block_.begin() + begin_, end_ - begin_}; }
    bool empty() const noexcept { return begin_ == end_; }
    void consume(std::size_t n) noexcept { begin_ += static_cast<std::uint32_t>(n); } // REQUIRES: n <= bytes().size()

    // Where the next bytes go, behind bytes(). Takes a block where there is none. REQUIRES: !is_full().
    boost::asio::mutable_buffer room();
    void added(std::size_t n) noexcept; // to what room() has given
    std::size_t room_size() const noexcept { return (block_ ? block_.size() : blocks_.small.block_size()) - end_; }
    bool is_full() const noexcept { return block_ && end_ == block_.size(); }
    bool was_filled() const noexcept { return was_filled_; } // by one read: there is much to come

    // Room behind bytes(), which move to the front, or into a large block. False where they fill a large one.
    bool make_room();
    void compact() noexcept;
    void use_large_block(); // the bytes move along
    bool is_large() const noexcept { return block_.size() > blocks_.small.block_size(); }

    bool has_block() const noexcept { return static_cast<bool>(block_); }
    void release() noexcept;                     // with what it holds
    void take_over(read_buffer& other) noexcept; // its block and bytes, in place of those held

private:
    block_pools& blocks_;
    block block_;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
    bool was_filled_ = false;
};

} // namespace countersign::proxy
