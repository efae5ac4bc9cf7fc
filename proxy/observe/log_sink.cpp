#include "proxy/observe/log_sink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign::proxy {

log_sink::log_sink(int descriptor) noexcept : descriptor_(descriptor), kind_(kind::stream) {
    struct stat about {};
    if (::fstat(descriptor, &about) != 0) {
        return;
    }
    if (S_ISREG(about.st_mode)) {
        kind_ = kind::file;
    } else if (S_ISSOCK(about.st_mode)) {
        kind_ = kind::socket;
    } else {
        // O_NONBLOCK set on standard error itself would also hold for the shell and the programs we share it
        // with. Opened once more, the flag is ours alone.
        char path[32];
        *fmt::format_to_n(path, sizeof path - 1, "/proc/self/fd/{}", descriptor).out = '\0';
        const int again = ::open(path, O_WRONLY | O_NONBLOCK | O_APPEND | O_NOCTTY | O_CLOEXEC);
        if (again < 0) {
            return;
        }
        descriptor_ = again;
        owns_ = true;
    }
}

log_sink::~log_sink() {
    if (owns_) {
        ::close(descriptor_);
    }
}

bool log_sink::write_all(std::string_view text) noexcept {
    // We cannot open another user's pipe again, but at least we can ask first whether there is room.
    if (kind_ == kind::stream && !owns_) {
        pollfd room{descriptor_, POLLOUT, 0};
        if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) {
            return false;
        }
    }
    ssize_t written = 0;
    do {
        written = kind_ == kind::socket ? ::send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                        : ::write(descriptor_, text.data(), text.size());
    } while (written < 0 && errno == EINTR);
    return written == static_cast<ssize_t>(text.size());
}

std::size_t log_sink::write_lines(std::string_view lines) noexcept {
    std::size_t lost = 0;
    while (!lines.empty()) {
        std::string_view part = lines;
        if (kind_ != kind::file && part.size() > longest_line) {
            part = part.substr(0, longest_line);
            part = part.substr(0, part.rfind('\n') + 1);
        }
        if (!write_all(part)) {
            // The rest would not fit either: one failed call a flush, not one a line.
            lost = static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
            break;
        }
        lines.remove_prefix(part.size());
    }
    return lost;
}

} // namespace countersign::proxy
