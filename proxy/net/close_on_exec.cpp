#include "proxy/net/close_on_exec.hpp"

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <fcntl.h>

namespace countersign::proxy {

void close_on_exec(int descriptor) {
    if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
        throw boost::system::system_error{errno, boost::system::system_category(), "FD_CLOEXEC"};
    }
}

} // namespace countersign::proxy
