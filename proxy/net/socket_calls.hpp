// The system calls that connections make, at one place, so that a simulation can script them. Each behaves as the call
// it is named after: -1 and errno. Any thread.
#pragma once

#include <cstddef>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

namespace countersign::proxy {

class socket_calls {
public:
    virtual ssize_t receive(int descriptor, void* into, std::size_t size) noexcept = 0;
    virtual ssize_t send(int descriptor, const msghdr& message) noexcept = 0; // never raises SIGPIPE
    virtual bool has_unread(int descriptor) noexcept = 0;                     // a byte, not an end
    virtual bool has_unacknowledged(int descriptor) noexcept = 0; // sent, not acknowledged by the other side
    virtual void shut_down_sending(int descriptor) noexcept = 0;
    virtual void reset_on_close(int descriptor) noexcept = 0;
    virtual void set_up(int descriptor) noexcept = 0; // what every connection's socket is set to
    virtual void close(int descriptor) noexcept = 0;

    // Of an epoll set.
    virtual int watch(int set, int descriptor, epoll_event& e) noexcept = 0;
    virtual int take_events(int set, epoll_event* into, int most) noexcept = 0; // those at hand, without waiting

protected:
    ~socket_calls() = default;
};

socket_calls& system_sockets() noexcept;

} // namespace countersign::proxy
