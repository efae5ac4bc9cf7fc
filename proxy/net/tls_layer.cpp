#include "proxy/net/tls_layer.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr std::size_t record_size = 16 * 1024;

} // namespace

// OpenSSL's way to the socket. Unlike its own socket BIO it knows whether there can be anything to read.
struct tls_socket_calls {
    static tls_layer& of(BIO* b) noexcept { return *static_cast<tls_layer*>(BIO_get_data(b)); }

    static int read(BIO* b, char* into, int size) {
        stream_socket& s = of(b).socket_;
        BIO_clear_retry_flags(b);
        if (s.is_readable()) {
            if (const auto r = s.receive({into, static_cast<std::size_t>(size)})) {
                return r->error == io_error::none ? static_cast<int>(r->bytes) : r->error == io_error::closed ? 0 : -1;
            }
        }
        BIO_set_retry_read(b);
        return -1;
    }

    static int write(BIO* b, const char* from, int size) {
        stream_socket& s = of(b).socket_;
        BIO_clear_retry_flags(b);
        const bool had_sent = s.has_sent(); // the text, not its records, is what counts
        gather buffers{asio::const_buffer{from, static_cast<std::size_t>(size)}};
        const auto e = s.send(buffers);
        const std::size_t sent = static_cast<std::size_t>(size) - buffers[0].size();
        if (!had_sent) {
            s.forget_sent();
        }
        if (sent != 0) {
            return static_cast<int>(sent);
        }
        if (!e) {
            BIO_set_retry_write(b);
        }
        return -1;
    }

    static long control(BIO* b, int command, long, void*) {
        switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return of(b).socket_.has_ended() ? 1 : 0;
        default:
            return 0;
        }
    }

    // Null without memory.
    static BIO_METHOD* method() noexcept {
        static BIO_METHOD* const made = [] {
            const int index = BIO_get_new_index();
            BIO_METHOD* const m = index < 0 ? nullptr : BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "connection");
            const bool set = m && BIO_meth_set_read(m, read) == 1 && BIO_meth_set_write(m, write) == 1 &&
                             BIO_meth_set_ctrl(m, control) == 1;
            return set ? m : nullptr;
        }();
        return made;
    }

    // Also of a warning, which OpenSSL otherwise passes over in silence.
    static void note_alert(const SSL* ssl, int where, int) {
        if (where == SSL_CB_READ_ALERT) {
            of(SSL_get_rbio(ssl)).alerted_ = true;
        }
    }
};

std::unique_ptr<tls_layer> tls_layer::make(stream_socket& socket, tls_session session, role as) {
    BIO_METHOD* const method = tls_socket_calls::method();
    BIO* const b = method ? BIO_new(method) : nullptr;
    if (!b) {
        return nullptr;
    }
    SSL* const ssl = session.get();
    std::unique_ptr<tls_layer> made{new tls_layer{socket, std::move(session)}};
    BIO_set_data(b, made.get());
    BIO_set_init(b, 1);
    SSL_set_bio(ssl, b, b);
    SSL_set_info_callback(ssl, tls_socket_calls::note_alert);
    if (as == role::client) {
        SSL_set_connect_state(ssl);
    } else {
        SSL_set_accept_state(ssl);
    }
    return made;
}

tls_layer::~tls_layer() {
    if (in_order_) { // otherwise OpenSSL makes the session unusable for resumption
        SSL_set_shutdown(session_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
}

std::optional<io_error> tls_layer::shake_hands() noexcept {
    ERR_clear_error();
    const int done = SSL_do_handshake(session_.get());
    if (done == 1) {
        in_order_ = true;
        alerted_ = false; // a warning about the name, which some servers begin with
        return io_error::none;
    }
    const auto failed = failure_of(done);
    return failed == io_error::closed ? io_error::tls_failed : failed;
}

// nullopt: it wants to be tried again when the socket is ready.
std::optional<io_error> tls_layer::failure_of(int result) noexcept {
    wants_write_ = false;
    switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        return std::nullopt;
    case SSL_ERROR_WANT_WRITE:
        wants_write_ = true;
        return std::nullopt;
    case SSL_ERROR_ZERO_RETURN:
        return io_error::closed;
    case SSL_ERROR_SSL:
        in_order_ = false;
        // An end without close_notify: the other side's TCP said that it ended, its TLS did not.
        return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? io_error::truncated
                                                                                      : io_error::tls_failed;
    default:
        in_order_ = false;
        return io_error::reset;
    }
}

// As many records as there are and fit, so that the reader passes them on together.
std::optional<io_result> tls_layer::read(asio::mutable_buffer into) noexcept {
    if (later_) {
        return io_result{*std::exchange(later_, std::nullopt)};
    }
    std::size_t taken = 0;
    for (;;) {
        ERR_clear_error();
        char* const at = static_cast<char*>(into.data()) + taken;
        const int n = SSL_read(session_.get(), at, static_cast<int>(into.size() - taken));
        if (n > 0) {
            taken += static_cast<std::size_t>(n);
            if (taken == into.size() || (!has_pending() && !socket_.is_readable())) {
                return io_result{io_error::none, taken};
            }
            continue;
        }
        const auto failed = failure_of(n);
        if (taken != 0) {
            later_ = failed;
            return io_result{io_error::none, taken};
        }
        return failed ? std::optional{io_result{*failed}} : std::nullopt;
    }
}

// A head and a small body share a record: they are copied together, since OpenSSL gathers nothing.
std::optional<io_error> tls_layer::write(gather& buffers) noexcept {
    char together[record_size];
    while (size_of(buffers) != 0) {
        const auto first = std::find_if(buffers.begin(), buffers.end(), [](const auto& b) { return b.size() != 0; });
        const void* from = first->data();
        std::size_t size = first->size();
        if (size < record_size && size != size_of(buffers)) {
            size = asio::buffer_copy(asio::buffer(together), buffers);
            from = together;
        }
        ERR_clear_error();
        const int n = SSL_write(session_.get(), from, static_cast<int>(std::min(size, record_size)));
        if (n > 0) {
            socket_.note_sent();
            drop_front(buffers, static_cast<std::size_t>(n));
            continue;
        }
        const auto failed = failure_of(n);
        return failed == io_error::closed ? io_error::reset : failed;
    }
    return io_error::none;
}

bool tls_layer::hears() noexcept {
    if (!socket_.is_readable() && !has_pending()) {
        return !is_between_records();
    }
    if (later_) {
        return true;
    }
    char byte = 0;
    ERR_clear_error();
    const int n = SSL_peek(session_.get(), &byte, 1);
    return n > 0 || failure_of(n) || !is_between_records();
}

bool tls_layer::is_between_records() const noexcept {
    // "RB": a header has been read and the body has not. SSL_has_pending() does not count the header.
    return !has_pending() && SSL_in_init(session_.get()) == 0 &&
           std::string_view{SSL_rstate_string(session_.get())} != "RB";
}

std::string tls_layer::describe_failure() const {
    if (const long verdict = SSL_get_verify_result(session_.get()); verdict != X509_V_OK) {
        return X509_verify_cert_error_string(verdict);
    }
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "handshake failed";
}

} // namespace countersign::proxy
