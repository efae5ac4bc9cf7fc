// Bodies as streams: a source gives pieces as they come, a sink takes them, and copy() joins the two with one piece
// under way, so that the slower side sets the pace. Whatever they wait for is cancelled by whoever owns their
// connections. One worker's thread.
#pragma once

#include "proxy/http/body_relay.hpp"
#include "proxy/net/io_error.hpp"
#include "proxy/net/stream_socket.hpp"
#include "proxy/net/task.hpp"
#include "signer/aws_chunked.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace countersign::proxy::body {

using piece = body_relay::piece; // what is to be written next; `consumed` of it is the source's own

class source {
public:
    virtual piece next() noexcept = 0; // of what is at hand; may be empty. Its views hold until consume()
    virtual void consume(const piece& p) noexcept = 0;                // it has been written
    virtual bool has_more_at_hand() const noexcept = 0;               // is next() worth calling without wait()?
    virtual task<io_error> wait() = 0;                                // until it is; or why no more will come
    virtual void interrupt() noexcept {}                              // wait() ends soon, with io_error::interrupted
    virtual io_error fault() const noexcept = 0;                      // what a broken piece means
    virtual std::optional<std::uint64_t> length() const noexcept = 0; // of the content; nullopt: not known
    virtual bool is_replayable() const noexcept = 0;                  // from the first byte, now
    virtual void rewind() noexcept = 0;                               // to the first byte. REQUIRES: is_replayable()
    // Once the last piece has been given: what came behind the content.
    virtual std::span<const signer::trailer> trailers() const noexcept { return {}; }

protected:
    ~source() = default;
};

class sink {
public:
    // Takes what can be written now off the front. nullopt: not all of it; finish() writes the rest.
    virtual std::optional<io_error> try_write(gather& buffers) noexcept = 0;
    virtual task<io_error> finish(gather buffers) = 0;

    // Who takes the bytes may speak before it has them all: then whoever waits for more is interrupted (null: nobody
    // waits), and hear() says whether to go on: io_error::none, or why not.
    virtual bool has_spoken() noexcept { return false; }
    virtual void interrupts(source*) noexcept {}
    virtual task<io_error> hear() { co_return io_error::none; }

protected:
    ~sink() = default;
};

enum class failed_side : std::uint8_t { none, source, sink };

struct copied {
    failed_side failed = failed_side::none;
    io_error error = io_error::none;
    std::uint64_t content = 0; // bytes of it given to the sink
};

// `head` is written in front of the first piece.
task<copied> copy(source& from, sink& to, std::string_view head);

} // namespace countersign::proxy::body
