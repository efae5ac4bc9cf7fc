// TLS over a stream socket, as client or as server: each operation is one attempt, as those of the socket are. It
// asks the system only where the socket may have something. Not thread-safe.
#pragma once

#include "proxy/net/io_error.hpp"
#include "proxy/net/stream_socket.hpp"
#include "proxy/net/tls.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace countersign::proxy {

class tls_layer {
public:
    enum class role : std::uint8_t { client, server };

    // `socket` must outlive it. Null without memory.
    static std::unique_ptr<tls_layer> make(stream_socket& socket, tls_session session, role as);
    ~tls_layer();
    tls_layer(const tls_layer&) = delete;
    tls_layer& operator=(const tls_layer&) = delete;

    // nullopt: again when the socket is ready, to be written where wants_write() says so, else to be read.
    std::optional<io_error> shake_hands() noexcept;
    bool wants_write() const noexcept { return wants_write_; }

    // As stream_socket::receive and send. An end without close_notify is io_error::truncated.
    std::optional<io_result> read(asio::mutable_buffer into) noexcept;
    std::optional<io_error> write(gather& buffers) noexcept;

    // True when something has been taken from the socket that nobody has read yet: bytes, or a fault.
    bool has_pending() const noexcept { return later_ || SSL_has_pending(session_.get()) != 0; }
    // True when there is a byte, an end or a fault to be read. Takes nothing of the text.
    bool hears() noexcept;
    // False when a piece of a record, or of a message of TLS's own, has been read and its rest has not. REQUIRES: a
    // read has just found that there is no more.
    bool is_between_records() const noexcept;
    bool was_alerted() const noexcept { return alerted_; } // by the other side, be it a warning that ends nothing

    // Why the handshake failed, for the log: the verification error, else OpenSSL's reason.
    std::string describe_failure() const;
    bool is_peer_verified() const noexcept { return SSL_get_verify_result(session_.get()) == X509_V_OK; }

private:
    friend struct tls_socket_calls; // what OpenSSL reads from and writes to (tls_layer.cpp)

    tls_layer(stream_socket& socket, tls_session session) noexcept : socket_(socket), session_(std::move(session)) {}
    std::optional<io_error> failure_of(int result) noexcept;

    stream_socket& socket_;
    tls_session session_;
    std::optional<io_error> later_; // found behind the text that the last read has given
    bool in_order_ = false;         // nothing has gone wrong: the session may be resumed
    bool alerted_ = false;
    bool wants_write_ = false;
};

} // namespace countersign::proxy
