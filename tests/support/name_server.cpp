#include "tests/support/name_server.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::tests {

namespace asio = boost::asio;

namespace {

constexpr unsigned type_a = 1, type_cname = 5, type_aaaa = 28;
constexpr std::size_t header_size = 12;

void append_number(std::string& to, std::uint32_t value, int bytes) {
    while (bytes-- > 0)
        to += static_cast<char>(value >> (8 * bytes) & 0xff);
}

std::string encoded(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return out + '\0';
}

void append_record(std::string& to, std::string_view name, unsigned type, unsigned ttl, std::string_view content) {
    to += encoded(name);
    append_number(to, type, 2);
    append_number(to, 1, 2); // IN
    append_number(to, ttl, 4);
    append_number(to, static_cast<std::uint32_t>(content.size()), 2);
    to += content;
}

struct question {
    std::string name;
    unsigned type = 0;
    std::size_t end = 0; // of it, in the query
};

question question_in(std::string_view query) {
    question q;
    std::size_t at = header_size;
    while (at < query.size() && query[at] != 0) {
        const auto length = static_cast<unsigned char>(query[at]);
        q.name += (q.name.empty() ? "" : ".") + std::string(query.substr(at + 1, length));
        at += 1u + length;
    }
    if (at + 5 > query.size())
        throw std::runtime_error("not a DNS question");
    q.type = static_cast<unsigned char>(query[at + 2]);
    q.end = at + 5;
    return q;
}

unsigned append_addresses(std::string& records, const dns_reply& r, const std::string& owner, unsigned type) {
    unsigned count = 0;
    for (const std::string& text : r.addresses) {
        const auto address = asio::ip::make_address(text);
        if (address.is_v6() != (type == type_aaaa))
            continue;
        ++count;
        std::string bytes;
        if (address.is_v6())
            for (const unsigned char b : address.to_v6().to_bytes())
                bytes += static_cast<char>(b);
        else
            append_number(bytes, address.to_v4().to_uint(), 4);
        append_record(records, owner, type, r.ttl, bytes);
    }
    return count;
}

std::string reply_text(std::string_view query, const question& q, const dns_reply& r, bool truncated) {
    std::string records, owner = q.name;
    unsigned count = 0;
    if (!truncated) {
        for (const std::string& alias : r.aliases) {
            append_record(records, owner, type_cname, r.alias_ttl, encoded(alias));
            owner = alias;
            ++count;
        }
        count += append_addresses(records, r, owner, q.type);
    }
    std::string text(query.substr(0, 2));
    append_number(text, 0x8180u | (truncated ? 0x0200u : 0u) | r.code, 2);
    append_number(text, 1, 2);
    append_number(text, count, 2);
    append_number(text, 0, 4);
    text += query.substr(header_size, q.end - header_size);
    return text + records;
}

int listening(int type, std::uint16_t port) {
    const int s = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.sin_port = htons(port);
    if (::bind(s, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 ||
        (type == SOCK_STREAM && ::listen(s, 64) != 0)) {
        ::close(s);
        return -1;
    }
    return s;
}

std::uint16_t port_of(int s) {
    sockaddr_in here{};
    socklen_t size = sizeof here;
    ::getsockname(s, reinterpret_cast<sockaddr*>(&here), &size);
    return ntohs(here.sin_port);
}

} // namespace

name_server::name_server() : end_(::eventfd(0, EFD_CLOEXEC)) {
    while (listener_ < 0) { // until a port is free for both
        if (packets_ >= 0)
            ::close(packets_);
        packets_ = listening(SOCK_DGRAM, 0);
        port_ = port_of(packets_);
        listener_ = listening(SOCK_STREAM, port_);
    }
    thread_ = std::thread([this] { run(); });
}

name_server::~name_server() {
    ::eventfd_write(end_, 1);
    thread_.join();
    for (const int s : {packets_, listener_, end_})
        ::close(s);
}

void name_server::script(const std::string& name, dns_reply reply) {
    const std::lock_guard lock(mutex_);
    replies_[name] = std::move(reply);
}

std::size_t name_server::asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
}

void name_server::await_question(const std::string& name, std::size_t least) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return asked_[name] >= least; }))
        throw std::runtime_error("nobody asks for " + name);
}

chain::name_service name_server::service(std::chrono::milliseconds timeout, int tries) const {
    chain::name_service s;
    s.timeout = timeout;
    s.tries = tries;
    s.servers.emplace_back(asio::ip::address_v4::loopback(), port_);
    return s;
}

void name_server::run() {
    std::vector<pollfd> watched{{end_, POLLIN, 0}, {packets_, POLLIN, 0}, {listener_, POLLIN, 0}};
    while (::poll(watched.data(), watched.size(), -1) > 0 && watched[0].revents == 0) {
        if (watched[1].revents != 0)
            answer_packet();
        for (std::size_t i = watched.size() - 1; i > 2; --i)
            if (watched[i].revents != 0 && !answer_on(watched[i].fd)) {
                ::close(watched[i].fd);
                watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
            }
        if (watched[2].revents != 0)
            watched.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
    }
    for (std::size_t i = 3; i < watched.size(); ++i)
        ::close(watched[i].fd);
}

void name_server::answer_packet() {
    std::array<char, 1500> bytes;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t n = ::recvfrom(packets_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n <= 0)
        return;
    const std::string text = answer_to({bytes.data(), static_cast<std::size_t>(n)}, false);
    if (!text.empty())
        ::sendto(packets_, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
}

// False: the connection has ended.
bool name_server::answer_on(int connection) {
    std::array<unsigned char, 2> length;
    if (::recv(connection, length.data(), 2, MSG_WAITALL) != 2)
        return false;
    std::string query(std::size_t{length[0]} << 8 | length[1], '\0');
    if (::recv(connection, query.data(), query.size(), MSG_WAITALL) != static_cast<ssize_t>(query.size()))
        return false;
    const std::string text = answer_to(query, true);
    std::string framed;
    append_number(framed, static_cast<std::uint32_t>(text.size()), 2);
    framed += text;
    return !text.empty() && ::send(connection, framed.data(), framed.size(), MSG_NOSIGNAL) > 0;
}

// "": none.
std::string name_server::answer_to(std::string_view query, bool over_tcp) {
    const question q = question_in(query);
    const std::lock_guard lock(mutex_);
    ++asked_[q.name];
    changed_.notify_all();
    const auto found = replies_.find(q.name);
    dns_reply none{{}};
    none.code = 3;
    dns_reply r = found == replies_.end() ? none : found->second;
    if (r.ipv4_fails && q.type == type_a)
        r.code = 2;
    if (r.silent || (r.no_ipv6 && q.type == type_aaaa) || (over_tcp && r.broken_tcp))
        return "";
    return reply_text(query, q, r, r.only_tcp && !over_tcp);
}

} // namespace countersign::tests
