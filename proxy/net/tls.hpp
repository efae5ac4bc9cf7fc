// TLS towards upstream: one context per worker, all on one certificate store that is loaded once. TLS 1.2 or newer,
// chain and name verified (subject alternative names only), session resumption through the destination that a
// connection belongs to. Made at the start; throws std::runtime_error when ca_file cannot be read.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace countersign::proxy {

struct free_session {
    void operator()(SSL_SESSION* s) const noexcept { SSL_SESSION_free(s); }
};
using session_ticket = std::unique_ptr<SSL_SESSION, free_session>;

struct free_store {
    void operator()(X509_STORE* s) const noexcept { X509_STORE_free(s); }
};
using trust_store = std::unique_ptr<X509_STORE, free_store>;

struct free_tls_connection {
    void operator()(SSL* s) const noexcept { SSL_free(s); }
};
using tls_connection = std::unique_ptr<SSL, free_tls_connection>;

// The system's roots (looked up in its folder when needed, not all loaded) and, beside them, `ca_file`.
trust_store make_trust_store(const std::string& ca_file);

// Takes a reference of its own to `trusted`. Throws std::runtime_error when OpenSSL refuses a setting.
boost::asio::ssl::context make_tls_context(X509_STORE& trusted);

// A new connection, ready for its handshake: server name, name to verify, session to resume. Null when the name (a DNS
// name, or an address as text) cannot be verified, or without memory; `failure` then says what is missing. New tickets
// go to `*tickets`, which must outlive the connection.
tls_connection
make_tls_connection(SSL_CTX* context, const std::string& name, session_ticket* tickets, std::string& failure);

class connection;

// Makes the connection read from and write to the connection's socket. False without memory.
bool attach_tls(SSL* ssl, connection& t) noexcept;

// False when a piece of a record, or of a message of TLS's own, has been read and its rest has not. REQUIRES: a read
// has just found that there is no more.
bool is_between_records(const SSL* ssl) noexcept;

// Before a connection in good order is freed: otherwise OpenSSL makes its session unusable for resumption.
void keep_session(SSL* ssl) noexcept;

// Why the handshake failed, for the log: the verification error, else OpenSSL's reason.
std::string describe_tls_failure(SSL* ssl);

} // namespace countersign::proxy
