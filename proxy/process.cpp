#include "proxy/process.hpp"

#include "signer/key_memory.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::proxy {
namespace {

constexpr std::string_view too_many = "HTTP/1.1 503 Service Unavailable\r\nX-Countersign-Error: overloaded\r\n"
                                      "Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr int most_reads = 4; // of a client that is turned away: it must not keep the thread

} // namespace

void forbid_core_dumps() noexcept {
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    rlimit locked{};
    if (::getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
        locked.rlim_cur = locked.rlim_max;
        ::setrlimit(RLIMIT_MEMLOCK, &locked);
    }
    signer::open_key_memory();
}

void harden_process() noexcept {
    forbid_core_dumps();
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // write() says it (EFBIG)
}

std::uint64_t most_descriptors() noexcept {
    rlimit files{};
    const bool is_known = ::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY;
    return is_known ? files.rlim_cur : UINT64_MAX;
}

unsigned clients_that_fit(std::uint64_t descriptors, unsigned workers, unsigned listeners) noexcept {
    constexpr std::uint64_t for_all = 24;   // standard ones, log, signals, admin, files, look-ups, a command's pipes
    constexpr std::uint64_t for_worker = 8; // io_context (3), poller, look-ups, the spare one; beside its listeners
    constexpr std::uint64_t for_client = 2; // itself, and the connection upstream
    const std::uint64_t reserved = for_all + std::uint64_t{workers} * (for_worker + listeners);
    const std::uint64_t left = descriptors > reserved ? descriptors - reserved : 0;
    return static_cast<unsigned>(std::clamp<std::uint64_t>(left / for_client, 1, UINT32_MAX));
}

unsigned limit_clients(const conf::listen_settings& listen, unsigned workers) {
    const std::uint64_t descriptors = most_descriptors();
    const unsigned fitting = clients_that_fit(descriptors, workers, static_cast<unsigned>(listen.address.size()));
    if (fitting < listen.max_connections) {
        spdlog::warn(
            "listen.max_connections is {}, but {} descriptors (ulimit -Hn, LimitNOFILE) are enough for {} clients only",
            listen.max_connections,
            descriptors,
            fitting
        );
    }
    return fitting;
}

spare_descriptor::spare_descriptor() noexcept : number_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

spare_descriptor::~spare_descriptor() {
    if (number_ >= 0) {
        ::close(number_);
    }
}

bool spare_descriptor::turn_one_away(int listener) noexcept {
    if (number_ < 0) { // another thread was quicker to take it, last time
        number_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (number_ < 0) {
        return false;
    }
    ::close(number_);
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
        // What stays unread would turn the close into a reset, which overtakes the answer.
        std::array<char, 16384> unread;
        for (int i = 0; i<most_reads&& ::recv(client, unread.data(), unread.size(), 0)> 0; ++i) {
        }
        // Who does not get it sees a closed connection: nothing else can be done for him.
        [[maybe_unused]] const auto sent = ::send(client, too_many.data(), too_many.size(), MSG_NOSIGNAL);
        ::shutdown(client, SHUT_WR);
        ::close(client);
    }
    number_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return client >= 0;
}

} // namespace countersign::proxy
