// A client of the test's own: a request's body in pieces, given one at a time.
#pragma once

#include "proxy/client.hpp"
#include "proxy/request_body.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

class fed_client final : public proxy::client {
public:
    // The first piece came with the head.
    fed_client(proxy::block_pools& blocks, std::vector<std::string_view> pieces)
        : buffer_(blocks), pieces_(std::move(pieces)) {
        std::string_view first = pieces_.empty() ? std::string_view{} : pieces_.front();
        while (!first.empty() && buffer_.make_room()) {
            const boost::asio::mutable_buffer room = buffer_.room();
            const std::string_view part = first.substr(0, room.size());
            std::memcpy(room.data(), part.data(), part.size());
            buffer_.added(part.size());
            first.remove_prefix(part.size());
        }
        next_ = 1;
    }

    proxy::read_buffer& buffer() noexcept override { return buffer_; }
    proxy::task<proxy::io_error> read_body(boost::asio::mutable_buffer into, std::size_t& bytes) override {
        while (next_ < pieces_.size() && pieces_[next_].empty()) {
            ++next_;
        }
        if (next_ >= pieces_.size()) {
            co_return proxy::io_error::closed;
        }
        std::string_view& piece = pieces_[next_];
        bytes = std::min(piece.size(), into.size());
        std::memcpy(into.data(), piece.data(), bytes);
        piece.remove_prefix(bytes);
        co_return proxy::io_error::none;
    }
    void interrupt_read() noexcept override {}
    std::optional<proxy::io_error> try_write(proxy::gather& buffers) noexcept override {
        told.append(static_cast<const char*>(buffers[0].data()), buffers[0].size());
        return proxy::io_error::none;
    }
    proxy::task<proxy::io_error> finish(proxy::gather) override { co_return proxy::io_error::none; }
    void await_upstream() noexcept override {}
    std::string_view peer() const noexcept override { return "test"; }

    std::string unread() const { // what nobody has asked for
        std::string left;
        for (std::size_t i = next_; i < pieces_.size(); ++i) {
            left += pieces_[i];
        }
        return left;
    }

    std::string told;

private:
    proxy::read_buffer buffer_;
    std::vector<std::string_view> pieces_;
    std::size_t next_ = 0;
};

struct body_read {
    proxy::io_error error = proxy::io_error::none;
    std::string content;
    bool is_complete = false;
    std::vector<std::string> trailers; // "name:value"
    std::string behind;                // what was not the body's
};

// Never waits: fed_client has what there is.
inline proxy::detached read_all(proxy::request_body& body, fed_client& c, std::size_t room_size, body_read& out) {
    std::vector<char> room(room_size);
    while (!body.is_complete() && out.error == proxy::io_error::none) {
        std::size_t got = 0;
        out.error = co_await body.fill(room, got, false);
        out.content.append(room.data(), got);
    }
    out.is_complete = body.is_complete();
    for (const signer::trailer& t : body.trailers()) {
        out.trailers.push_back(std::string(t.name).append(":").append(t.value));
    }
    out.behind = body.behind().bytes();
    out.behind += c.buffer().bytes().substr(body.taken_from_buffer());
    out.behind += c.unread();
}

} // namespace countersign::tests
