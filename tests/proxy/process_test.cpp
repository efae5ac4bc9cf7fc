#include "proxy/process.hpp"

#include <climits>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <netinet/in.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace countersign::proxy {
namespace {

// In a process of its own: it cannot be undone.
template <class Work>
int status_of(Work work) {
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(work());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Tests of commands that have keys may have run before in this process.
bool may_leave_a_core() {
    return ::prctl(PR_SET_DUMPABLE, 1) == 0 && ::prctl(PR_GET_DUMPABLE) == 1;
}

bool leaves_no_core() {
    rlimit core{1, 1};
    return ::prctl(PR_GET_DUMPABLE) == 0 && ::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
           core.rlim_max == 0;
}

TEST(Process, LeavesNoCoreOnceItHasKeys) {
    EXPECT_EQ(
        status_of([] {
            const bool may = may_leave_a_core();
            forbid_core_dumps();
            return may && leaves_no_core() ? 0 : 1;
        }),
        0
    );
}

TEST(Process, HardenedLeavesNoCoreAndTakesAllDescriptors) {
    EXPECT_EQ(
        status_of([] {
            const bool may = may_leave_a_core();
            harden_process();
            rlimit files{};
            ::getrlimit(RLIMIT_NOFILE, &files);
            return may && leaves_no_core() && files.rlim_cur == files.rlim_max ? 0 : 1;
        }),
        0
    );
}

TEST(Process, CountsTheClientsThatFit) {
    EXPECT_EQ(clients_that_fit(1024, 2, 1), 491u);        // 1024 - 24 - 2 * 9, two for each
    EXPECT_EQ(clients_that_fit(1024, 2, 3), 489u);        // each worker has its own listeners
    EXPECT_EQ(clients_that_fit(524'288, 4, 1), 262'114u); // systemd's LimitNOFILE
    EXPECT_EQ(clients_that_fit(20, 8, 1), 1u);            // no fewer: the system may still say no
    EXPECT_EQ(clients_that_fit(UINT64_MAX, 1, 1), UINT_MAX);
}

int listening_socket(sockaddr_in& address) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool listens = ::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                         ::listen(listener, 4) == 0 &&
                         ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    return listens ? listener : -1;
}

void use_up_descriptors() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &files);
    while (::dup(0) >= 0) {
    }
}

TEST(Process, TurnsAClientAwayWithItsLastDescriptor) {
    EXPECT_EQ(
        status_of([] {
            sockaddr_in address{};
            const int listener = listening_socket(address);
            const int client = ::socket(AF_INET, SOCK_STREAM, 0);
            spare_descriptor spare;
            use_up_descriptors();
            if (::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
                !spare.turn_one_away(listener) || spare.turn_one_away(listener)) {
                return 1;
            }
            std::array<char, 512> answer{};
            const auto size = ::recv(client, answer.data(), answer.size(), 0);
            const bool is_told = size > 12 && std::string_view(answer.data(), 12) == "HTTP/1.1 503";
            return is_told && ::dup(0) < 0 ? 0 : 2; // the spare one is back
        }),
        0
    );
}

} // namespace
} // namespace countersign::proxy
