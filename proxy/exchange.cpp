#include "proxy/exchange.hpp"

#include <algorithm>
#include <cstring>

namespace countersign::proxy {

void body_memory::reserve(std::size_t capacity) {
    if (capacity <= capacity_) {
        return;
    }
    std::unique_ptr<char[]> larger{new char[capacity]};
    if (size_ != 0) {
        std::memcpy(larger.get(), bytes_.get(), size_);
    }
    bytes_ = std::move(larger);
    capacity_ = capacity;
}

void body_memory::append(std::string_view bytes) {
    if (bytes.size() > free_size()) {
        reserve(std::max(size_ + bytes.size(), 2 * capacity_));
    }
    std::memcpy(free_space(), bytes.data(), bytes.size());
    size_ += bytes.size();
}

void body_memory::clear() noexcept {
    bytes_.reset();
    size_ = capacity_ = 0;
}

void exchange::reset() noexcept {
    refused.reset();
    destination.reset();
    identity = 0;
    tenant.reset();
    connection.reset();
    signed_with.keys.reset();
    delivered = delivery::nothing;
    path = query = body = payload_hash = {};
    body_room.clear();
    request = inbound{};
    head = request_head{};
    reply = answer{};
    add_content_sha256 = is_hashed = broken_off = reset_client = false;
    keep_alive = true;
    status = attempts = 0;
    request_bytes = response_bytes = 0;
    head_size = block_used = 0;
    next_block.release();
    upstream_time = {};
    payload_plan = "none";
    request_memory_.release();
    attempt_memory_.release();
}

} // namespace countersign::proxy
