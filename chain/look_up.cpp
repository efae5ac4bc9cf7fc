#include "chain/look_up.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <ares.h>
#include <limits>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace countersign::chain {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;

namespace {

// c-ares's own sockets become close-on-exec a moment after they are made, and may raise SIGPIPE.
const ares_socket_functions sockets{
    [](int family, int type, int protocol, void*) {
        return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    },
    [](int s, void*) { return ::close(s); },
    [](int s, const sockaddr* to, socklen_t size, void*) { return ::connect(s, to, size); },
    [](int s, void* into, size_t size, int flags, sockaddr* from, socklen_t* from_size, void*) {
        return ::recvfrom(s, into, size, flags, from, from_size);
    },
    [](int s, const iovec* parts, int count, void*) {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);
        message.msg_iovlen = static_cast<std::size_t>(count);
        return ::sendmsg(s, &message, MSG_NOSIGNAL);
    },
};

bool is_ready() {
    static const bool ready = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    return ready;
}

bool use_servers(ares_channel channel, const std::vector<asio::ip::udp::endpoint>& servers) {
    std::vector<ares_addr_port_node> nodes(servers.size());
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const bool v4 = servers[i].address().is_v4();
        nodes[i].next = i + 1 < servers.size() ? &nodes[i + 1] : nullptr;
        nodes[i].family = v4 ? AF_INET : AF_INET6;
        nodes[i].udp_port = nodes[i].tcp_port = servers[i].port();
        if (v4) {
            const auto bytes = servers[i].address().to_v4().to_bytes();
            std::copy(bytes.begin(), bytes.end(), reinterpret_cast<unsigned char*>(&nodes[i].addr.addr4));
        } else {
            const auto bytes = servers[i].address().to_v6().to_bytes();
            std::copy(bytes.begin(), bytes.end(), reinterpret_cast<unsigned char*>(&nodes[i].addr.addr6));
        }
    }
    return ares_set_servers_ports(channel, nodes.data()) == ARES_SUCCESS;
}

asio::ip::address address_in(const sockaddr* a) {
    if (a->sa_family == AF_INET) {
        return asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(a)->sin_addr.s_addr));
    }
    asio::ip::address_v6::bytes_type bytes;
    const auto* const from = reinterpret_cast<const sockaddr_in6*>(a)->sin6_addr.s6_addr;
    std::copy(from, from + bytes.size(), bytes.begin());
    return asio::ip::address_v6(bytes);
}

// TTLs beyond 31 bits are none (RFC 2181 section 8).
int positive(int ttl) noexcept {
    return std::max(ttl, 0);
}

} // namespace

struct look_up::watch {
    watch(asio::io_context& context, int s) : socket(context), number(s) {}
    asio::posix::basic_stream_descriptor<asio::io_context::executor_type> socket;
    int number;
    bool open = true;
    bool wants_read = false, wants_write = false; // c-ares does
    bool reading = false, writing = false;        // a wait is under way
};

look_up::look_up(asio::io_context& context, std::function<void(name_answer)> receive)
    : context_(context), receive_(std::move(receive)), whole_{this, AF_UNSPEC}, v4_{this, AF_INET}, v6_{this, AF_INET6},
      timer_(context), end_(steady::now() + longest), alone_(steady::now() + alone_after) {}

bool look_up::asked::is_whole() const noexcept {
    return family == AF_UNSPEC;
}

look_up::~look_up() {
    close();
}

void look_up::begin(const std::string& host, const name_service& service) {
    host_ = host;
    if (open(service)) {
        ask(whole_);
    }
    if (answer_) {
        asio::post(context_, [self = shared_from_this()] { self->settle(); });
    } else {
        settle();
    }
}

void look_up::ask(asked& as) {
    ares_addrinfo_hints hints{};
    hints.ai_family = as.family;
    hints.ai_socktype = SOCK_STREAM;
    const auto answered = [](void* to, int status, int, ares_addrinfo* found) {
        asked& question = *static_cast<asked*>(to);
        question.by->on_answer(question, status, found);
        ares_freeaddrinfo(found);
    };
    ares_getaddrinfo(channel_, host_.c_str(), nullptr, &hints, answered, &as);
}

bool look_up::open(const name_service& service) {
    ares_options options{};
    int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    options.flags = service.only_tcp ? ARES_FLAG_USEVC : 0;
    options.timeout = static_cast<int>(service.timeout.count());
    options.tries = service.tries;
    options.sock_state_cb = [](void* self, int s, int reads, int writes) {
        static_cast<look_up*>(self)->on_socket(s, reads != 0, writes != 0);
    };
    options.sock_state_cb_data = this;
    if (!service.servers.empty()) {
        given |= ARES_OPT_DOMAINS; // none
    }
    const int status = is_ready() ? ares_init_options(&channel_, &options, given) : ARES_ENOTINITIALIZED;
    if (status != ARES_SUCCESS) {
        channel_ = nullptr;
        fail(ares_strerror(status));
        return false;
    }
    ares_set_socket_functions(channel_, &sockets, nullptr);
    if (!service.servers.empty() && !use_servers(channel_, service.servers)) {
        fail("the servers cannot be set");
        return false;
    }
    return true;
}

// c-ares opens a socket, wants something else of it, or is about to close it.
void look_up::on_socket(int descriptor, bool reads, bool writes) {
    auto known = std::find_if(watches_.begin(), watches_.end(), [&](const auto& w) { return w->number == descriptor; });
    if (!reads && !writes) {
        if (known != watches_.end()) {
            (*known)->open = false;
            (*known)->socket.release();
            watches_.erase(known);
        }
        return;
    }
    if (known == watches_.end()) {
        auto fresh = std::make_shared<watch>(context_, descriptor);
        error_code unwatched;
        fresh->socket.assign(descriptor, unwatched);
        if (unwatched) {
            if (!answer_) {
                fail(unwatched.message());
            }
            return;
        }
        known = watches_.insert(known, std::move(fresh));
    }
    (*known)->wants_read = reads;
    (*known)->wants_write = writes;
}

void look_up::on_answer(asked& as, int status, const ares_addrinfo* found) {
    if (answer_ || !channel_) {
        return; // given up, or c-ares says that the channel ends
    }
    as.status = status;
    if (status != ARES_SUCCESS || (!as.is_whole() && !found->nodes)) {
        return take_failure(as, status == ARES_SUCCESS ? ARES_ENODATA : status);
    }
    name_answer a;
    int ttl = std::numeric_limits<int>::max();
    for (const auto* n = found->nodes; n; n = n->ai_next) {
        a.addresses.push_back(address_in(n->ai_addr));
        ttl = std::min(ttl, positive(n->ai_ttl));
    }
    for (const auto* c = found->cnames; c; c = c->next) {
        ttl = std::min(ttl, positive(c->ttl));
    }
    a.lasts = std::chrono::seconds{as.is_whole() ? ttl : 0}; // the other family may answer the next time
    a.verdict = a.addresses.empty() ? name_verdict::absent : name_verdict::found;
    answer_ = std::move(a);
}

// c-ares reports only how the last of a question's two families ended: "no data" for IPv6 can hide that the server
// failed to answer for IPv4. Then each family has to confirm it.
void look_up::take_failure(const asked& as, int status) {
    const auto is_absent = [](int s) { return s == ARES_ENOTFOUND || s == ARES_ENODATA || s == ARES_EBADNAME; };
    if (as.is_whole() && status != ARES_ENODATA) {
        answer_ = {is_absent(status) ? name_verdict::absent : name_verdict::failed, {}, {}, ares_strerror(status)};
        return;
    }
    if (as.is_whole()) {
        in_doubt_ = true;
        if (alone_ != steady::time_point::max()) { // else they were asked for already
            alone_ = steady::now();
        }
    }
    if (in_doubt_ && v4_.status != -1 && v6_.status != -1) {
        const int worse = is_absent(v4_.status) ? v6_.status : v4_.status;
        answer_ = {is_absent(worse) ? name_verdict::absent : name_verdict::failed, {}, {}, ares_strerror(worse)};
    }
}

void look_up::ask_alone() {
    alone_ = steady::time_point::max();
    ask(v4_);
    if (!answer_) {
        ask(v6_);
    }
}

void look_up::fail(std::string why) {
    answer_ = {name_verdict::failed, {}, {}, std::move(why)};
}

void look_up::wait(const std::shared_ptr<watch>& w) {
    using descriptor = asio::posix::descriptor_base;
    const auto self = shared_from_this();
    if (w->wants_read && !std::exchange(w->reading, w->wants_read)) {
        w->socket.async_wait(descriptor::wait_read, [self, w](error_code e) {
            w->reading = false;
            if (!e && w->open) {
                self->go_on(w->number, ARES_SOCKET_BAD);
            }
        });
    }
    if (w->wants_write && !std::exchange(w->writing, w->wants_write)) {
        w->socket.async_wait(descriptor::wait_write, [self, w](error_code e) {
            w->writing = false;
            if (!e && w->open) {
                self->go_on(ARES_SOCKET_BAD, w->number);
            }
        });
    }
}

void look_up::arm() {
    timeval next{};
    steady::time_point at = std::min(end_, alone_);
    if (ares_timeout(channel_, nullptr, &next)) {
        at = std::min(
            at,
            // c-ares cuts microseconds off: a millisecond more, or it would be asked in vain.
            steady::now() + std::chrono::seconds{next.tv_sec} + std::chrono::microseconds{next.tv_usec + 1000}
        );
    }
    timer_.expires_at(at);
    timer_.async_wait([self = shared_from_this()](error_code e) {
        if (!e) {
            self->go_on(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }
    });
}

void look_up::go_on(int readable, int writable) {
    if (!channel_) {
        return;
    }
    ares_process_fd(channel_, readable, writable);
    const auto now = steady::now();
    if (!answer_ && now >= end_) {
        fail("no answer in time");
    }
    if (!answer_ && now >= alone_) {
        ask_alone();
    }
    settle();
}

// After each thing that c-ares has done: hands the answer over, or waits on.
void look_up::settle() {
    if (!answer_) {
        for (const auto& w : watches_) {
            wait(w);
        }
        arm();
        return;
    }
    close();
    if (const auto receive = std::exchange(receive_, nullptr)) {
        receive(*std::move(answer_));
    }
}

void look_up::give_up(std::string why) {
    if (!answer_) {
        fail(std::move(why));
        asio::post(context_, [self = shared_from_this()] { self->settle(); });
    }
}

void look_up::drop() noexcept {
    receive_ = nullptr;
    close();
}

// REQUIRES: c-ares is not at work.
void look_up::close() noexcept {
    timer_.cancel();
    if (channel_) {
        ares_destroy(std::exchange(channel_, nullptr)); // says of each socket that it is about to be closed
    }
}

} // namespace countersign::chain
