#include "tests/proxy/support/still_worker.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdexcept>

namespace countersign::tests {

namespace asio = boost::asio;

namespace {

int connect_to(const service& to) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(to.port());
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0)
        throw std::runtime_error("no connection to a service of the test's");
    return descriptor;
}

} // namespace

still_worker::still_worker() {
    shared_.config = std::make_shared<conf::config>();
    shared_.trusted = proxy::make_trust_store("");
    if (X509_STORE_add_cert(shared_.trusted.get(), test_authority()) != 1)
        throw std::runtime_error("the tests' authority is not taken");
    worker_.emplace(shared_);
    worker_->time.refresh();
    worker_->sockets.start();
}

bool still_worker::until(const std::function<bool()>& holds) {
    while (!holds())
        if (worker_->context.run_one_for(patience) == 0)
            return false;
    return true;
}

void still_worker::settle() {
    worker_->context.poll();
}

line::line(still_worker& w, const service& to) : connection_(w->sockets, *this) {
    if (connection_.adopt_connected(connect_to(to)) != proxy::io_error::none)
        throw std::runtime_error("a connection does not take its socket");
}

void line::await_event() const {
    pollfd one{connection_.socket().descriptor(), POLLIN, 0};
    if (::poll(&one, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) != 1)
        throw std::runtime_error("nothing has come");
}

void line::on_unasked() {
    ++unasked;
    if (then)
        then();
}

proxy::detached read(proxy::connection& c, outcome_of_io& out) {
    std::array<char, 64> room;
    const proxy::io_result r = co_await c.read_some(asio::buffer(room));
    out.bytes.assign(room.data(), r.bytes);
    out.error = r.error;
}

proxy::detached write(proxy::connection& c, std::string_view text, outcome_of_io& out) {
    const proxy::gather buffers{asio::buffer(text)};
    const proxy::io_error e = co_await c.write_all(buffers);
    out.error = e;
}

} // namespace countersign::tests
