// What the admin listener answers: checks a request and makes the answer's text. Pure; any thread.
#pragma once

#include "proxy/http/refusal.hpp"
#include "proxy/observe/metrics.hpp"
#include "proxy/observe/readiness.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy {

using admin_request = boost::beast::http::request<boost::beast::http::empty_body>;

// May this request be answered? `local`: the address of ours that the connection came in on.
std::optional<refusal> refuse_admin(const admin_request& request, const boost::asio::ip::address& local);

// "127.0.0.1:8081", "localhost", "[::1]:8081" and the like, or `local` itself; any port.
bool is_admin_host(std::string_view host, const boost::asio::ip::address& local);

struct admin_answer {
    unsigned status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string body;
};

admin_answer readiness_answer(const readiness& r); // 200 or 503, JSON
// `services`: lines of describe_services.
admin_answer
status_answer(const readiness& r, std::span<const credential_gauge> credentials, std::string_view services);

std::string render(const admin_answer& a, bool head_request); // with "Connection: close"

} // namespace countersign::proxy
