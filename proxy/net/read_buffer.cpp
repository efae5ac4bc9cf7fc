#include "proxy/net/read_buffer.hpp"

#include <cstring>
#include <utility>

namespace countersign::proxy {

boost::asio::mutable_buffer read_buffer::room() {
    if (!block_) {
        block_ = blocks_.small.take();
    }
    if (begin_ == end_) {
        begin_ = end_ = 0;
    }
    return {block_.begin() + end_, block_.size() - end_};
}

void read_buffer::added(std::size_t n) noexcept {
    end_ += static_cast<std::uint32_t>(n);
    was_filled_ = was_filled_ || is_full();
}

bool read_buffer::make_room() {
    if (!is_full()) {
        return true;
    }
    if (begin_ != 0) {
        compact();
        return true;
    }
    if (is_large()) {
        return false;
    }
    use_large_block();
    return true;
}

void read_buffer::compact() noexcept {
    const std::string_view kept = bytes();
    if (!kept.empty()) {
        std::memmove(block_.begin(), kept.data(), kept.size());
    }
    begin_ = 0;
    end_ = static_cast<std::uint32_t>(kept.size());
}

void read_buffer::use_large_block() {
    block larger = blocks_.large.take();
    const std::string_view kept = bytes();
    if (!kept.empty()) {
        std::memcpy(larger.begin(), kept.data(), kept.size());
    }
    end_ = static_cast<std::uint32_t>(kept.size());
    begin_ = 0;
    block_ = std::move(larger);
}

void read_buffer::release() noexcept {
    block_.release();
    begin_ = end_ = 0;
    was_filled_ = false;
}

void read_buffer::take_over(read_buffer& other) noexcept {
    block_ = std::move(other.block_);
    begin_ = other.begin_;
    end_ = other.end_;
    other.release();
}

} // namespace countersign::proxy
