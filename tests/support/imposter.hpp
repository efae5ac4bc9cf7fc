// A scripted HTTP endpoint on 127.0.0.1, port 0: each connection reads one request and misbehaves as
// told. Lives on the test's io_context; everything it holds ends with close().
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace countersign::tests {

enum class manner : std::uint8_t {
    answer,       // sends the text and closes
    hang,         // reads and never answers
    hang_halfway, // sends the text and neither goes on nor closes
    reset,        // resets the connection
    flood,        // sends the text, then zeros until the peer has enough
};

class imposter {
public:
    explicit imposter(boost::asio::io_context& on);
    ~imposter() { close(); }
    imposter(const imposter&) = delete;
    imposter& operator=(const imposter&) = delete;

    // What the next connections get, in this order; the last one stays.
    void script(manner how, std::string text = "");
    void close();

    std::string url(std::string_view path) const;
    const std::vector<std::string>& heads() const noexcept;  // request heads as they arrived
    const std::vector<std::string>& bodies() const noexcept; // and the body of each, as long as its Content-Length says
    std::size_t flooded() const noexcept;                    // bytes that a flood got rid of

    struct state;

private:
    std::shared_ptr<state> state_;
};

// "HTTP/1.1 STATUS x\r\n…" with Content-Length and the body.
std::string http_text(unsigned status, std::string_view body, std::string_view more_fields = "");

} // namespace countersign::tests
