#include "tests/proxy/support/scripted_network.hpp"

#include <algorithm>
#include <cerrno>

namespace countersign::tests {

using namespace std::chrono_literals;

void scripted_time::after(std::chrono::milliseconds delay, std::function<void()> what) {
    moments_.emplace(steady_now() + delay, std::move(what));
}

proxy::steady_time scripted_time::next() const {
    return moments_.empty() ? proxy::steady_time::max() : moments_.begin()->first;
}

bool scripted_time::run_due() {
    if (moments_.empty() || moments_.begin()->first > steady_now()) {
        return false;
    }
    const auto what = std::move(moments_.begin()->second);
    moments_.erase(moments_.begin());
    what();
    return true;
}

connection_ptr scripted_sockets::open() {
    auto c = std::make_shared<scripted_connection>();
    c->descriptor = next_++;
    open_.emplace(c->descriptor, c);
    return c;
}

void scripted_sockets::send(scripted_connection& c, std::string_view bytes) {
    if (!c.near_closed && !c.far_reset) {
        c.to_proxy += bytes;
        c.is_new_to_read = true;
    }
}

void scripted_sockets::finish(scripted_connection& c) {
    c.far_ended = true;
    c.is_new_to_read = true;
}

void scripted_sockets::reset(scripted_connection& c) {
    c.far_ended = c.far_reset = true;
    c.is_new_to_read = c.is_new_to_write = true;
}

std::string scripted_sockets::take(scripted_connection& c, std::size_t most) {
    std::string out = c.from_proxy.substr(0, most);
    c.is_new_to_write = c.is_new_to_write || (c.from_proxy.size() >= c.window && !out.empty());
    c.from_proxy.erase(0, out.size());
    return out;
}

int scripted_sockets::injected() noexcept {
    const std::uint64_t number = calls_++;
    if (faults_.at == number || time_.happens(faults_.broken)) {
        return ECONNRESET;
    }
    return 0;
}

std::size_t scripted_sockets::shortened(std::size_t size) noexcept {
    return size > 1 && time_.happens(faults_.short_call) ? 1 + time_.below(std::min<std::size_t>(size - 1, 16)) : size;
}

ssize_t scripted_sockets::receive(int descriptor, void* into, std::size_t size) noexcept {
    scripted_connection& c = *open_.at(descriptor);
    if (const int e = injected()) {
        reset(c);
        errno = e;
        return -1;
    }
    if (c.far_reset) {
        errno = ECONNRESET;
        return -1;
    }
    if (c.to_proxy.empty()) {
        if (c.far_ended) {
            return 0;
        }
        errno = EAGAIN;
        return -1;
    }
    if (time_.happens(faults_.not_now)) { // and the system tells of it anew
        c.is_new_to_read = true;
        errno = EAGAIN;
        return -1;
    }
    const std::size_t n = shortened(std::min(size, c.to_proxy.size()));
    std::copy_n(c.to_proxy.begin(), n, static_cast<char*>(into));
    c.to_proxy.erase(0, n);
    if (n < size && !c.to_proxy.empty()) { // less than asked for, which says "drained": more comes as an event
        c.is_new_to_read = true;
    }
    return static_cast<ssize_t>(n);
}

ssize_t scripted_sockets::send(int descriptor, const msghdr& message) noexcept {
    scripted_connection& c = *open_.at(descriptor);
    if (const int e = injected()) {
        reset(c);
        errno = e;
        return -1;
    }
    if (c.far_reset) {
        errno = EPIPE;
        return -1;
    }
    std::string bytes;
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
        bytes.append(static_cast<const char*>(message.msg_iov[i].iov_base), message.msg_iov[i].iov_len);
    }
    const std::size_t room = c.window - std::min(c.window, c.from_proxy.size());
    const bool spurious = time_.happens(faults_.not_now);
    if (room == 0 || spurious) {
        c.is_new_to_write = c.is_new_to_write || spurious;
        errno = EAGAIN;
        return -1;
    }
    const std::size_t n = shortened(std::min(room, bytes.size()));
    c.from_proxy += bytes.substr(0, n);
    if (c.on_change) {
        c.on_change();
    }
    return static_cast<ssize_t>(n);
}

bool scripted_sockets::has_unread(int descriptor) noexcept {
    return !open_.at(descriptor)->to_proxy.empty();
}

bool scripted_sockets::has_unacknowledged(int descriptor) noexcept {
    return !open_.at(descriptor)->from_proxy.empty();
}

void scripted_sockets::shut_down_sending(int descriptor) noexcept {
    scripted_connection& c = *open_.at(descriptor);
    c.near_ended = true;
    if (c.on_change) {
        c.on_change();
    }
}

void scripted_sockets::close(int descriptor) noexcept {
    const auto found = open_.find(descriptor);
    const connection_ptr c = found->second;
    open_.erase(found);
    c->near_ended = c->near_closed = true;
    c->watched_as = 0;
    if (c->on_change) {
        c->on_change();
    }
}

int scripted_sockets::watch(int, int descriptor, epoll_event& e) noexcept {
    scripted_connection& c = *open_.at(descriptor);
    c.watched_as = e.data.u64 + 1; // 0 is a name, too
    c.is_new_to_write = true;
    c.is_new_to_read = !c.to_proxy.empty() || c.far_ended;
    return 0;
}

int scripted_sockets::take_events(int, epoll_event* into, int most) noexcept {
    int n = 0;
    for (auto& [descriptor, c] : open_) {
        if (n == most || c->watched_as == 0 || (!c->is_new_to_read && !c->is_new_to_write)) {
            continue;
        }
        epoll_event& e = into[n++];
        e.events = 0;
        e.data.u64 = c->watched_as - 1;
        const bool is_readable = !c->to_proxy.empty() || c->far_ended;
        e.events |= is_readable ? EPOLLIN : 0u;
        e.events |= c->from_proxy.size() < c->window ? EPOLLOUT : 0u;
        e.events |= c->far_ended ? EPOLLRDHUP : 0u;
        e.events |= c->far_reset ? EPOLLHUP | EPOLLERR : 0u;
        c->is_new_to_read = c->is_new_to_write = false;
    }
    return n;
}

bool scripted_sockets::has_events() const {
    return std::any_of(open_.begin(), open_.end(), [](const auto& one) {
        const scripted_connection& c = *one.second;
        return c.watched_as != 0 && (c.is_new_to_read || c.is_new_to_write);
    });
}

namespace {

class scripted_dialling final : public proxy::dialling, public std::enable_shared_from_this<scripted_dialling> {
public:
    scripted_dialling(scripted_time& time, scripted_sockets& sockets, bool fails, scripted_dialler::serve to)
        : time_(time), sockets_(sockets), fails_(fails), to_(std::move(to)) {}

    void begin(std::function<void(proxy::dialled)> receive) override {
        receive_ = std::move(receive);
        const std::uint64_t kind = time_.below(20);
        const std::chrono::milliseconds wait{kind == 0 ? 60'000 : time_.below(50)}; // now and then nobody answers
        time_.after(wait, [self = shared_from_this()] { self->over(self->fails_ ? ECONNREFUSED : 0); });
    }
    void give_up() override {
        time_.after(0ms, [self = shared_from_this()] { self->over(ECANCELED); });
    }

private:
    void over(int error) {
        if (!receive_) {
            return;
        }
        proxy::dialled d;
        d.error = error;
        connection_ptr c;
        if (error == 0) {
            c = sockets_.open();
            d.descriptor = c->descriptor;
        }
        if (c) {
            to_(c);
        }
        std::exchange(receive_, nullptr)(d);
    }

    scripted_time& time_;
    scripted_sockets& sockets_;
    bool fails_;
    scripted_dialler::serve to_;
    std::function<void(proxy::dialled)> receive_;
};

} // namespace

std::shared_ptr<proxy::dialling> scripted_dialler::dial(std::vector<proxy::tcp::endpoint>) {
    return std::make_shared<scripted_dialling>(time_, sockets_, time_.happens(failing_), to_);
}

} // namespace countersign::tests
