// What TLS sessions are made from, towards upstream: one context per worker, all on one certificate store that is
// loaded once. TLS 1.2 or newer, chain and name verified (subject alternative names only), session resumption through
// the ticket of the place that a connection leads to.
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

struct free_tls_session {
    void operator()(SSL* s) const noexcept { SSL_free(s); }
};
using tls_session = std::unique_ptr<SSL, free_tls_session>;

// The system's roots (looked up in its folder when needed, not all loaded) and, beside them, `ca_file`. Throws
// std::runtime_error when that cannot be read.
trust_store make_trust_store(const std::string& ca_file);

// Takes a reference of its own to `trusted`. Throws std::runtime_error when OpenSSL refuses a setting.
boost::asio::ssl::context make_tls_context(X509_STORE& trusted);

// A new session, ready for its handshake: server name, name to verify, session to resume. Null when the name (a DNS
// name, or an address as text) cannot be verified, or without memory; `failure` then says what is missing. New tickets
// go to `*ticket`, which must outlive the session.
tls_session
make_client_session(SSL_CTX* context, const std::string& name, session_ticket* ticket, std::string& failure);

} // namespace countersign::proxy
