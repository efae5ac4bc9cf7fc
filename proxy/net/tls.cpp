#include "proxy/net/tls.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace countersign::proxy {

namespace {

constexpr std::size_t read_ahead = 64 * 1024; // four records; lent by OpenSSL while it holds something

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
    SSL_CTX_set_read_ahead(ctx, 1); // records in one system call instead of two each
    SSL_CTX_set_default_read_buffer_len(ctx, read_ahead);
    SSL_CTX_set_mode(
        ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
    );
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
    return context;
}

tls_session
make_client_session(SSL_CTX* context, const std::string& name, session_ticket* ticket, std::string& failure) {
    ERR_clear_error();
    tls_session session{SSL_new(context)};
    if (!session || SSL_set_ex_data(session.get(), ticket_slot(), ticket) != 1) {
        failure = "OpenSSL gives no connection";
        return nullptr;
    }
    if (!expect_name(session.get(), name)) {
        failure = "this is no name that a certificate could be checked for";
        return nullptr;
    }
    if (*ticket && SSL_set_session(session.get(), ticket->get()) != 1) {
        ticket->reset(); // a whole handshake instead
    }
    return session;
}

} // namespace countersign::proxy
