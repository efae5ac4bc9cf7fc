#include "proxy/net/socket_calls.hpp"

#include <cerrno>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace countersign::proxy {

namespace {

class of_the_system final : public socket_calls {
public:
    ssize_t receive(int descriptor, void* into, std::size_t size) noexcept override {
        ssize_t n = 0;
        do {
            n = ::recv(descriptor, into, size, 0);
        } while (n < 0 && errno == EINTR);
        return n;
    }

    ssize_t send(int descriptor, const msghdr& message) noexcept override {
        ssize_t n = 0;
        do {
            n = ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
        } while (n < 0 && errno == EINTR);
        return n;
    }

    bool has_unread(int descriptor) noexcept override {
        char byte = 0;
        return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    }

    bool has_unacknowledged(int descriptor) noexcept override {
        int bytes = 0;
        return ::ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0;
    }

    void shut_down_sending(int descriptor) noexcept override { ::shutdown(descriptor, SHUT_WR); }

    void reset_on_close(int descriptor) noexcept override {
        const linger at_once{1, 0};
        ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

    void set_up(int descriptor) noexcept override {
        const int on = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    void close(int descriptor) noexcept override { ::close(descriptor); }

    int watch(int set, int descriptor, epoll_event& e) noexcept override {
        return ::epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &e);
    }

    int take_events(int set, epoll_event* into, int most) noexcept override { return ::epoll_wait(set, into, most, 0); }
};

} // namespace

socket_calls& system_sockets() noexcept {
    static of_the_system calls;
    return calls;
}

} // namespace countersign::proxy
