#include "proxy/net/tls.hpp"

#include "proxy/net/connection.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>

namespace countersign::proxy {

// OpenSSL's way to the socket. Unlike its own socket BIO it knows from the connection whether there can be anything to
// read, and asks the system only then.
struct tls_socket {
    static connection& of(BIO* b) noexcept { return *static_cast<connection*>(BIO_get_data(b)); }

    static int read(BIO* b, char* into, int size) {
        connection& t = of(b);
        BIO_clear_retry_flags(b);
        if (t.readable_) {
            const auto r = t.try_receive({into, static_cast<std::size_t>(size)});
            if (r) {
                return r->error == io_error::none ? static_cast<int>(r->bytes) : r->error == io_error::closed ? 0 : -1;
            }
        }
        BIO_set_retry_read(b);
        return -1;
    }

    static int write(BIO* b, const char* from, int size) {
        connection& t = of(b);
        BIO_clear_retry_flags(b);
        ssize_t n = 0;
        do {
            n = ::send(t.descriptor_, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
        } while (n < 0 && errno == EINTR);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            t.writable_ = false;
            BIO_set_retry_write(b);
        }
        return static_cast<int>(n);
    }

    static long control(BIO* b, int command, long, void*) {
        switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return of(b).ended_ ? 1 : 0;
        default:
            return 0;
        }
    }

    // Null without memory.
    static BIO_METHOD* method() noexcept {
        static BIO_METHOD* const made = [] {
            const int index = BIO_get_new_index();
            BIO_METHOD* const m = index < 0 ? nullptr : BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "ssl");
            const bool set = m && BIO_meth_set_read(m, read) == 1 && BIO_meth_set_write(m, write) == 1 &&
                             BIO_meth_set_ctrl(m, control) == 1;
            return set ? m : nullptr;
        }();
        return made;
    }

    // Also of a warning that ends nothing, which OpenSSL otherwise passes over in silence.
    static void note_alert(const SSL* ssl, int where, int) {
        if (where == SSL_CB_READ_ALERT) {
            of(SSL_get_rbio(ssl)).alerted_ = true;
        }
    }
};

namespace {

int ticket_slot() {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr); // -1: refused where it is used
    return slot;
}

void require(bool done, const char* what) {
    if (!done) {
        throw std::runtime_error(fmt::format("OpenSSL does not take a setting for TLS: {}", what));
    }
}

int keep_ticket(SSL* ssl, SSL_SESSION* session) {
    auto* const tickets = static_cast<session_ticket*>(SSL_get_ex_data(ssl, ticket_slot()));
    if (!tickets) {
        return 0;
    }
    tickets->reset(session);
    return 1; // the reference is ours now
}

// An empty name switches OpenSSL's check off, and a NUL cuts one short: neither can be verified.
bool expect_name(SSL* ssl, const std::string& name) {
    if (name.empty() || name.find('\0') != std::string::npos) {
        return false;
    }
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(name, not_an_address);
    if (!not_an_address) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 && SSL_set1_host(ssl, name.c_str()) == 1;
}

} // namespace

trust_store make_trust_store(const std::string& ca_file) {
    trust_store store{X509_STORE_new()};
    if (!store || X509_STORE_set_default_paths(store.get()) != 1) {
        throw std::runtime_error("OpenSSL cannot find the system's certificate store");
    }
    if (!ca_file.empty() && X509_STORE_load_file(store.get(), ca_file.c_str()) != 1) {
        throw std::runtime_error(fmt::format("upstream.ca_file: {} cannot be read as PEM certificates", ca_file));
    }
    ERR_clear_error();
    return store;
}

boost::asio::ssl::context make_tls_context(X509_STORE& trusted) {
    namespace ssl = boost::asio::ssl;
    ssl::context context{ssl::context::tls_client};
    SSL_CTX* const ctx = context.native_handle();
    require(X509_STORE_up_ref(&trusted) == 1, "the certificate store");
    SSL_CTX_set_cert_store(ctx, &trusted);
    require(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1, "version 1.2 at least");
    require(ticket_slot() >= 0, "a place for tickets");
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_read_ahead(ctx, 1); // a record in one system call instead of two
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
    return context;
}

tls_connection
make_tls_connection(SSL_CTX* context, const std::string& name, session_ticket* tickets, std::string& failure) {
    ERR_clear_error();
    tls_connection connection{SSL_new(context)};
    if (!connection || SSL_set_ex_data(connection.get(), ticket_slot(), tickets) != 1) {
        failure = "OpenSSL gives no connection";
        return nullptr;
    }
    if (!expect_name(connection.get(), name)) {
        failure = "this is no name that a certificate could be checked for";
        return nullptr;
    }
    if (*tickets && SSL_set_session(connection.get(), tickets->get()) != 1) {
        tickets->reset(); // a whole handshake instead
    }
    return connection;
}

bool attach_tls(SSL* ssl, connection& t) noexcept {
    BIO_METHOD* const method = tls_socket::method();
    BIO* const b = method ? BIO_new(method) : nullptr;
    if (!b) {
        return false;
    }
    BIO_set_data(b, &t);
    BIO_set_init(b, 1);
    SSL_set_bio(ssl, b, b);
    SSL_set_info_callback(ssl, tls_socket::note_alert);
    SSL_set_connect_state(ssl);
    return true;
}

bool is_between_records(const SSL* ssl) noexcept {
    // "RB": a header has been read and the body has not. SSL_has_pending() does not count the header.
    return SSL_has_pending(ssl) == 0 && SSL_in_init(ssl) == 0 &&
           std::string_view{SSL_rstate_string(ssl)} != "RB";
}

void keep_session(SSL* ssl) noexcept {
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

std::string describe_tls_failure(SSL* ssl) {
    if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK) {
        return X509_verify_cert_error_string(verdict);
    }
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "handshake failed";
}

} // namespace countersign::proxy
