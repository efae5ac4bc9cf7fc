#include "proxy/body/temporary_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace countersign::proxy::body {

namespace {

// For file systems without O_TMPFILE: a name for a moment.
int open_and_unlink(const std::string& directory) noexcept {
    try {
        std::string path = directory + "/countersign-XXXXXX";
        const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
        if (descriptor >= 0 && ::unlink(path.c_str()) != 0) {
            const int error = errno;
            ::close(descriptor);
            errno = error;
            return -1;
        }
        return descriptor;
    } catch (const std::bad_alloc&) {
        errno = ENOMEM;
        return -1;
    }
}

} // namespace

temporary_file::~temporary_file() {
    if (is_open()) {
        ::close(descriptor_);
    }
}

io_error temporary_file::open(const std::string& directory) noexcept {
    descriptor_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (descriptor_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        descriptor_ = open_and_unlink(directory);
    }
    return descriptor_ < 0 ? fail() : io_error::none;
}

io_error temporary_file::append(std::string_view bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fail();
        }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return io_error::none;
}

io_error temporary_file::read(std::uint64_t at, std::span<char> into) noexcept {
    while (!into.empty()) {
        const ssize_t n = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) { // shorter than what was written: somebody has cut it off
            errno = n == 0 ? EIO : errno;
            return fail();
        }
        at += static_cast<std::uint64_t>(n);
        into = into.subspan(static_cast<std::size_t>(n));
    }
    return io_error::none;
}

int temporary_file::release() noexcept {
    return std::exchange(descriptor_, -1);
}

io_error temporary_file::fail() noexcept {
    error_ = errno;
    const bool is_full =
        error_ == ENOSPC || error_ == EDQUOT || error_ == EFBIG || error_ == EMFILE || error_ == ENFILE;
    return is_full ? io_error::storage_full : io_error::storage_failed;
}

} // namespace countersign::proxy::body
