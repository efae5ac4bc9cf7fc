#include "chain/http.hpp"

#include "chain/connector.hpp"
#include "chain/text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

namespace countersign::chain {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using steady = std::chrono::steady_clock;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
using addresses = std::vector<asio::ip::address>;

http_fault fault(http_stage stage, std::string_view what, const error_code& error) {
    const bool late = error == beast::error::timeout || error == asio::error::operation_aborted;
    return {stage, fmt::format("{}: {}", what, late ? "no answer in time" : printable(error.message())), late};
}

// 0 for what is no port. A view may come from a URL, so digits only is certain and the size is not.
std::uint16_t port_in(std::string_view digits) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return error == std::errc{} && end == digits.data() + digits.size() ? port : std::uint16_t{0};
}

// Waits for the look-up under way; false when it has not ended by then.
task<bool> await_news(resolver& names, const resolver::name& name, steady::time_point until) {
    const auto ended = std::make_shared<bool>(false);
    const auto news = std::make_shared<asio::steady_timer>(names.context(), until);
    const bool is_asked = names.ask(name, [news, ended] {
        *ended = true;
        news->cancel();
    });
    if (is_asked)
        co_await news->async_wait(as_values);
    co_return *ended;
}

task<boost::system::result<addresses, http_fault>>
addresses_of(resolver& names, const http_ask& ask, const http_url& url, steady::time_point until) {
    using standing = known_name::standing;
    const auto name = names.find(url.host);
    auto stands = names.check(name, steady::now(), known_name::wanted::any);
    if (stands == standing::unknown) {
        const bool has_news = co_await await_news(names, name, until);
        if (!has_news) // what is known is of an earlier look-up
            co_return fault(http_stage::connect, "name look-up", beast::error::timeout);
        stands = names.check(name, steady::now(), known_name::wanted::any);
    }
    if (stands != standing::fresh && stands != standing::stale) {
        const std::string& why = name->known.trouble();
        co_return http_fault{http_stage::connect, "name look-up: " + (why.empty() ? "no usable answer" : why)};
    }
    // Every address, not only the first: a name with one good and one bad address would pass by luck.
    const auto& known = name->known.addresses();
    if (ask.may_dial && !(name->known.is_whole() && std::all_of(known.begin(), known.end(), ask.may_dial)))
        co_return http_fault{http_stage::forbidden, "the host has an address that plain http may not be sent to"};
    co_return known;
}

struct dropped_at_the_end {
    std::shared_ptr<connector> what;
    ~dropped_at_the_end() { what->drop(); }
};

task<std::optional<http_fault>>
dial(beast::tcp_stream& stream, resolver& names, const http_ask& ask, const http_url& url, steady::time_point until) {
    const auto found = co_await addresses_of(names, ask, url, until);
    if (!found)
        co_return found.error();
    std::vector<tcp::endpoint> endpoints;
    for (const auto& address : *found)
        endpoints.emplace_back(address, port_in(url.port));
    asio::steady_timer news(names.context(), until);
    std::optional<connected> outcome;
    const dropped_at_the_end race{std::make_shared<connector>(names.context(), endpoints)};
    race.what->begin([&](connected c) {
        outcome = c;
        news.cancel();
    });
    co_await news.async_wait(as_values);
    if (!outcome)
        co_return fault(http_stage::connect, "connection", beast::error::timeout);
    error_code error(outcome->error, boost::system::system_category());
    if (!error) {
        stream.socket().assign(endpoints[outcome->which].protocol(), outcome->descriptor, error);
        if (error)
            ::close(outcome->descriptor);
    }
    if (error)
        co_return fault(http_stage::connect, "connection", error);
    stream.expires_at(until);
    co_return std::nullopt;
}

// What is written, head and body; it holds tokens, so it is made in one piece of memory and wiped.
class ask_text {
public:
    ask_text(const http_ask& ask, const http_url& url) {
        const auto body = ask.body.reveal();
        std::size_t size = 256 + ask.method.size() + url.target.size() + url.host_field.size() + body.size();
        for (const auto& f : ask.fields)
            size += f.name.size() + f.value.reveal().size() + 4;
        text_.reserve(size);
        text_.append(ask.method).append(" ").append(url.target).append(" HTTP/1.1\r\n");
        add("Host", url.host_field);
        add("User-Agent", "countersign");
        add("Connection", "close");
        for (const auto& f : ask.fields)
            add(f.name, f.value.reveal());
        if (!body.empty() || ask.method == "PUT" || ask.method == "POST")
            add("Content-Length", std::to_string(body.size()));
        text_.append("\r\n").append(body);
    }
    ask_text(const ask_text&) = delete;
    ask_text& operator=(const ask_text&) = delete;
    ~ask_text() { OPENSSL_cleanse(text_.data(), text_.size()); }

    asio::const_buffer bytes() const noexcept { return asio::buffer(text_); }

private:
    void add(std::string_view name, std::string_view value) {
        text_.append(name).append(": ").append(value).append("\r\n");
    }

    std::string text_;
};

// Where an answer is read into; it holds keys, so it is wiped.
struct answer_buffer {
    static constexpr std::size_t size = longest_answer_head + longest_answer_body;
    std::unique_ptr<char[]> memory = std::make_unique<char[]>(size);
    beast::flat_static_buffer_base view{memory.get(), size};
    answer_buffer() = default;
    answer_buffer(const answer_buffer&) = delete;
    answer_buffer& operator=(const answer_buffer&) = delete;
    ~answer_buffer() { OPENSSL_cleanse(memory.get(), size); }
};

http_reply reply_of(http::response<http::string_body>& message) {
    http_reply reply;
    reply.status = message.result_int();
    for (const auto& f : message)
        reply.fields.push_back({std::string(f.name_string()), secret({f.value().data(), f.value().size()})});
    reply.body = secret(message.body());
    OPENSSL_cleanse(message.body().data(), message.body().size());
    return reply;
}

using answer_parser = http::response_parser<http::string_body>;

// Takes what was read. True: go on reading.
bool is_unfinished(answer_parser& parser, answer_buffer& buffer, error_code& error) {
    if (error == asio::error::eof) {
        error = {};
        if (parser.got_some())
            parser.put_eof(error);
        else
            error = http::error::end_of_stream;
        return false;
    }
    while (!error && !parser.is_done() && buffer.view.size() != 0)
        buffer.view.consume(parser.put(buffer.view.data(), error));
    if (error != http::error::need_more)
        return !error && !parser.is_done();
    error = {};
    return true;
}

asio::mutable_buffer room_in(answer_buffer& buffer, error_code& error) {
    const std::size_t left = answer_buffer::size - buffer.view.size();
    if (left != 0)
        return buffer.view.prepare(left);
    error = http::error::buffer_overflow;
    return {};
}

http_fault unreadable(const error_code& error) {
    if (error == http::error::body_limit || error == http::error::header_limit || error == http::error::buffer_overflow)
        return {http_stage::too_large, "the answer is longer than 64 KiB"};
    return fault(http_stage::exchange, "reading", error);
}

// Not http::async_write and http::async_read: those two took most of this file's time to compile, for each stream.
template <class Stream>
task<http_result> exchange(Stream& stream, const http_ask& ask, const http_url& url) {
    beast::get_lowest_layer(stream).expires_after(ask.read_limit);
    const ask_text text(ask, url);
    if (const auto [error, sent] = co_await asio::async_write(stream, text.bytes(), as_values); error)
        co_return fault(http_stage::exchange, "sending", error);
    answer_buffer buffer;
    answer_parser parser;
    parser.header_limit(longest_answer_head);
    parser.body_limit(longest_answer_body);
    parser.eager(true);
    error_code error;
    for (bool goes_on = true; goes_on;) {
        const asio::mutable_buffer room = room_in(buffer, error);
        if (error)
            break;
        const auto [trouble, got] = co_await stream.async_read_some(room, as_values);
        buffer.view.commit(got);
        error = trouble;
        goes_on = is_unfinished(parser, buffer, error);
    }
    if (error)
        co_return unreadable(error);
    co_return reply_of(parser.get());
}

error_code trust(asio::ssl::context& context, const std::string& ca_file) {
    error_code error;
    context.set_verify_mode(asio::ssl::verify_peer, error);
    if (!error)
        context.set_default_verify_paths(error);
    if (!error && !ca_file.empty())
        context.load_verify_file(ca_file, error);
    return error;
}

// The name in the certificate must be the one that was asked for, in subjectAltName.
bool expect_name(SSL* tls, const std::string& host) {
    error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    if (!not_numeric)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str()) == 1;
    SSL_set_hostflags(tls, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(tls, host.c_str()) == 1 && SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
}

task<http_result> ask_over_tls(
    const http_ask& ask, const http_url& url, const std::string& ca_file, resolver& names, steady::time_point until
) {
    asio::ssl::context context(asio::ssl::context::tls_client);
    if (SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION) != 1)
        co_return http_fault{http_stage::exchange, "TLS: OpenSSL has no version 1.2"};
    if (const auto error = trust(context, ca_file))
        co_return fault(http_stage::exchange, "trusted certificates (AWS_CA_BUNDLE, ca_bundle)", error);
    asio::ssl::stream<beast::tcp_stream> stream(co_await asio::this_coro::executor, context);
    if (!expect_name(stream.native_handle(), url.host))
        co_return http_fault{http_stage::url, "the host is no name that a certificate can have"};
    auto trouble = co_await dial(stream.next_layer(), names, ask, url, until);
    if (trouble)
        co_return *std::move(trouble);
    stream.next_layer().expires_at(until);
    if (const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, as_values); error)
        co_return fault(http_stage::exchange, "TLS", error);
    co_return co_await exchange(stream, ask, url);
}

} // namespace

std::string_view http_reply::field(std::string_view name) const noexcept {
    for (const auto& f : fields)
        if (equal_ignoring_case(f.name, name))
            return f.value.reveal();
    return {};
}

boost::system::result<http_url, http_fault> read_url(std::string_view text) {
    const auto wrong = [](std::string_view why) { return http_fault{http_stage::url, std::string(why)}; };
    const auto parsed = boost::urls::parse_uri(text);
    if (!parsed)
        return wrong("not an absolute URL");
    const boost::urls::url_view& view = *parsed;
    if (view.scheme_id() != boost::urls::scheme::http && view.scheme_id() != boost::urls::scheme::https)
        return wrong("not an http or https URL");
    if (view.host().empty())
        return wrong("a URL without a host");
    if (view.has_userinfo() || view.has_fragment())
        return wrong("a URL with user or fragment");
    http_url url;
    url.tls = view.scheme_id() == boost::urls::scheme::https;
    url.host = view.host_address();
    url.port = view.port().empty() ? (url.tls ? "443" : "80") : std::string(view.port());
    if (!is_visible(url.host) || url.host.find('%') != std::string::npos || port_in(url.port) == 0)
        return wrong("a URL with an impossible host or port");
    url.host_field = std::string(view.encoded_host());
    if (!view.port().empty())
        url.host_field += ":" + url.port;
    url.target = view.encoded_path().empty() ? "/" : std::string(view.encoded_path());
    if (view.has_query())
        url.target += "?" + std::string(view.encoded_query());
    return url;
}

task<http_result> ask_http(const http_ask& ask, std::string ca_file, resolver& names) {
    const auto url = read_url(ask.url);
    if (!url)
        co_return url.error();
    const auto until = steady::now() + ask.connect_limit;
    if (url->tls)
        co_return co_await ask_over_tls(ask, *url, ca_file, names, until);
    beast::tcp_stream stream(co_await asio::this_coro::executor);
    auto trouble = co_await dial(stream, names, ask, *url, until);
    if (trouble)
        co_return *std::move(trouble);
    co_return co_await exchange(stream, ask, *url);
}

} // namespace countersign::chain
