// Reads a request's body into memory, within payload.memory_limit and memory_total. What comes behind it belongs to the
// next request and is kept. RFC 9112 sections 6 and 7.1. On the worker's thread.
#pragma once

#include "proxy/body/memory.hpp"
#include "proxy/client.hpp"
#include "proxy/http/refusal.hpp"
#include "proxy/stages.hpp"
#include "proxy/worker_state.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace countersign::proxy {

class request_body {
public:
    request_body(client& c, const received& r, worker_state& w) noexcept
        : client_(c), received_(r), worker_(w), behind_(w.blocks) {}

    // Afterwards view() is the body; or there is a refusal, or the client has left. REQUIRES: once, before the body.
    task<std::optional<refusal>> read();
    std::string_view view() const noexcept { return view_; }

    // How much of the client's buffer, behind the head, was the body's; and what was read beyond a body that did not
    // lie in that buffer: the client's connection goes on with it.
    std::size_t taken_from_buffer() const noexcept { return taken_; }
    read_buffer& behind() noexcept { return behind_; }

private:
    task<io_error> read_known_length();
    task<io_error> read_chunked();
    bool take_content(std::string_view content);
    bool reserve(std::size_t capacity);
    task<io_error> allow(); // 100 Continue, where the client waits for it
    std::string_view arrived() const noexcept { return client_.buffer().bytes().substr(received_.head_size); }

    client& client_;
    const received& received_;
    worker_state& worker_;
    body::memory room_;
    read_buffer behind_;
    std::string_view view_;
    std::size_t taken_ = 0;
    bool is_overloaded_ = false;
};

} // namespace countersign::proxy
