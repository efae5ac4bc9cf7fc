#include "proxy/net/buffers.hpp"

#include <new>
#include <sys/mman.h>

namespace countersign::proxy {

void block::release() noexcept {
    if (pool_) {
        std::exchange(pool_, nullptr)->give_back(memory_.data());
        memory_ = {};
    }
}

block_pool::~block_pool() {
    for (char* b : warm_) {
        ::munmap(b, size_);
    }
    for (char* b : cold_) {
        ::munmap(b, size_);
    }
}

block block_pool::take() {
    std::vector<char*>& from = warm_.empty() ? cold_ : warm_;
    if (!from.empty()) {
        char* const memory = from.back();
        from.pop_back();
        return block{*this, {memory, size_}};
    }
    // Room for one more entry now, so that give_back cannot fail.
    if (++total_ > cold_.capacity()) {
        cold_.reserve(2 * total_);
    }
    warm_.reserve(kept_);
    void* const memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc{};
    }
    return block{*this, {static_cast<char*>(memory), size_}};
}

void block_pool::give_back(char* memory) noexcept {
    if (warm_.size() < kept_) {
        warm_.push_back(memory);
        return;
    }
    ::madvise(memory, size_, MADV_DONTNEED);
    cold_.push_back(memory);
}

} // namespace countersign::proxy
