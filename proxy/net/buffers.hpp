// Fixed blocks of memory for reading from sockets, lent and taken back by one worker. A block that comes back stays
// for the next borrower; beyond `kept` idle ones its pages go back to the system. Not thread-safe: one per worker.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace countersign::proxy {

class block_pool;

// A borrowed block; gives itself back. Movable, may be empty. Must not outlive its pool.
class block {
public:
    block() = default;
    block(block&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), memory_(std::exchange(other.memory_, {})) {}
    block& operator=(block&& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(memory_, other.memory_);
        return *this;
    }
    ~block() { release(); }

    char* begin() const noexcept { return memory_.data(); } // nullptr when empty
    std::size_t size() const noexcept { return memory_.size(); }
    explicit operator bool() const noexcept { return !memory_.empty(); }
    void release() noexcept;

private:
    friend class block_pool;
    block(block_pool& pool, std::span<char> memory) noexcept : pool_(&pool), memory_(memory) {}
    block_pool* pool_ = nullptr;
    std::span<char> memory_;
};

class block_pool {
public:
    // `size` is a multiple of the page size.
    block_pool(std::size_t size, std::size_t kept) : size_(size), kept_(kept) {}
    ~block_pool();
    block_pool(const block_pool&) = delete;
    block_pool& operator=(const block_pool&) = delete;

    block take();
    std::size_t block_size() const noexcept { return size_; }

private:
    friend class block;
    void give_back(char* memory) noexcept;

    std::size_t size_;
    std::size_t kept_;
    std::size_t total_ = 0;
    std::vector<char*> warm_; // with their pages
    std::vector<char*> cold_; // address space only
};

} // namespace countersign::proxy
