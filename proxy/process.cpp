#include "proxy/process.hpp"

#include "signer/key_memory.hpp"

#include <csignal>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace countersign::proxy {

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
}

} // namespace countersign::proxy
