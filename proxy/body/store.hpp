// A request's body, kept until it has been sent: in memory as far as it may be, beyond that in a temporary file that is
// written and read by disk threads and hashed while it is written. Goes with its exchange. One worker's thread.
#pragma once

#include "proxy/body/disk_threads.hpp"
#include "proxy/body/memory.hpp"
#include "proxy/body/source.hpp"
#include "proxy/body/temporary_file.hpp"
#include "proxy/net/buffers.hpp"
#include "proxy/net/clock.hpp"
#include "signer/sha256.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy::body {

struct storage {
    disk_threads& disks;
    boost::asio::io_context& home; // the worker's
    clock& time;
    block_pool& blocks;
    budget all; // of all bodies in memory
    std::uint64_t memory = 0;
    std::uint64_t file = 0;
    std::string directory;
};

class store {
public:
    // `length` of the body, where it is known: beyond storage::memory nothing of it is kept in memory first.
    store(storage where, std::optional<std::uint64_t> length) noexcept;
    store(const store&) = delete;
    store& operator=(const store&) = delete;
    ~store();

    // The body goes in like this: room(), added() to it, and again; finish() at the end. After an error nothing more
    // is possible. io_error::too_large: beyond storage::file; storage_full, storage_failed: error() says why.
    task<io_error> room(std::span<char>& out); // at least one byte
    void added(std::size_t bytes) noexcept;
    task<io_error> finish();

    std::uint64_t size() const noexcept { return size_; }
    bool lacks_content() const noexcept { return !length_ || size_ < *length_; }
    bool is_spilled() const noexcept { return is_spilled_; }
    std::string_view view() const noexcept { return memory_.view(); } // REQUIRES: !is_spilled()
    const signer::digest& hash() const noexcept { return hash_; }     // REQUIRES: is_spilled(), finished
    int error() const noexcept { return file_.error(); }              // errno

private:
    friend class file_source;
    std::uint64_t next_capacity() const noexcept;
    task<io_error> begin_file();
    task<io_error> write_block();

    storage where_;
    std::optional<std::uint64_t> length_;
    memory memory_;
    temporary_file file_;
    block block_;
    std::size_t filled_ = 0; // of block_
    std::uint64_t size_ = 0;
    signer::sha256 running_;
    signer::digest hash_{};
    bool is_spilled_ = false;
};

// A body in a temporary file, read a block at a time. REQUIRES: the store is finished and outlives it.
class file_source final : public source {
public:
    explicit file_source(store& from) noexcept : from_(from) {}

    piece next() noexcept override;
    void consume(const piece& p) noexcept override { begin_ += p.consumed; }
    bool has_more_at_hand() const noexcept override { return begin_ < end_; }
    task<io_error> wait() override;
    io_error fault() const noexcept override { return io_error::storage_failed; }
    std::optional<std::uint64_t> length() const noexcept override { return from_.size(); }
    bool is_replayable() const noexcept override { return true; }
    void rewind() noexcept override { begin_ = end_ = read_ = 0; }

private:
    store& from_;
    std::size_t begin_ = 0, end_ = 0; // in the store's block
    std::uint64_t read_ = 0;          // of the file
};

} // namespace countersign::proxy::body
