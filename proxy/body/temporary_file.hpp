// A file without a name: it goes with its descriptor, however this process ends. Every call may block: for disk
// threads, one at a time.
#pragma once

#include "proxy/net/io_error.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy::body {

class temporary_file {
public:
    temporary_file() = default;
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file();

    // storage_full: no room, none left of a quota, or no descriptor. storage_failed: anything else. error() is then
    // the system's.
    io_error open(const std::string& directory) noexcept; // 0600
    io_error append(std::string_view bytes) noexcept;
    io_error read(std::uint64_t at, std::span<char> into) noexcept; // REQUIRES: so much is there

    bool is_open() const noexcept { return descriptor_ >= 0; }
    int error() const noexcept { return error_; }
    int release() noexcept; // the descriptor, for somebody else to close

private:
    io_error fail() noexcept;
    int descriptor_ = -1;
    int error_ = 0;
};

} // namespace countersign::proxy::body
