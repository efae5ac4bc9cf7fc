#include "proxy/process.hpp"

#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/resource.h>
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

} // namespace
} // namespace countersign::proxy
