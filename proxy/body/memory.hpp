// A request body in memory: as much as has really arrived, counted against what all bodies of the process may hold.
// Given back when it ends. One worker's thread; the count is shared.
#pragma once

#include "proxy/body/source.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace countersign::proxy::body {

// payload.memory_total. The counter outlives every body.
struct budget {
    std::atomic<std::uint64_t>& used;
    std::uint64_t limit;
};

class memory {
public:
    memory() = default;
    memory(const memory&) = delete;
    memory& operator=(const memory&) = delete;
    ~memory();

    std::string_view view() const noexcept { return {bytes_.get(), size_}; }
    std::size_t capacity() const noexcept { return capacity_; }
    char* free_space() noexcept { return bytes_.get() + size_; }
    std::size_t free_size() const noexcept { return capacity_ - size_; }
    void added(std::size_t n) noexcept { size_ += n; } // to the free space
    // False, and nothing has changed, when all bodies together would be too large.
    bool reserve(std::size_t capacity, const budget& b);
    void release() noexcept; // with what it holds

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    std::atomic<std::uint64_t>* counted_ = nullptr; // capacity_ of it is this one's
};

// A body that lies in memory whole, as a source. The bytes are borrowed.
class memory_source final : public source {
public:
    explicit memory_source(std::string_view bytes) noexcept : bytes_(bytes) {}

    piece next() noexcept override {
        return {{}, bytes_.substr(at_), {}, bytes_.size() - at_, body_relay::state::complete};
    }
    void consume(const piece& p) noexcept override { at_ += p.consumed; }
    bool has_more_at_hand() const noexcept override { return at_ < bytes_.size(); }
    task<io_error> wait() override { co_return io_error::closed; }
    io_error fault() const noexcept override { return io_error::none; }
    std::optional<std::uint64_t> length() const noexcept override { return bytes_.size(); }
    bool is_replayable() const noexcept override { return true; }
    void rewind() noexcept override { at_ = 0; }

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
};

} // namespace countersign::proxy::body
