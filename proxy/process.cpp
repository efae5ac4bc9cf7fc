#include "proxy/process.hpp"

#include <csignal>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace countersign::proxy {

void forbid_core_dumps() noexcept {
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
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
