#include "proxy/body/memory.hpp"

#include <cstring>
#include <utility>

namespace countersign::proxy::body {

memory::~memory() {
    release();
}

void memory::release() noexcept {
    if (counted_) {
        counted_->fetch_sub(capacity_, std::memory_order_relaxed);
    }
    counted_ = nullptr;
    bytes_.reset();
    size_ = capacity_ = 0;
}

bool memory::reserve(std::size_t capacity, const budget& b) {
    if (capacity <= capacity_) {
        return true;
    }
    const std::uint64_t more = capacity - capacity_;
    const std::uint64_t before = b.used.fetch_add(more, std::memory_order_relaxed);
    if (before + more > b.limit) {
        b.used.fetch_sub(more, std::memory_order_relaxed);
        return false;
    }
    std::unique_ptr<char[]> larger;
    try {
        larger.reset(new char[capacity]);
    } catch (...) {
        b.used.fetch_sub(more, std::memory_order_relaxed);
        throw;
    }
    if (size_ != 0) {
        std::memcpy(larger.get(), bytes_.get(), size_);
    }
    bytes_ = std::move(larger);
    capacity_ = capacity;
    counted_ = &b.used;
    return true;
}

} // namespace countersign::proxy::body
