#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <stdexcept>

namespace countersign::tests {

namespace asio = boost::asio;
using asio::ip::tcp;

chain::snapshot some_credentials() {
    auto keys = std::make_shared<chain::credentials>();
    keys->access_key_id = "AKIDEXAMPLE";
    keys->secret_access_key = chain::secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    keys->provider = "test";
    return {std::move(keys), ""};
}

void over_tls(conf::config& c) {
    c.routes.front().scheme = conf::scheme::https;
}

live_proxy::live_proxy(
    const change& differently, const chain::snapshot& known, std::optional<chain::name_service> names
) {
    shared_.names = std::move(names);
    spdlog::set_level(spdlog::level::off);
    shared_.config = make_config(differently);
    shared_.via_name = "countersign-test";
    shared_.trusted = proxy::make_trust_store("");
    if (X509_STORE_add_cert(shared_.trusted.get(), test_authority()) != 1)
        throw std::runtime_error("the tests' authority is not taken");
    reserve_port();
    worker_ = std::make_unique<proxy::worker>(shared_);
    if (known.current || !known.error.empty())
        worker_->set_credentials(0, known);
    thread_ = std::thread([this] {
        worker_->run();
        ended_.set_value();
    });
}

live_proxy::~live_proxy() {
    if (thread_.joinable()) {
        worker_->stop();
        await_end();
    }
}

void live_proxy::await_end() {
    if (ended_.get_future().wait_for(patience) != std::future_status::ready) {
        fmt::print(stderr, "the worker did not end\n"); // and with it the thread: there is nothing to go on with
        std::abort();
    }
    thread_.join();
}

std::shared_ptr<conf::config> live_proxy::make_config(const change& differently) const {
    auto c = std::make_shared<conf::config>();
    c->log.access = false;
    conf::route all;
    all.host = "*.amazonaws.com";
    all.connect = conf::endpoint{"127.0.0.1", upstream.port()};
    all.scheme = conf::scheme::http;
    c->routes.push_back(all);
    if (differently)
        differently(*c);
    return c;
}

void live_proxy::reserve_port() {
    const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
    reserved_.open(any.protocol());
    reserved_.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>(true));
    reserved_.bind(any);
    shared_.listeners.push_back(reserved_.local_endpoint());
}

peer live_proxy::connect(int receive_buffer) {
    tcp::socket socket(context_);
    socket.open(tcp::v4());
    if (receive_buffer != 0)
        socket.set_option(asio::socket_base::receive_buffer_size(receive_buffer));
    socket.connect(shared_.listeners.front());
    return peer(std::move(socket));
}

proxy::worker_metrics live_proxy::counters() {
    std::promise<proxy::worker_metrics> copied;
    worker_->collect([&copied](proxy::worker_metrics m) { copied.set_value(std::move(m)); });
    return copied.get_future().get();
}

void live_proxy::reload(const change& differently) {
    worker_->set_config(make_config(differently), "");
}

std::string request_text(std::string_view method_and_path, std::string_view fields, std::string_view body) {
    return fmt::format("{} HTTP/1.1\r\nHost: {}\r\n{}\r\n{}", method_and_path, s3_host, fields, body);
}

std::string answer_text(std::string_view status, std::string_view body, std::string_view fields) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), fields, body);
}

} // namespace countersign::tests
