#include "tests/proxy/support/tls_end.hpp"

#include "proxy/sandbox/certificate.hpp"

#include <boost/asio/buffer.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <chrono>
#include <stdexcept>

namespace countersign::tests {

namespace {

void check_call(bool holds, const char* what) {
    if (!holds) {
        const char* const why = ERR_reason_error_string(ERR_peek_last_error());
        throw std::runtime_error(std::string("the service's TLS: ") + what + ": " + (why ? why : "no reason"));
    }
}

// One for all tests of a process: keys take time.
struct identity {
    identity() {
        authority.certify(context);
        const std::string pem = authority.pem();
        BIO* const text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
        certificate.reset(PEM_read_bio_X509(text, nullptr, nullptr, nullptr));
        BIO_free(text);
        check_call(certificate != nullptr, "authority");
    }

    proxy::sandbox::certificate_authority authority{
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())};
    boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
    proxy::sandbox::certificate_pointer certificate;
};

identity& shown() {
    static identity one;
    return one;
}

} // namespace

X509* test_authority() {
    return shown().certificate.get();
}

SSL_CTX* server_context() {
    return shown().context.native_handle();
}

tls_end::tls_end(int version)
    : connection_(SSL_new(shown().context.native_handle())), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
    check_call(connection_ && in_ && out_, "no memory");
    SSL_set_bio(connection_.get(), in_, out_);
    SSL_set_accept_state(connection_.get());
    check_call(version == 0 || SSL_set_max_proto_version(connection_.get(), version) == 1, "version");
}

std::string tls_end::take() {
    std::string bytes(BIO_ctrl_pending(out_), '\0');
    if (!bytes.empty())
        check_call(BIO_read(out_, bytes.data(), static_cast<int>(bytes.size())) > 0, "outgoing bytes");
    return bytes;
}

std::string tls_end::feed(std::string_view bytes) {
    check_call(BIO_write(in_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()), "feed");
    ERR_clear_error();
    if (!is_open()) {
        const int done = SSL_do_handshake(connection_.get());
        open_ = done == 1;
        check_call(open_ || SSL_get_error(connection_.get(), done) == SSL_ERROR_WANT_READ, "handshake");
    }
    return take();
}

std::string tls_end::read() {
    std::string text;
    std::array<char, 16384> piece;
    ERR_clear_error();
    for (int n = 0; (n = SSL_read(connection_.get(), piece.data(), static_cast<int>(piece.size()))) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(n));
    return text;
}

std::string tls_end::seal(std::string_view text) {
    ERR_clear_error();
    check_call(SSL_write(connection_.get(), text.data(), static_cast<int>(text.size())) > 0, "seal");
    return take();
}

std::string tls_end::ticket() {
    check_call(SSL_new_session_ticket(connection_.get()) == 1, "ticket");
    check_call(SSL_do_handshake(connection_.get()) == 1, "ticket");
    return take();
}

std::string tls_end::key_update(bool of_both) {
    const int type = of_both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
    check_call(SSL_key_update(connection_.get(), type) == 1, "key update");
    check_call(SSL_do_handshake(connection_.get()) == 1, "key update");
    return take();
}

std::string tls_end::close_notify() {
    check_call(SSL_shutdown(connection_.get()) >= 0, "close_notify");
    return take();
}

// What this end says to a record that nobody can have sealed.
std::string tls_end::alert() {
    const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
    check_call(BIO_write(in_, forged.data(), static_cast<int>(forged.size())) > 0, "alert");
    char byte = 0;
    check_call(SSL_read(connection_.get(), &byte, 1) < 1, "alert");
    return take();
}

} // namespace countersign::tests
