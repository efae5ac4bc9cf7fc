#include "chain/connector.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace countersign::chain {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;

struct connector::attempt {
    attempt(asio::io_context& context, std::size_t n) : socket(context), which(n) {}
    void close() {
        error_code ignored;
        socket.close(ignored);
    }
    asio::posix::basic_stream_descriptor<asio::io_context::executor_type> socket; // watched, not read or written
    std::size_t which;
};

connector::connector(asio::io_context& context, std::vector<asio::ip::tcp::endpoint> addresses)
    : context_(context), addresses_(std::move(addresses)), race_(addresses_.size()), timer_(context) {
    last_failure_.error = EADDRNOTAVAIL; // where there is no address
}

connector::~connector() {
    drop();
}

void connector::begin(std::function<void(connected)> receive) {
    receive_ = std::move(receive);
    go_on();
}

// Whose turn it is now is tried; what then is decided is told from the io_context.
void connector::go_on() {
    while (!result_) {
        const auto which = race_.next(steady::now());
        if (!which) {
            break;
        }
        try_address(*which);
    }
    if (!result_ && attempts_.empty() && !race_.next_turn()) {
        result_ = last_failure_;
    }
    if (result_) {
        asio::post(context_, [self = shared_from_this()] { self->tell(); });
    } else {
        arm();
    }
}

void connector::try_address(std::size_t which) {
    const auto& to = addresses_[which];
    const auto failed = [&] {
        last_failure_ = {-1, which, errno};
        race_.lost();
    };
    const int s = ::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) {
        return failed();
    }
    if (::connect(s, to.data(), static_cast<socklen_t>(to.size())) == 0) {
        result_ = {s, which, 0};
        return;
    }
    const auto a = std::make_shared<attempt>(context_, which);
    error_code unwatched;
    if (errno == EINPROGRESS) {
        a->socket.assign(s, unwatched);
    } else {
        unwatched = error_code(errno, boost::system::system_category());
    }
    if (unwatched) {
        ::close(s);
        errno = unwatched.value();
        return failed();
    }
    if (attempts_.size() == most_at_once) {
        attempts_.front()->close();
        attempts_.erase(attempts_.begin());
    }
    attempts_.push_back(a);
    a->socket.async_wait(asio::posix::descriptor_base::wait_write, [self = shared_from_this(), a](error_code e) {
        if (!e && a->socket.is_open()) {
            self->ready(a);
        }
    });
}

void connector::ready(const std::shared_ptr<attempt>& a) {
    if (result_) {
        return; // somebody was faster
    }
    int failure = 0;
    socklen_t size = sizeof failure;
    if (::getsockopt(a->socket.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
        failure = errno;
    }
    std::erase(attempts_, a);
    if (failure == 0) {
        result_ = {a->socket.release(), a->which, 0};
        tell();
        return;
    }
    a->close();
    last_failure_ = {-1, a->which, failure};
    race_.lost();
    go_on();
}

void connector::arm() {
    const auto turn = race_.next_turn();
    if (!turn) {
        return;
    }
    timer_.expires_at(*turn);
    timer_.async_wait([self = shared_from_this()](error_code e) {
        if (!e && !self->result_) {
            self->go_on();
        }
    });
}

void connector::give_up() {
    if (result_) {
        return;
    }
    result_ = {-1, attempts_.empty() ? last_failure_.which : attempts_.front()->which, ECANCELED};
    asio::post(context_, [self = shared_from_this()] { self->tell(); });
}

void connector::tell() {
    const auto receive = std::exchange(receive_, nullptr);
    const connected result = *result_;
    if (receive) {
        result_->descriptor = -1; // it is theirs now
    }
    drop();
    if (receive) {
        receive(result);
    }
}

void connector::drop() noexcept {
    receive_ = nullptr;
    timer_.cancel();
    for (const auto& a : std::exchange(attempts_, {})) {
        a->close();
    }
    if (!result_) {
        result_.emplace(); // nothing more is begun
    }
    if (const int unused = std::exchange(result_->descriptor, -1); unused >= 0) {
        ::close(unused);
    }
}

} // namespace countersign::chain
